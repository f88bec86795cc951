/*
 * quarantine.h - freed objects of caches under debug wait before they are used again     Floor 7
 *
 * So that what is written to them meanwhile is seen. The caller holds its thread's lock or
 * root.registry_lock; slabs that become empty join the list empties, for slab_release().
 */
#ifndef SLAB_QUARANTINE_H
#define SLAB_QUARANTINE_H

#include "slab/layout.h"

/* obj of c has been freed (slab_debug_give); the oldest leave for their slabs. */
void slab_quarantine_put(struct slab_cache *c, void *obj, struct slab_list *empties);

/* All objects of c leave; of every cache if c is NULL. */
void slab_quarantine_drain(struct slab_cache *c, struct slab_list *empties);

#endif
