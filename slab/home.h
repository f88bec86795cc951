/*
 * home.h - the partial slabs of a large cache, oldest span first                         Floor 4
 *
 * A slab is at home when its span serves its cache alone. Such a slab stands on no list while it is
 * partial: a bit in its span says so, and the spans stand in the order in which they came. So what
 * a free changes is a line that 512 slabs share, not the headers of two neighbours on a list; and
 * what is allocated again comes in the order in which the cache grew, while young spans drain.
 * Everything under the slablist's lock of the cache.
 * Source: jemalloc, which fills the oldest extents first, and in them the lowest address.
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

/* The lowest partial slab of the oldest span that has one, or NULL. */
struct slab *slab_home_first(struct slab_cache *c);

#endif
