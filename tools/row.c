/*
 * row.c - from the numbers that were read of a cache to its figures                      Floor t6
 *
 * Called by figures.c and the reports; pure functions. The library keeps no counter of live objects
 * or of frees: a slot counts its allocs, and net, the objects taken into it minus those moved out.
 * Objects that are neither came or went by the program, so a slot's
 * frees = allocs - net + objects in it.
 */
#include "tools/row.h"

/* Return: a * b; where that does not fit the most that does, and agree becomes false. */
static uint64_t product(uint64_t a, uint64_t b, bool *agree)
{
	uint64_t result;

	if (!__builtin_mul_overflow(a, b, &result))
		return result;
	*agree = false;
	return UINT64_MAX;
}

/* Return: a - b; where that is negative 0, and agree becomes false. */
static uint64_t difference(uint64_t a, uint64_t b, bool *agree)
{
	if (a >= b)
		return a - b;
	*agree = false;
	return 0;
}

static bool geometry_agrees(const struct walk_cache *cache)
{
	return cache->object_bytes > 0 && cache->stride_bytes >= cache->object_bytes &&
	       cache->align_bytes > 0 && cache->objects_per_slab > 0 &&
	       cache->slab_bytes / cache->objects_per_slab >= cache->stride_bytes;
}

bool row_slot(const struct walk *walk, const struct walk_cache *cache, uint64_t *slot)
{
	const uint64_t *k = walk->table->constant;

	*slot = cache->slot_bytes / k[SLAB_K_SLOT_BYTES];
	if (cache->slot_bytes % k[SLAB_K_SLOT_BYTES] == 0 && *slot < k[SLAB_K_SLOTS])
		return true;
	*slot = 0;
	return false;
}

bool row_derive(const struct walk *walk, const struct walk_cache *cache,
		const struct slots_sum *sum, struct slab_cache_stats *stats)
{
	bool agree = !sum->torn && cache->generation % 2 == 0 && cache->depot_generation % 2 == 0 &&
		     cache->state == walk->table->constant[SLAB_K_STATE_LIVE] &&
		     geometry_agrees(cache);
	uint64_t retired_frees = cache->retired_allocs - cache->retired_net; /* net is signed, */
	uint64_t slot_frees = sum->allocs - sum->net + sum->cached;          /* hence no check */

	*stats = (struct slab_cache_stats){
		.id = cache->id,
		.flags = cache->flags,
		.mode = cache->mode,
		.object_bytes = cache->object_bytes,
		.stride_bytes = cache->stride_bytes,
		.align_bytes = cache->align_bytes,
		.slab_bytes = cache->slab_bytes,
		.objects_per_slab = cache->objects_per_slab,
		.slabs = cache->slabs,
		.slabs_full = cache->full,
		.slabs_empty = cache->empty,
		.objects_cached = cache->depot_objects + cache->waiting + sum->cached,
		.objects_peak = cache->used_peak,
		.allocs = cache->retired_allocs + cache->direct_allocs + sum->allocs,
		.frees = cache->direct_frees + retired_frees + slot_frees,
		.alloc_failures = cache->alloc_failures,
	};
	memcpy(stats->name, cache->name, sizeof stats->name);
	stats->slabs_partial =
	    difference(difference(cache->slabs, cache->full, &agree), cache->empty, &agree);
	stats->objects_live = difference(cache->used, stats->objects_cached, &agree);
	stats->objects_capacity = product(cache->slabs, cache->objects_per_slab, &agree);
	stats->objects_free = difference(stats->objects_capacity, cache->used, &agree);
	stats->mapped_bytes = product(cache->slabs, cache->slab_bytes, &agree);
	stats->returned_bytes = product(cache->released_slabs, cache->slab_bytes, &agree);
	if (stats->allocs - stats->frees != stats->objects_live)
		agree = false;
	if (stats->allocs < stats->frees) /* as after wrapping: no figure at all */
		stats->frees = stats->allocs;
	return agree;
}

/* The figures may come from a file: what would be nonsense is 0. */
uint64_t row_waste_bytes(const struct slab_cache_stats *stats)
{
	bool agree = true;
	uint64_t usable = product(stats->objects_capacity, stats->object_bytes, &agree);

	return difference(stats->mapped_bytes, usable, &agree);
}

uint64_t row_stranded_bytes(const struct slab_cache_stats *stats)
{
	bool agree = true;
	uint64_t empty = product(stats->slabs_empty, stats->objects_per_slab, &agree);
	uint64_t slots = difference(stats->objects_free, empty, &agree);

	return product(slots, stats->stride_bytes, &agree);
}
