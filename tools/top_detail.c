/*
 * top_detail.c - one cache opened                                                       Floor t10
 *
 * Called by top_screen.c.
 */
#define _GNU_SOURCE 1
#include <stdio.h>
#include <stdlib.h>

#include "tools/detail.h"
#include "tools/each.h"
#include "tools/report.h"
#include "tools/top_detail.h"

struct search {
	FILE *out;
	const struct figures *figures;
	const struct figures_row *row;
	bool shown;
};

static int look(void *ctx, struct walk *walk, unsigned root, struct walk_cache *cache)
{
	struct search *search = ctx;
	struct detail detail;
	int error;

	if (search->shown || root != search->row->root || cache->id != search->row->stats.id)
		return 0;
	error = detail_take(&detail, walk, cache);
	if (error == 0) {
		report_full(search->out, search->figures, search->row, &detail);
		search->shown = true;
	}
	detail_free(&detail);
	return error;
}

char *top_detail_text(struct target *target, const struct top_model *model,
		      const struct top_row *row)
{
	const struct figures figures = { .totals = model->totals, .roots = model->roots };
	struct search search = { .figures = &figures, .row = &row->now };
	struct fault fault = { 0 };
	char *text = NULL;
	size_t bytes = 0;

	search.out = open_memstream(&text, &bytes);
	if (!search.out)
		return NULL;
	each_cache(target, row->now.stats.name, look, &search, &fault);
	if (!search.shown)
		report_full(search.out, &figures, &row->now, NULL);
	if (fclose(search.out) == 0)
		return text;
	free(text);
	return NULL;
}
