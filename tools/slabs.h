/*
 * slabs.h - the slabs of one cache, slot by slot                                         Floor t6
 */
#ifndef SLABSTAT_SLABS_H
#define SLABSTAT_SLABS_H

#include "tools/parked.h"

#define SLABS_OBJECTS_MAX 65536 /* slots in a slab that a reader believes in */

enum slabs_state { SLABS_FREE, SLABS_PARKED, SLABS_LIVE, SLABS_DAMAGED };

/* One slab, as slabs_each() hands it out. */
struct slabs_slab {
	uint64_t base, header;  /* addresses */
	uint64_t first;         /* where slot 0 is, or would be if the header did not come first */
	uint64_t hole_before;   /* bytes of holes since the slab before, in the same span */
	bool missing;           /* its header could not be read: nothing below holds */
	bool damaged;           /* the header's numbers contradict each other */
	uint32_t live, parked, free;
	const unsigned char *state; /* enum slabs_state of every slot */
	const struct parked_object *held; /* what of it threads and depot say that they have */
	size_t helds;
};

/* What was found on the way. */
struct slabs_sum {
	uint64_t slabs, missing, damaged, empty, live, parked, free;
	uint64_t parked_nowhere; /* parked pointers that are no slot in use of the cache */
	uint64_t own_spans, own_warm; /* spans of this cache alone; their empty resident slabs */
};

struct slabs_visit {
	void (*slab)(void *ctx, const struct walk_cache *cache, const struct slabs_slab *slab);
	void *ctx;
};

/*
 * Shows every slab of a cache in the order of addresses; none of one whose objects are blocks of
 * malloc. Return: 0; EBADMSG: a list of spans or magazines is damaged; ENOMEM; E2BIG; ENOTSUP: the
 * library is too old for it; or the errno of a read. What was found until then has been shown.
 */
int slabs_each(struct walk *walk, const struct walk_cache *cache, const struct slabs_visit *visit,
	       struct slabs_sum *sum);

/* The address of slot i. */
uint64_t slabs_object(const struct walk_cache *cache, const struct slabs_slab *slab, uint64_t i);

/* The slot that contains an address of a slab; objects_per_slab: header or slack. */
uint64_t slabs_slot_at(const struct walk_cache *cache, const struct slabs_slab *slab,
		       uint64_t addr);

#endif
