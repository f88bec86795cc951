/*
 * home.h - the partial slabs of a large cache, lowest address first                      Floor 4
 *
 * A slab is at home when its span serves its cache alone. Such a slab stands on no list while it is
 * partial: a bit in its span says so, and the spans stand in the order of their addresses. So what
 * a free changes is a line that 512 slabs share, not the headers of two neighbours on a list; and
 * what is allocated in one go lies in one direction, below what is left to drain.
 * Everything under the slablist's lock of the cache.
 * Source: first fit by address, as in phkmalloc and jemalloc.
 */
#ifndef SLAB_HOME_H
#define SLAB_HOME_H

#include "slab/layout.h"

/* A slab joins the cache: whether its span is of this cache alone is settled here. */
void slab_home_join(struct slab_cache *c, struct slab *s);
void slab_home_leave(struct slab_cache *c, const struct slab *s);

/* Slab s, which is at home, becomes partial, or ceases to be. */
void slab_home_set(struct slab_cache *c, const struct slab *s);
void slab_home_clear(struct slab_cache *c, const struct slab *s);

/* The partial slab at home with the lowest address, or NULL. */
struct slab *slab_home_first(struct slab_cache *c);

#endif
