/*
 * keys.h - the names of the figures in JSON                                              Floor t8
 */
#ifndef SLABSTAT_KEYS_H
#define SLABSTAT_KEYS_H

#include "tools/figures.h"

struct key {
	const char *name;
	size_t offset; /* of a uint64_t in the struct that the list is for */
};

#define KEYS_CACHE  22
#define KEYS_TOTALS 8
#define KEYS_SUM    13

extern const struct key keys_cache[KEYS_CACHE];   /* struct slab_cache_stats, all but the name */
extern const struct key keys_totals[KEYS_TOTALS]; /* struct slab_totals, as the library keeps it */
extern const struct key keys_sum[KEYS_SUM];       /* what is summed over the caches listed */

#endif
