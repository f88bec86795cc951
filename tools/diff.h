/*
 * diff.h - what has changed between two figures, cache by cache                          Floor t9
 */
#ifndef SLABSTAT_DIFF_H
#define SLABSTAT_DIFF_H

#include "tools/gate.h"

/* All caches of one name. */
struct diff_row {
	struct slab_cache_stats before, after; /* sums; of what cannot be summed, that of one */
	bool was, is;                          /* it is there before, after */
	bool consistent;
};

struct diff {
	struct diff_row *row;
	size_t count;
};

/* By name. Return: whether there was memory for it. diff_free() in each case. */
bool diff_make(struct diff *diff, const struct figures *before, const struct figures *after);

/*
 * The largest growth first. sort: a letter of report_table(), by the change of that column; n by
 * name; 0: by the bytes of live objects.
 */
void diff_sort(struct diff *diff, char sort);

/* --fail-if on the changes. */
enum fault_code diff_judge(const struct diff *diff, const struct gate *gates, size_t count,
			   const char *where, struct fault *fault);

void diff_free(struct diff *diff);

#endif
