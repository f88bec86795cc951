/*
 * slots.h - what the threads hold of each cache                                          Floor t5
 */
#ifndef SLABSTAT_SLOTS_H
#define SLABSTAT_SLOTS_H

#include "tools/walk.h"

/* Sums over the slots that all threads have of one cache. Damaged numbers may wrap. */
struct slots_sum {
	uint64_t cached; /* objects in loaded and previous magazines */
	uint64_t allocs; /* through them */
	uint64_t net;    /* signed: objects taken into magazines minus those moved out */
	bool torn;       /* a slot changed while it was read, or could not be read */
};

/*
 * Reads every touched slot of every thread; sums has one entry per slot number. Return: 0 or an
 * errno; E2BIG: there is too much.
 */
int slots_sum_all(struct walk *walk, struct slots_sum *sums);

/* What one cache was like before and after its slots were read. */
struct slots_moment {
	struct walk_cache cache;
	uint64_t root_generation; /* of the root, before */
	bool steady;              /* nothing changed from before the first read to after the last */
};

/*
 * Reads one cache with its slots in as few calls as can be, so that the time in which it may
 * change is microseconds. parts_left bounds the work. Return: 0, errno; E2BIG: no parts left.
 */
int slots_read_cache(struct walk *walk, uint64_t addr, uint64_t slot, size_t *parts_left,
		     struct slots_moment *moment, struct slots_sum *sum);

#endif
