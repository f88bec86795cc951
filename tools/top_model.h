/*
 * top_model.h - readings one after the other: rates, histories, order                    Floor t9
 */
#ifndef SLABSTAT_TOP_MODEL_H
#define SLABSTAT_TOP_MODEL_H

#include "tools/figures.h"

#define TOP_HISTORY    32
#define TOP_SORTS      "g" /* besides REPORT_SORTS: growth per second */
#define TOP_FILTER_MAX 64

struct top_row {
	struct figures_row now;
	double per_second;             /* change of live objects since the reading before */
	uint64_t history[TOP_HISTORY]; /* live objects; the newest last */
	unsigned points;
};

struct top_model {
	struct top_row *row; /* by root and id */
	size_t rows;
	struct top_row **shown; /* in the order of the screen */
	size_t showns;
	struct slab_totals totals;
	struct slab_cache_stats sum; /* over all rows */
	size_t roots;
	bool consistent;
	double last; /* when it was read, in seconds; 0: never */
};

/* Takes a new reading, made at a time in seconds. Return: whether there was memory for it. */
bool top_model_add(struct top_model *model, const struct figures *figures, double when);

/*
 * Chooses and orders what is shown. filter: a part of the name or globs; "": all. sort: a letter of
 * REPORT_SORTS or TOP_SORTS.
 */
void top_model_order(struct top_model *model, char sort, bool all, const char *filter);

void top_model_free(struct top_model *model);

/* A picture of the last cells readings, lowest to highest, as indices 0 to levels - 1; -1: none. */
void top_model_spark(const struct top_row *row, int *cell, unsigned cells, int levels);

#endif
