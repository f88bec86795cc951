/*
 * runs.h - whether what is known of large blocks is consistent                           Floor 5
 *
 * The lists of live ones, of kept runs and of fallow addresses; the sums over them; what the
 * address map says of each; and what is mapped altogether.
 */
#ifndef SLAB_RUNS_H
#define SLAB_RUNS_H

#include "slab/layout.h"

/* Who hears of a fault: what is wrong where, the number that is there, and which should be. */
struct slab_runs_judge {
	void (*fault)(void *ctx, const char *what, const void *where, uint64_t is,
	              uint64_t should);
	void *ctx;
};

/* Under span_lock, with every thread stopped. */
void slab_runs_check_locked(const struct slab_runs_judge *judge);

#endif
