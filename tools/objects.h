/*
 * objects.h - every slot of every cache, by address                                      Floor t7
 */
#ifndef SLABSTAT_OBJECTS_H
#define SLABSTAT_OBJECTS_H

#include "tools/slabs.h"
#include "tools/tracks.h"

struct objects_cache {
	char name[SLAB_NAME_BYTES];
	uint64_t id;
	unsigned root;          /* which copy of the library */
	uint32_t object_bytes;  /* 0: blocks of the by-size front end that are a mapping each */
	uint32_t stride_bytes, header_bytes, slots;
	struct tracks tracks;   /* who took its objects */
	uint32_t step_bytes;    /* a pointer in an object lies at a multiple of this */
};

struct objects_slab {
	uint64_t base, bytes;
	uint64_t first; /* number of its first slot, in the bitmaps */
	uint32_t header, origin; /* offsets; origin: of slot 0, if the header did not come first */
	uint32_t cache;
};

struct objects {
	struct objects_cache *cache;
	size_t caches, cache_room;
	struct objects_slab *slab; /* by address, once objects_index() was called */
	size_t slabs, slab_room;
	uint64_t *live; /* a bit for each slot: 1 = in the program's hands */
	uint64_t slots, live_room;
	uint64_t missing_slabs; /* could not be read */
	uint64_t foreign;       /* caches whose objects are no slots: another allocator has them */

	uint64_t low, high; /* all lie between */
	struct objects_granule *granule; /* a hash of steps of 64 KiB */
	uint64_t granules;               /* a power of two */
};

struct objects_slot {
	const struct objects_slab *slab;
	uint32_t slot;
};

/*
 * Adds what is live under one root. Return: 0; EBADMSG: a list is damaged; ENOMEM; E2BIG; ENOTSUP:
 * the library is too old; or the errno of a read. objects_free() in each case.
 */
int objects_take(struct objects *objects, struct walk *walk, unsigned root);

/* To be called once all roots are in. Return: 0, ENOMEM or E2BIG. */
int objects_index(struct objects *objects);

/* The slot that contains an address, live or not. Return: false: none does. */
bool objects_find(const struct objects *objects, uint64_t addr, struct objects_slot *found);

/* Address and size of a slot. */
uint64_t objects_at(const struct objects *objects, const struct objects_slot *slot,
		    uint64_t *bytes);

void objects_free(struct objects *objects);

static inline bool objects_bit(const uint64_t *bits, uint64_t i)
{
	return bits[i / 64] >> (i % 64) & 1;
}

static inline void objects_set(uint64_t *bits, uint64_t i)
{
	bits[i / 64] |= (uint64_t)1 << (i % 64);
}

#endif
