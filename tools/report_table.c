/*
 * report_table.c - figures for people                                                    Floor t9
 *
 * Called by verbs.c and top.c. Totals and columns are those that slabtop has accustomed eyes to,
 * with what this library knows in addition. Columns are as wide as their widest cell.
 */
#define _GNU_SOURCE 1
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/report.h"
#include "tools/row.h"
#include "tools/text.h"

#define COLUMNS    REPORT_COLUMNS
#define CELL_BYTES REPORT_CELL_BYTES

const char *const report_headings[COLUMNS] = { "OBJS",  "ACTIVE",   "USE",        "OBJ SIZE",
					       "SLABS", "OBJ/SLAB", "CACHE SIZE", "CACHED",
					       "PEAK",  "STRANDED" };

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

/* ACTIVE in percent of OBJS; of a file that may say anything, no more than there is room for. */
static double use_of(const struct slab_cache_stats *stats)
{
	double use = percent(stats->objects_live, stats->objects_capacity);

	return use < 999 ? use : 999;
}

void report_cells(char cell[COLUMNS][CELL_BYTES], const struct slab_cache_stats *stats)
{
	snprintf(cell[0], CELL_BYTES, "%" PRIu64, stats->objects_capacity);
	snprintf(cell[1], CELL_BYTES, "%" PRIu64, stats->objects_live);
	snprintf(cell[2], CELL_BYTES, "%u%%", (unsigned)use_of(stats));
	snprintf(cell[3], CELL_BYTES, "%.2fK", (double)stats->object_bytes / 1024);
	snprintf(cell[4], CELL_BYTES, "%" PRIu64, stats->slabs);
	snprintf(cell[5], CELL_BYTES, "%" PRIu64, stats->objects_per_slab);
	text_human(cell[6], stats->mapped_bytes);
	snprintf(cell[7], CELL_BYTES, "%" PRIu64, stats->objects_cached);
	snprintf(cell[8], CELL_BYTES, "%" PRIu64, stats->objects_peak);
	text_human(cell[9], row_stranded_bytes(stats));
}

uint64_t report_sort_key(const struct slab_cache_stats *stats, char sort)
{
	switch (sort) {
	case 'a':
		return stats->objects_live;
	case 'b':
		return stats->objects_per_slab;
	case 'k':
		return stats->objects_cached;
	case 'l':
		return stats->slabs;
	case 'm':
		return stats->objects_peak;
	case 'o':
		return stats->objects_capacity;
	case 's':
		return stats->object_bytes;
	case 't':
		return row_stranded_bytes(stats);
	case 'w':
		return row_waste_bytes(stats);
	case 'u':
		return (uint64_t)(1e6 * use_of(stats));
	default:
		return stats->mapped_bytes;
	}
}

static int compare_rows(const void *left, const void *right, void *sort)
{
	const struct figures_row *a = left, *b = right;
	const char letter = *(const char *)sort;
	uint64_t key_a = report_sort_key(&a->stats, letter);
	uint64_t key_b = report_sort_key(&b->stats, letter);
	int by_name = strcmp(a->stats.name, b->stats.name);

	if (letter != 'n' && key_a != key_b)
		return key_a < key_b ? 1 : -1;
	if (by_name)
		return by_name;
	return a->stats.id < b->stats.id ? -1 : a->stats.id > b->stats.id;
}

static bool is_shown(const struct figures_row *row, bool all)
{
	return all || row->stats.slabs > 0 || row->stats.objects_live > 0;
}

static void print_counts(FILE *out, const char *what, uint64_t active, uint64_t total)
{
	fprintf(out, " Active / Total %-20s: %" PRIu64 " / %" PRIu64 " (%.1f%%)\n", what, active,
		total, percent(active, total));
}

static void print_object_sizes(FILE *out, const struct figures *figures)
{
	uint64_t least = UINT64_MAX, most = 0;
	double live = 0, objects = 0;

	for (size_t i = 0; i < figures->count; i++) {
		const struct slab_cache_stats *stats = &figures->rows[i].stats;

		least = stats->object_bytes < least ? stats->object_bytes : least;
		most = stats->object_bytes > most ? stats->object_bytes : most;
		live += (double)stats->objects_live * (double)stats->object_bytes;
		objects += (double)stats->objects_live;
	}
	fprintf(out, " Minimum / Average / Maximum Object : %.2fK / %.2fK / %.2fK\n",
		figures->count ? (double)least / 1024 : 0, objects > 0 ? live / objects / 1024 : 0,
		(double)most / 1024);
}

static void print_totals(FILE *out, const struct figures *figures)
{
	const struct slab_totals *totals = &figures->totals;
	struct slab_cache_stats sum = figures_sum(figures);
	char active[TEXT_HUMAN_BYTES], whole[TEXT_HUMAN_BYTES], metadata[TEXT_HUMAN_BYTES];
	uint64_t caches = 0, active_bytes = 0, waste = 0, stranded = 0;

	for (size_t i = 0; i < figures->count; i++) {
		const struct slab_cache_stats *stats = &figures->rows[i].stats;

		caches += stats->slabs > 0;
		active_bytes += stats->objects_live * stats->stride_bytes;
		waste += row_waste_bytes(stats);
		stranded += row_stranded_bytes(stats);
	}
	print_counts(out, "Objects (% used)", sum.objects_live, sum.objects_capacity);
	print_counts(out, "Slabs (% used)", sum.slabs - sum.slabs_empty, sum.slabs);
	print_counts(out, "Caches (% used)", caches, figures->count);
	fprintf(out, " Active / Total %-20s: %s / %s (%.1f%%)\n", "Size (% used)",
		text_human(active, active_bytes), text_human(whole, sum.mapped_bytes),
		percent(active_bytes, sum.mapped_bytes));
	print_object_sizes(out, figures);
	fprintf(out, " Waste / Stranded                   : %s / %s\n", text_human(whole, waste),
		text_human(active, stranded));
	fprintf(out, " Mapped / Reserve / Metadata        : %s / %s / %s\n",
		text_human(whole, totals->mapped_bytes), text_human(active, totals->reserve_bytes),
		text_human(metadata, totals->metadata_bytes));
	fprintf(out,
		" Holes / Lost / Refused             : %" PRIu64 " / %" PRIu64 " / %" PRIu64 "\n",
		totals->holes, totals->lost_holes, totals->unmap_failures);
}

/* Prints the lines of the caches. Return: how many were left out. */
static size_t print_rows(FILE *out, const struct figures *figures, bool all)
{
	int width[COLUMNS];
	size_t hidden = 0;
	char cell[COLUMNS][CELL_BYTES];

	for (size_t c = 0; c < COLUMNS; c++)
		width[c] = (int)strlen(report_headings[c]);
	for (size_t i = 0; i < figures->count; i++) {
		if (!is_shown(&figures->rows[i], all)) {
			hidden++;
			continue;
		}
		report_cells(cell, &figures->rows[i].stats);
		for (size_t c = 0; c < COLUMNS; c++)
			if (width[c] < (int)strlen(cell[c]))
				width[c] = (int)strlen(cell[c]);
	}
	for (size_t c = 0; c < COLUMNS; c++)
		fprintf(out, "%*s ", width[c], report_headings[c]);
	fprintf(out, "NAME\n");
	for (size_t i = 0; i < figures->count; i++) {
		const struct figures_row *row = &figures->rows[i];

		if (!is_shown(row, all))
			continue;
		report_cells(cell, &row->stats);
		for (size_t c = 0; c < COLUMNS; c++)
			fprintf(out, "%*s ", width[c], cell[c]);
		fprintf(out, "%s%s\n", row->stats.name, row->consistent ? "" : " ~");
	}
	return hidden;
}

void report_table(FILE *out, struct figures *figures, char sort, bool all)
{
	size_t hidden, marked = 0;
	bool by_rows = figures->dropped; /* it is a row that is not consistent, shown or not */

	if (figures->count > 0)
		qsort_r(figures->rows, figures->count, sizeof *figures->rows, compare_rows, &sort);
	for (size_t i = 0; i < figures->count; i++) {
		marked += is_shown(&figures->rows[i], all) && !figures->rows[i].consistent;
		by_rows |= !figures->rows[i].consistent;
	}
	print_totals(out, figures);
	fputc('\n', out);
	hidden = print_rows(out, figures, all);
	if (figures->count == 0)
		fprintf(out, "There is no %scache.\n", figures->totals.caches ? "such " : "");
	if (marked > 0)
		fprintf(out,
			"~ changed while it was read, or is damaged: the figures do not add up.\n");
	else if (!figures->consistent && !by_rows)
		fprintf(
		    out,
		    "The list of caches or threads changed while it was read, or is damaged.\n");
	if (hidden > 0)
		fprintf(out, "%zu empty cache%s hidden: -a shows %s.\n", hidden,
			hidden == 1 ? "" : "s", hidden == 1 ? "it" : "them");
	if (figures->roots > 1)
		fprintf(out, "%zu copies of the library are in this process: all are shown.\n",
			figures->roots);
}
