/*
 * reserve.h - how much may be kept                                                       Floor 6
 *
 * One figure for the process, the ceiling, bounds what is kept although no object lives in it:
 *     ceiling = max(reserve, 1/16 of the slabs in use; 1/8 in libslab-malloc.so)
 *     sum of what a thread's slots pin      <= root.thread_bytes at worst, and
 *                                           <= ceiling / 2, too, as full as the slabs are
 *                                              (in libslab-malloc.so the ceiling); for a while
 *                                              more, by an equal share for each slot that opens
 *     pins of the depots + the caller's own <= 3/4 reserve, else magazines go to the slabs
 *     empty slabs that constructors' caches keep <= reserve / 2, and count as pins
 *     warm slabs                            <= ceiling - pins, at least ceiling / 4, in
 *                                              libslab-malloc.so at least 3/4
 * A parked object pins its slab, at worst a slab for each; a cache pins no more than its slabs. As
 * full as they are, depots are charged with the most that they can pin (depot.h), and a thread's
 * slots with a share: of N slabs with U objects in use or parked, T of them thin, P parked ones are
 * taken to pin min(P, T) + P * N / U, at the last exchange that reckoned it, up to seven ago. Slabs
 * may be emptied since, by others while a thread is idle: then the worst case counts.
 */
#ifndef SLAB_RESERVE_H
#define SLAB_RESERVE_H

#include "slab/layout.h"

size_t slab_reserve_ceiling(void);

/* What the slots of one thread may pin, as full as slabs are, in bytes. */
size_t slab_reserve_thread_budget(void);

/* Gives back what is above the ceiling, seen from a thread under its lock. Returns bytes. */
size_t slab_reserve_settle(const struct slab_thread *t);

/* Whether depots alone pin too much: slabs have become emptier since. */
bool slab_reserve_depots_exceed(void);

/* Whether magazines pin too much: the depots should be emptied. Of c the slot pins own_bytes. */
bool slab_reserve_is_pinned(const struct slab_thread *t, const struct slab_cache *c,
                            size_t own_bytes);

/* Whether all that c has may be parked; own_bytes: what the caller's slot pins. */
bool slab_reserve_may_stay(const struct slab_thread *t, const struct slab_cache *c,
                           size_t own_bytes);

/* Whether the depot of c may take count more objects; own_bytes: what the caller's slot pins. */
bool slab_reserve_may_park(const struct slab_thread *t, const struct slab_cache *c,
                           size_t own_bytes, uint32_t count);

#endif
