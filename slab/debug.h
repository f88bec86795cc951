/*
 * debug.h - zones, poison and tracks around the objects of a cache under debug           Floor 6
 *
 * The layout of a slot is told at struct slab_track. All calls are for caches of SLAB_MODE_DEBUG;
 * the caller holds its thread's lock. Damage that is found is reported and ends the program, or is
 * repaired (SLAB_DEBUG has r).
 */
#ifndef SLAB_DEBUG_H
#define SLAB_DEBUG_H

#include "slab/layout.h"
#include "slab/slabpage.h"
#include "slab/check.h"

/* Every slot of a slab that is nobody's yet: free, before a constructor sees it. */
void slab_debug_format(const struct slab_cache *c, struct slab *s);

/* Whether this alloc is one that fails (SLAB_FAULT_INJECT). */
bool slab_debug_must_fail(const struct slab_cache *c);

/* obj has just been taken from its slab; who takes it stands in taken. */
void slab_debug_take(const struct slab_cache *c, void *obj, const struct slab_event *taken);

/* Of obj, just taken, the caller wants the first bytes alone: with zones, the one behind it begins
 * there. */
void slab_debug_trim(const struct slab_cache *c, void *obj, size_t bytes);

/* What the caller of the above wanted; object_bytes of all else that lies in a slab of c. */
size_t slab_debug_usable(const struct slab_cache *c, const void *p);

/*
 * obj is freed; it may be any pointer. False: that was reported, and nothing is to be done. True:
 * it was live and waits now.
 */
bool slab_debug_give(const struct slab_cache *c, void *obj, const struct slab_event *freed);

/* An object that waited is about to go to its slab. */
void slab_debug_leave(const struct slab_cache *c, void *obj);

/*
 * Looks at every slot of a slab; each one with damage is reported. fatal: it ends the program or
 * is repaired, as above, else it stays. Returns the slots with damage; adds those that wait.
 */
unsigned slab_debug_check(const struct slab_cache *c, const struct slab *s, bool fatal,
                          uint64_t *waiting);

/* Whether a slot whose bit is 1 is the program's: not in the quarantine. */
static inline bool slab_debug_is_live(const struct slab_cache *c, const void *obj)
{
	uint64_t state = slab_read(&slab_track_of(c, obj)->state);

	return state != SLAB_TRACK_WAITING && state != SLAB_TRACK_FREE;
}

/* Whether a live object begins at p, which lies in a slab of c. */
bool slab_debug_is_object(const struct slab_cache *c, const void *p);

#endif
