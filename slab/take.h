/*
 * take.h - memory for slabs                                                              Floor 6
 */
#ifndef SLAB_TAKE_H
#define SLAB_TAKE_H

#include "slab/layout.h"

/*
 * Memory for one slab of c: where its header will stand, contents undefined. NULL: none. Takes
 * root.span_lock; the caller holds its thread's lock.
 */
struct slab *slab_span_take(struct slab_cache *c);

/* The same for up to n slabs, at most SLAB_TAKE_MOST and as many as are made present in one go; one
 * at least, if there is memory. Returns how many. */
#define SLAB_TAKE_MOST 16
uint32_t slab_span_take_some(struct slab_cache *c, uint32_t n, struct slab **slabs);

#endif
