/*
 * walk.h - the lists of caches and threads under a root                                  Floor t4
 */
#ifndef SLABSTAT_WALK_H
#define SLABSTAT_WALK_H

#include "tools/table.h"

/* One cache as it was read: numbers of struct slab_cache and what it contains. */
struct walk_cache {
	uint64_t addr;
	uint64_t slot_bytes, id, state, flags, mode;
	uint64_t object_bytes, stride_bytes, align_bytes, slab_bytes, objects_per_slab;
	uint64_t alloc_failures;
	uint64_t generation, slabs, full, empty, used, used_peak, released_slabs;
	uint64_t direct_allocs, direct_frees, retired_allocs, retired_net;
	uint64_t depot_objects, depot_generation;
	uint64_t waiting; /* freed objects in the quarantine of debugging */
	uint64_t header_bytes; /* filled by slabs.c */
	char name[SLAB_NAME_BYTES]; /* safe to print */
};

struct walk_thread {
	uint64_t addr, tid, slots;
};

/* What was read of one root. The arrays are the walk's own. */
struct walk {
	struct target *target;
	const struct table *table;
	uint64_t generation; /* of the root when the walk began; odd: it was changing */
	uint64_t cache_count, thread_count; /* as the root says; caches and threads: as found */
	uint64_t mapped_bytes, reserve_bytes, metadata_bytes, holes, lost_holes, unmap_failures;

	struct walk_cache *cache;
	size_t caches, cache_room;
	struct walk_thread *thread;
	size_t threads, thread_room;
	unsigned char *touched; /* a bitmap per thread: which pages of its slots exist */
	size_t touched_bytes;   /* of one */
	bool threads_whole;     /* the list of threads was read to its end */
};

void walk_begin(struct walk *walk, struct target *target, const struct table *table);
void walk_end(struct walk *walk);

/*
 * Reads root, caches and threads anew. Return: 0; EBADMSG when a list does not hang together;
 * ENOMEM; or the errno of a read. In each case what was read so far is there.
 */
int walk_take(struct walk *walk);

/* Decodes an image of a cache that lies at addr. */
void walk_decode_cache(const struct table *table, const unsigned char *image, uint64_t addr,
		       struct walk_cache *cache);

/* Where a field of a struct at addr lies in the target. */
static inline uint64_t walk_place(const struct walk *walk, uint64_t addr, enum slab_field_id id)
{
	return addr + walk->table->field[id].offset_bytes;
}

/* Reads one number of a struct at addr. Return: 0, ENOTSUP or the errno of the read. */
int walk_number(struct walk *walk, uint64_t addr, enum slab_field_id id, uint64_t *value);

/* Whether each object of a cache is a block of malloc: there are no slabs to look at. */
static inline bool walk_on_malloc(const struct walk *walk, const struct walk_cache *cache)
{
	return cache->mode && cache->mode == walk->table->constant[SLAB_K_MODE_MALLOC];
}

/* Whether a page of slots has its bit in a thread's bitmap (bit n of little-endian words). */
static inline bool walk_touched(const struct walk *walk, size_t thread, size_t page)
{
	return walk->touched[thread * walk->touched_bytes + page / 8] >> page % 8 & 1;
}

#endif
