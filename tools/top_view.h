/*
 * top_view.h - what top shows, and where                                                Floor t11
 */
#ifndef SLABSTAT_TOP_VIEW_H
#define SLABSTAT_TOP_VIEW_H

#include "tools/options.h"
#include "tools/sources.h"
#include "tools/top_model.h"

#define TOP_VIEW_HEAD 6 /* lines above the rows, headings included */

enum top_colour { TOP_GROWS = 1, TOP_SHRINKS, TOP_TREND };

struct top_view {
	struct source *source;
	const struct options *options;
	struct top_model model;
	char sort;
	char filter[TOP_FILTER_MAX];
	bool editing; /* the filter is being typed */
	bool all, ended;
	bool blocks, colours; /* what the terminal can do, and may */
	double interval;
	unsigned root; /* of the selected cache; it stays selected when the order changes */
	uint64_t id;
	size_t selected, first; /* indices of model.shown: the selected one, the one on top */
	char *detail;           /* the opened cache's text, or NULL */
	size_t detail_line;
	char message[160];
};

/* The selected row, or NULL. */
struct top_row *top_view_selected(const struct top_view *s);

void top_view_draw(struct top_view *s);

#endif
