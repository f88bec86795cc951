/*
 * direct.h - mode M: each object is a malloc block of its own                            Floor 6
 *
 * The default under tools that watch malloc, so that they see an object as they see a malloc block:
 * of its exact size, with the stacks of its alloc and free, leaked or not. The calls below take no
 * lock; constructors and destructors run in the calling thread, at alloc and free.
 */
#ifndef SLAB_DIRECT_H
#define SLAB_DIRECT_H

#include "slab/layout.h"

/* Whether a cache with these flags (of create and SLAB_DEBUG) is to be in mode M. */
bool slab_direct_chosen(uint32_t flags);

/* Makes mode M of a new cache. Its head stays zero: slot 0, and every free takes the slow path. Its
 * geometry is that of slabs of one object each, so that all figures keep their meaning. */
void slab_direct_set(struct slab_cache *c);

/* An object of bytes, at most those of the cache; NULL with errno. */
void *slab_direct_alloc(struct slab_cache *c, size_t bytes);

/* Frees an object of c; anything else ends the program with a report. Leaves errno alone. */
void slab_direct_free(struct slab_cache *c, void *obj);

/* A block of no cache, for the by-size front end; NULL with errno. */
void *slab_direct_large_alloc(size_t bytes, size_t align);

/* Frees a block of whatever cache, or of none; anything else ends the program with a report. */
void slab_direct_free_any(void *p);

/* The same report and end for what is no block and was given to another call than free. */
void slab_direct_bad_pointer(void *p);

/* Calls fn for every live object of c until it returns non-zero. */
int slab_direct_for_each(const struct slab_cache *c, int (*fn)(void *obj, void *ctx), void *ctx);

/* Live objects of c, counted by walking. */
uint64_t slab_direct_count(const struct slab_cache *c);

/* In the child of a fork, under registry_lock: figures that vanished threads were just changing are
 * made anew from the side table. What those threads had in hand stays live. */
void slab_direct_recount(void);

#endif
