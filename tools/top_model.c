/*
 * top_model.c - readings one after the other: rates, histories, order                    Floor t9
 *
 * Called by top_screen.c and top_view.c; knows neither screen nor target.
 */
#define _GNU_SOURCE 1
#include <stdlib.h>
#include <string.h>

#include "tools/report.h"
#include "tools/text.h"
#include "tools/top_model.h"

static int compare_ids(const void *left, const void *right)
{
	const struct figures_row *a = &((const struct top_row *)left)->now;
	const struct figures_row *b = &((const struct top_row *)right)->now;

	if (a->root != b->root)
		return a->root < b->root ? -1 : 1;
	return a->stats.id < b->stats.id ? -1 : a->stats.id > b->stats.id;
}

/* Continues a row with what is known of the same cache from before. */
static void carry_on(struct top_row *row, const struct top_row *old, double seconds)
{
	uint64_t live = row->now.stats.objects_live;
	unsigned kept = 0;

	if (old) {
		kept = old->points < TOP_HISTORY ? old->points : TOP_HISTORY - 1;
		memcpy(row->history, old->history + (old->points - kept), kept * sizeof live);
		row->per_second = ((double)live - (double)old->now.stats.objects_live) / seconds;
	}
	row->history[kept] = live;
	row->points = kept + 1;
}

bool top_model_add(struct top_model *model, const struct figures *figures, double when)
{
	struct top_row *rows = calloc(figures->count + 1, sizeof *rows);
	struct top_row **shown = calloc(figures->count + 1, sizeof(struct top_row *));
	double seconds = when - model->last;

	if (!rows || !shown) {
		free(rows);
		free(shown);
		return false;
	}
	if (!(seconds > 1e-3))
		seconds = 1e-3;
	for (size_t i = 0; i < figures->count; i++) {
		const struct top_row *old = NULL;

		rows[i].now = figures->rows[i];
		if (model->rows > 0)
			old = bsearch(&rows[i], model->row, model->rows, sizeof *rows, compare_ids);
		if (old && strcmp(old->now.stats.name, rows[i].now.stats.name) != 0)
			old = NULL; /* the process runs another program by now */
		carry_on(&rows[i], old, seconds);
	}
	qsort(rows, figures->count, sizeof *rows, compare_ids);
	free(model->row);
	free(model->shown);
	model->row = rows;
	model->rows = figures->count;
	model->shown = shown;
	model->showns = 0;
	model->totals = figures->totals;
	model->sum = figures_sum(figures);
	model->roots = figures->roots;
	model->consistent = figures->consistent;
	model->last = when;
	return true;
}

static int compare_shown(const void *left, const void *right, void *sort)
{
	const struct top_row *a = *(struct top_row *const *)left;
	const struct top_row *b = *(struct top_row *const *)right;
	const char letter = *(const char *)sort;
	int by_name = strcmp(a->now.stats.name, b->now.stats.name);

	if (letter == 'g') {
		if (a->per_second < b->per_second || a->per_second > b->per_second)
			return a->per_second < b->per_second ? 1 : -1;
	} else if (letter != 'n') {
		uint64_t key_a = report_sort_key(&a->now.stats, letter);
		uint64_t key_b = report_sort_key(&b->now.stats, letter);

		if (key_a != key_b)
			return key_a < key_b ? 1 : -1;
	}
	return by_name ? by_name : compare_ids(a, b);
}

void top_model_order(struct top_model *model, char sort, bool all, const char *filter)
{
	model->showns = 0;
	for (size_t i = 0; i < model->rows; i++) {
		const struct slab_cache_stats *stats = &model->row[i].now.stats;

		if (!all && stats->slabs == 0 && stats->objects_live == 0)
			continue;
		if (filter[0] && !strstr(stats->name, filter) && !text_matches(filter, stats->name))
			continue;
		model->shown[model->showns++] = &model->row[i];
	}
	if (model->showns > 0)
		qsort_r(model->shown, model->showns, sizeof(struct top_row *), compare_shown,
			&sort);
}

void top_model_free(struct top_model *model)
{
	free(model->row);
	free(model->shown);
}

void top_model_spark(const struct top_row *row, int *cell, unsigned cells, int levels)
{
	unsigned points = row->points < cells ? row->points : cells;
	const uint64_t *from = row->history + (row->points - points);
	uint64_t least = UINT64_MAX, most = 0;

	for (unsigned i = 0; i < points; i++) {
		least = from[i] < least ? from[i] : least;
		most = from[i] > most ? from[i] : most;
	}
	for (unsigned i = 0; i < cells; i++) {
		unsigned gap = cells - points;

		if (i < gap)
			cell[i] = -1;
		else if (most == least)
			cell[i] = 0;
		else
			cell[i] = (int)((double)(from[i - gap] - least) / (double)(most - least) *
					    (levels - 1) +
					0.5);
	}
}
