/*
 * magazine.h - taking an object from the magazines, giving one back                      Floor 9
 *
 * For the calling thread's struct, under its lock.
 */
#ifndef SLAB_MAGAZINE_H
#define SLAB_MAGAZINE_H

#include "slab/layout.h"

/* Takes one object: from a magazine, the depot or a slab. NULL: the cache needs another slab. */
void *slab_magazine_alloc(struct slab_thread *t, struct slab_cache *c, struct slab_list *empties);

/* Gives one object back, making room first. Does not return if it, or one before, was misused. */
void slab_magazine_free(struct slab_thread *t, struct slab_cache *c, void *obj,
                        struct slab_list *empties);

#endif
