/*
 * take.h - memory for one slab                                                           Floor 6
 */
#ifndef SLAB_TAKE_H
#define SLAB_TAKE_H

#include "slab/layout.h"

/*
 * Memory for one slab of c: where its header will stand, contents undefined. NULL: none. Takes
 * root.span_lock; the caller holds its thread's lock.
 */
struct slab *slab_span_take(struct slab_cache *c);

#endif
