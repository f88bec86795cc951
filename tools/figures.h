/*
 * figures.h - the figures of a target, as the reports show them                          Floor t7
 */
#ifndef SLABSTAT_FIGURES_H
#define SLABSTAT_FIGURES_H

#include "slab.h"
#include "tools/note.h"

struct figures_row {
	struct slab_cache_stats stats;
	unsigned root;   /* which copy of the library, from 0 */
	bool consistent; /* all parts are of one moment and agree */
};

struct figures {
	int pid;
	const char *source;
	size_t roots;
	struct slab_totals totals; /* sums over the roots */
	struct figures_row *rows;  /* of ours; root by root */
	size_t count;
	bool consistent; /* the lists and every row */
	bool dropped;    /* a row that was not consistent, by figures_keep() */
};

/*
 * Reads everything under the roots. Return: 0, or the code of the fault noted; with FAULT_PARTIAL
 * and FAULT_LAYOUT the figures hold what could be read, which may be nothing (roots is 0).
 */
enum fault_code figures_take(struct figures *figures, struct target *target,
			     const struct note_roots *roots, struct fault *fault);

/* Sums over the rows, of what can be summed; the rest is zero. */
struct slab_cache_stats figures_sum(const struct figures *figures);

/* Drops the rows whose name matches none of the globs. */
void figures_keep(struct figures *figures, const char *globs);

void figures_free(struct figures *figures);

/* Finds the roots of an open target and takes its figures. */
enum fault_code figures_of_target(struct figures *figures, struct target *target,
				  struct fault *fault);

/* Opens a live process, takes its figures and lets go of it. */
enum fault_code figures_of_process(struct figures *figures, int pid, struct fault *fault);

#endif
