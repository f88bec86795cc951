/*
 * report_leaks.h - what is leaked, as text                                               Floor t8
 */
#ifndef SLABSTAT_REPORT_LEAKS_H
#define SLABSTAT_REPORT_LEAKS_H

#include <stdio.h>

#include "tools/objects.h"

struct leak {
	const struct objects_cache *cache;
	uint64_t direct, indirect; /* objects; indirect: another leaked one points to them */
	uint64_t bytes;
	uint64_t first; /* address of the first that nothing points to, or of the first of all */
	bool first_is_direct;
};

struct leak_sum {
	struct leak *leak; /* the largest first */
	size_t count;
	uint64_t objects, bytes, alive; /* leaked, and all that are live */
	uint64_t unseen;                /* caches whose objects are elsewhere */
	uint64_t held_us;               /* the process was held; 0: it ran on, or is dead */
	unsigned looks;
	bool exact;
};

void report_leaks(FILE *out, const struct leak_sum *sum);
void report_leaks_json(FILE *out, const struct target *target, const struct leak_sum *sum);

#endif
