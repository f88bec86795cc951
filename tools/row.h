/*
 * row.h - from the numbers that were read of a cache to its figures                      Floor t6
 */
#ifndef SLABSTAT_ROW_H
#define SLABSTAT_ROW_H

#include "tools/slots.h"

/*
 * Fills the figures of one cache. Return: whether the numbers agree with each other; if not,
 * the figures are cut to what is possible.
 */
bool row_derive(const struct walk *walk, const struct walk_cache *cache,
		const struct slots_sum *sum, struct slab_cache_stats *stats);

/* Number of the cache's slot in each thread's table. 0: it has none. Return: false for nonsense. */
bool row_slot(const struct walk *walk, const struct walk_cache *cache, uint64_t *slot);

/* Memory that no object can use: headers, padding and the ends of slabs. */
uint64_t row_waste_bytes(const struct slab_cache_stats *stats);

/* Free slots of partial slabs: what shares their slab keeps them. */
uint64_t row_stranded_bytes(const struct slab_cache_stats *stats);

#endif
