/*
 * report_leaks.h - what is leaked, as text                                               Floor t8
 */
#ifndef SLABSTAT_REPORT_LEAKS_H
#define SLABSTAT_REPORT_LEAKS_H

#include <stdio.h>

#include "tools/stacks.h"
#include "tools/symbols.h"

struct leak_sum {
	struct stacks stacks; /* those of one cache, taken in one way */
	uint64_t objects, bytes, alive; /* leaked, and all that are live in these caches */
	bool named;                     /* a cache that was asked for is there */
	uint64_t unseen;                /* caches whose objects are elsewhere */
	uint64_t held_us;               /* the process was held; 0: it ran on, or is dead */
	unsigned looks;
	bool exact;
};

void report_leaks(FILE *out, struct symbols *symbols, const struct leak_sum *sum);
void report_leaks_json(FILE *out, struct symbols *symbols, const struct target *target,
		       const struct leak_sum *sum);

#endif
