/*
 * keys.c - the names of the figures in JSON                                              Floor t8
 *
 * Used by report_json.c, which writes them, and snapshot.c, which reads them.
 */
#include "tools/keys.h"

#define STATS(field)  #field, offsetof(struct slab_cache_stats, field)
#define TOTALS(field) #field, offsetof(struct slab_totals, field)

const struct key keys_cache[KEYS_CACHE] = {
	{ STATS(id) },
	{ STATS(flags) },
	{ STATS(mode) },
	{ STATS(object_bytes) },
	{ STATS(stride_bytes) },
	{ STATS(align_bytes) },
	{ STATS(slab_bytes) },
	{ STATS(objects_per_slab) },
	{ STATS(slabs) },
	{ STATS(slabs_full) },
	{ STATS(slabs_partial) },
	{ STATS(slabs_empty) },
	{ STATS(objects_live) },
	{ STATS(objects_cached) },
	{ STATS(objects_free) },
	{ STATS(objects_capacity) },
	{ STATS(objects_peak) },
	{ STATS(allocs) },
	{ STATS(frees) },
	{ STATS(alloc_failures) },
	{ STATS(mapped_bytes) },
	{ STATS(returned_bytes) },
};

/* Of the process, as the library keeps them. */
const struct key keys_totals[KEYS_TOTALS] = {
	{ TOTALS(mapped_bytes) }, { TOTALS(reserve_bytes) },  { TOTALS(holes) },
	{ TOTALS(lost_holes) },   { TOTALS(metadata_bytes) }, { TOTALS(unmap_failures) },
	{ TOTALS(caches) },       { TOTALS(threads) },
};

/* Sums over the caches that are listed; a reader can check them. */
const struct key keys_sum[KEYS_SUM] = {
	{ STATS(slabs) },
	{ STATS(slabs_full) },
	{ STATS(slabs_partial) },
	{ STATS(slabs_empty) },
	{ STATS(objects_live) },
	{ STATS(objects_cached) },
	{ STATS(objects_free) },
	{ STATS(objects_capacity) },
	{ STATS(allocs) },
	{ STATS(frees) },
	{ STATS(alloc_failures) },
	{ "caches_mapped_bytes", offsetof(struct slab_cache_stats, mapped_bytes) },
	{ STATS(returned_bytes) },
};
