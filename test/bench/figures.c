/* figures.c - medians, the best of the others, ratios, means */
#include "run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void summarize(struct run *run)
{
	size_t i, k;

	for (i = 0; i < run->n_results; i++) {
		for (k = 0; k < run->n_peers; k++) {
			struct cell *c = &run->results[i].cells[k];
			double sorted[MAX_REPS];

			if (c->n == 0)
				continue;
			memcpy(sorted, c->samples, c->n * sizeof *sorted);
			qsort(sorted, c->n, sizeof *sorted, compare);
			c->min = sorted[0];
			c->max = sorted[c->n - 1];
			c->median = (sorted[(c->n - 1) / 2] + sorted[c->n / 2]) / 2;
		}
	}
}

double median_of(const struct run *run, const struct result *r, const struct peer *peer)
{
	return peer == NULL ? 0 : r->cells[peer - run->peers].median;
}

const struct peer *subject(const struct run *run)
{
	size_t i;

	for (i = 0; i < run->n_peers; i++) {
		if (run->peers[i].kind == SUBJECT)
			return &run->peers[i];
	}
	return NULL;
}

const struct peer *peer_named(const struct run *run, const char *name)
{
	size_t i;

	for (i = 0; i < run->n_peers; i++) {
		if (run->peers[i].kind != MISSING && strcmp(run->peers[i].name, name) == 0)
			return &run->peers[i];
	}
	return NULL;
}

const struct peer *best_of(const struct run *run, const struct result *r, enum kind kind)
{
	const struct peer *best = NULL;
	size_t i;

	for (i = 0; i < run->n_peers; i++) {
		if (run->peers[i].kind != kind || r->cells[i].n == 0)
			continue;
		if (best == NULL || r->cells[i].median < median_of(run, r, best))
			best = &run->peers[i];
	}
	return best;
}

double ratio_to(const struct run *run, const struct result *r, const struct peer *peer)
{
	double other = median_of(run, r, peer);

	return other > 0 ? median_of(run, r, subject(run)) / other : 0;
}

/* Of the ratios to the best peer, the rows of fixed points (cost) left out of the overall one. */
double geomean(const struct run *run, const char *row_name)
{
	double sum = 0, ratio;
	size_t i, n = 0;

	for (i = 0; i < run->n_results; i++) {
		const struct result *r = &run->results[i];

		if (row_name != NULL ? strcmp(row_name, r->row->name) != 0
		                     : r->row->measure != TIME || r->row->points[0] != 0)
			continue;
		ratio = ratio_to(run, r, best_of(run, r, PEER));
		if (ratio > 0) {
			sum += log(ratio);
			n++;
		}
	}
	return n > 0 ? exp(sum / (double)n) : 0;
}
