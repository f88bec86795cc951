/*
 * top_view.c - what top shows, and where                                                Floor t11
 *
 * Called by top_screen.c, only where there is ncurses. Every line is cut at the edges, however
 * small the terminal is made.
 */
#include "tools/top_view.h"

#ifdef SLAB_WITH_NCURSES
#include <curses.h>
#include <string.h>
#include <time.h>

#include "tools/report.h"
#include "tools/text.h"

#define NAME_MIN     14 /* columns are left out until the name has as many */
#define CHANGE_WIDTH 9

struct top_row *top_view_selected(const struct top_view *s)
{
	return s->selected < s->model.showns ? s->model.shown[s->selected] : NULL;
}

/* Text at a place, cut at the right edge; beyond the edges nothing. */
static void put(int y, int x, const char *text)
{
	if (y >= 0 && y < LINES && x >= 0 && x < COLS)
		mvaddnstr(y, x, text, COLS - x);
}

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void draw_head(const struct top_view *s)
{
	const struct slab_cache_stats *sum = &s->model.sum;
	const struct slab_totals *totals = &s->model.totals;
	char line[256], a[TEXT_HUMAN_BYTES], b[TEXT_HUMAN_BYTES], c[TEXT_HUMAN_BYTES], clock[16];
	time_t seconds = time(NULL);
	struct tm parts;

	strftime(clock, sizeof clock, "%H:%M:%S", localtime_r(&seconds, &parts));
	snprintf(line, sizeof line, "slabstat top: %.160s  every %.3g s  %.15s", s->source->label,
		 s->interval, clock);
	attron(A_BOLD);
	put(0, 0, line);
	attroff(A_BOLD);
	snprintf(line, sizeof line, "Objects  %llu live of %llu (%.1f%%), %llu cached in threads",
		 (unsigned long long)sum->objects_live, (unsigned long long)sum->objects_capacity,
		 percent(sum->objects_live, sum->objects_capacity),
		 (unsigned long long)sum->objects_cached);
	put(1, 0, line);
	snprintf(line, sizeof line, "Slabs    %llu in %zu caches, %s; mapped %s, metadata %s",
		 (unsigned long long)sum->slabs, s->model.rows, text_human(a, sum->mapped_bytes),
		 text_human(b, totals->mapped_bytes), text_human(c, totals->metadata_bytes));
	put(2, 0, line);
	snprintf(line, sizeof line, "Reserve  up to %s; holes %llu, lost %llu; threads %llu",
		 text_human(a, totals->reserve_bytes), (unsigned long long)totals->holes,
		 (unsigned long long)totals->lost_holes, (unsigned long long)totals->threads);
	put(3, 0, line);
}

/* Which columns there is room for, and how wide they are; 0: left out. */
static void fit(const struct top_view *s, int lines, int trend, int width[REPORT_COLUMNS])
{
	static const int dispensable[] = { 8, 9, 5, 7, 3, 4, 0, 2 }; /* PEAK first, USE last */
	char cell[REPORT_COLUMNS][REPORT_CELL_BYTES];
	int sum = CHANGE_WIDTH + 1 + trend + 1;

	for (int c = 0; c < REPORT_COLUMNS; c++)
		width[c] = (int)strlen(report_headings[c]);
	for (size_t i = s->first; i < s->model.showns && i < s->first + (size_t)lines; i++) {
		report_cells(cell, &s->model.shown[i]->now.stats);
		for (int c = 0; c < REPORT_COLUMNS; c++)
			if (width[c] < (int)strlen(cell[c]))
				width[c] = (int)strlen(cell[c]);
	}
	for (int c = 0; c < REPORT_COLUMNS; c++)
		sum += width[c] + 1;
	for (size_t i = 0; i < sizeof dispensable / sizeof dispensable[0]; i++) {
		if (sum + NAME_MIN <= COLS)
			break;
		sum -= width[dispensable[i]] + 1;
		width[dispensable[i]] = 0;
	}
}

static void draw_trend(const struct top_view *s, int y, int x, const struct top_row *row, int cells)
{
	static const char *const block[] = { "▁", "▂", "▃", "▄",
					     "▅", "▆", "▇", "█" };
	static const char *const ascii[] = { "_", ".", "-", "~", "=", "+", "*", "#" };
	int level[TOP_HISTORY];

	top_model_spark(row, level, (unsigned)cells, 8);
	for (int i = 0; i < cells && x + i < COLS; i++)
		mvaddstr(y, x + i, level[i] < 0 ? " " : (s->blocks ? block : ascii)[level[i]]);
}

static void coloured(const struct top_view *s, int colour, bool on)
{
	if (!s->colours)
		return;
	if (on)
		attron(COLOR_PAIR(colour));
	else
		attroff(COLOR_PAIR(colour));
}

static void draw_row(const struct top_view *s, int y, const struct top_row *row, bool chosen,
		     int trend, const int width[REPORT_COLUMNS])
{
	char cell[REPORT_COLUMNS][REPORT_CELL_BYTES], text[160];
	int x = 0, colour = row->per_second > 0 ? TOP_GROWS : TOP_SHRINKS;

	if (chosen) {
		attron(A_REVERSE);
		mvhline(y, 0, ' ', COLS);
	}
	report_cells(cell, &row->now.stats);
	for (int c = 0; c < REPORT_COLUMNS; c++) {
		if (width[c] == 0)
			continue;
		put(y, x + width[c] - (int)strlen(cell[c]), cell[c]);
		x += width[c] + 1;
	}
	snprintf(text, sizeof text, row->per_second < 0 || row->per_second > 0 ? "%+*.*f" : "%*.*f",
		 CHANGE_WIDTH, row->per_second > -100 && row->per_second < 100 ? 1 : 0,
		 row->per_second);
	if (row->per_second < 0 || row->per_second > 0)
		coloured(s, colour, true);
	put(y, x, text);
	coloured(s, colour, false);
	x += CHANGE_WIDTH + 1;
	coloured(s, TOP_TREND, true);
	draw_trend(s, y, x, row, trend);
	coloured(s, TOP_TREND, false);
	snprintf(text, sizeof text, "%s%s", row->now.stats.name, row->now.consistent ? "" : " ~");
	put(y, x + trend + 1, text);
	attroff(A_REVERSE);
}

static void draw_rows(struct top_view *s)
{
	int lines = LINES - TOP_VIEW_HEAD - 1, trend = COLS >= 110 ? 20 : 10, x = 0;
	int width[REPORT_COLUMNS];
	char text[160];

	lines = lines > 0 ? lines : 0;
	if (s->selected < s->first)
		s->first = s->selected;
	if (lines > 0 && s->selected >= s->first + (size_t)lines)
		s->first = s->selected - (size_t)lines + 1;
	fit(s, lines, trend, width);
	attron(A_REVERSE);
	mvhline(TOP_VIEW_HEAD - 1, 0, ' ', COLS);
	for (int c = 0; c < REPORT_COLUMNS; c++) {
		if (width[c] == 0)
			continue;
		put(TOP_VIEW_HEAD - 1, x + width[c] - (int)strlen(report_headings[c]),
		    report_headings[c]);
		x += width[c] + 1;
	}
	snprintf(text, sizeof text, "%*s %-*s NAME", CHANGE_WIDTH, "CHANGE/S", trend, "TREND");
	put(TOP_VIEW_HEAD - 1, x, text);
	attroff(A_REVERSE);
	for (int i = 0; i < lines && s->first + (size_t)i < s->model.showns; i++)
		draw_row(s, TOP_VIEW_HEAD + i, s->model.shown[s->first + (size_t)i],
			 s->first + (size_t)i == s->selected, trend, width);
	if (s->model.showns == 0)
		put(TOP_VIEW_HEAD, 0, s->filter[0] ? "No cache matches the filter." : "No cache.");
}

static void draw_detail(const struct top_view *s)
{
	const char *at = s->detail;
	char line[512];
	const struct top_row *row = top_view_selected(s);
	int y = TOP_VIEW_HEAD;

	if (row) {
		snprintf(line, sizeof line, "Live     %llu, %+.1f each second  ",
			 (unsigned long long)row->now.stats.objects_live, row->per_second);
		put(TOP_VIEW_HEAD - 2, 0, line);
		coloured(s, TOP_TREND, true);
		draw_trend(s, TOP_VIEW_HEAD - 2, (int)strlen(line), row, TOP_HISTORY);
		coloured(s, TOP_TREND, false);
	}

	for (size_t skip = s->detail_line; skip > 0 && *at; skip--) {
		const char *end = strchr(at, '\n');

		at = end ? end + 1 : at + strlen(at);
	}
	for (; *at && y < LINES - 1; y++) {
		size_t length = strcspn(at, "\n");

		snprintf(line, sizeof line, "%.*s", (int)(length < 500 ? length : 500), at);
		put(y, 0, line);
		at += length + (at[length] == '\n');
	}
}

static void draw_foot(const struct top_view *s)
{
	char line[256];

	if (s->message[0] && (s->ended || !s->editing))
		snprintf(line, sizeof line, "%s", s->message);
	else if (s->editing)
		snprintf(line, sizeof line, "Show caches whose name has: %s_", s->filter);
	else if (s->detail)
		snprintf(line, sizeof line, " ESC back  arrows scroll  q quit ");
	else
		snprintf(line, sizeof line,
			 " q quit  enter open  / filter%s%s  order %c: abcklmnostuw g(rowth)  "
			 "+ - interval  ! %s empty ",
			 s->filter[0] ? " " : "", s->filter, s->sort, s->all ? "hide" : "show");
	attron(A_REVERSE | (s->ended ? A_BOLD : 0));
	mvhline(LINES - 1, 0, ' ', COLS);
	put(LINES - 1, 0, line);
	attroff(A_REVERSE | A_BOLD);
}

void top_view_draw(struct top_view *s)
{
	erase();
	draw_head(s);
	if (s->detail)
		draw_detail(s);
	else
		draw_rows(s);
	draw_foot(s);
	refresh();
}
#endif
