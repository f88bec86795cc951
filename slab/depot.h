/*
 * depot.h - the shelf of magazines of one cache                                          Floor 5
 *
 * Where threads exchange whole magazines instead of touching slabs. Each call takes the depot's
 * lock itself; the caller holds its thread's lock or root.registry_lock.
 */
#ifndef SLAB_DEPOT_H
#define SLAB_DEPOT_H

#include "slab/layout.h"

void slab_depot_init(struct slab_depot *d);

/*
 * Takes the magazine that was put last, its count exact, and leaves an empty one, or NULL, in
 * exchange. NULL: the shelf is bare, and the empty one stays the caller's.
 */
struct slab_magazine *slab_depot_get(struct slab_cache *c, struct slab_magazine *empty);

/* Shelves a magazine that holds something. Returns an empty one in exchange, if there is one. */
struct slab_magazine *slab_depot_put(struct slab_cache *c, struct slab_magazine *m);

/* The empty magazines go to where all caches take theirs from. */
void slab_depot_drop_spares(struct slab_cache *c);

/* Slab memory that a shelf of so many objects of c may keep from going back. */
static inline size_t slab_pin_bytes(const struct slab_cache *c, uint64_t objects)
{
	uint64_t slabs = __atomic_load_n(&c->slabs.slabs, __ATOMIC_RELAXED);

	return (size_t)(objects < slabs ? objects : slabs) * c->geo.slab_bytes;
}

/*
 * The same as full as the slabs are now: the most slabs in which nothing but so many parked objects
 * can be in use. Of thin ones each takes an object, of full ones all that they have, of those in
 * between what makes a slab not thin. Of a cache beyond SLAB_SCATTERED_BYTES few are to stand here,
 * as they are served out of turn: each counts as a slab. And so it does where the whole cache is
 * within half the reserve: it is soon charged with all, and the root's sum rests.
 */
size_t slab_depot_may_pin(const struct slab_cache *c, uint64_t objects);

/* After objects of c went back to its slabs: what stands on the shelf may pin more of them. */
void slab_depot_reckon(struct slab_cache *c);

#endif
