/*
 * report_formats.c - figures for other programs: Prometheus, CSV, /proc/slabinfo, umastat  Floor t9
 *
 * Called by verbs.c. Names hold nothing that any of these would have to quote.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/report.h"
#include "tools/row.h"

struct column {
	const char *name;
	size_t offset; /* in struct slab_cache_stats */
	const char *type, *help;
};

#define COLUMN(field, type, help) { #field, offsetof(struct slab_cache_stats, field), type, help }

static const struct column columns[] = {
	COLUMN(slabs, "gauge", "Slabs held."),
	COLUMN(objects_live, "gauge", "Objects in the hands of the program."),
	COLUMN(objects_cached, "gauge", "Free objects parked in threads and depot."),
	COLUMN(objects_free, "gauge", "Free slots in slabs."),
	COLUMN(objects_capacity, "gauge", "Slots in slabs."),
	COLUMN(mapped_bytes, "gauge", "Memory of the slabs."),
	COLUMN(allocs, "counter", "Objects handed out."),
	COLUMN(frees, "counter", "Objects given back."),
	COLUMN(alloc_failures, "counter", "Calls that could not be served."),
	COLUMN(returned_bytes, "counter", "Memory of slabs given up."),
};
#define COLUMNS (sizeof columns / sizeof columns[0])

static uint64_t value_of(const struct slab_cache_stats *stats, size_t offset)
{
	return *(const uint64_t *)(const void *)((const char *)stats + offset);
}

static int compare_names(const void *left, const void *right)
{
	const struct figures_row *const *a = left, *const *b = right;

	return strcmp((*a)->stats.name, (*b)->stats.name);
}

/* A series per name; sorted, so that equal names stand side by side and are summed. */
static void print_series(FILE *out, const struct figures *figures, const struct column *column,
			 const struct figures_row *const *sorted)
{
	const char *end = column->type[0] == 'c' ? "_total" : "";

	fprintf(out, "# HELP slab_cache_%s%s %s\n# TYPE slab_cache_%s%s %s\n", column->name, end,
		column->help, column->name, end, column->type);
	for (size_t i = 0; i < figures->count;) {
		const char *name = sorted[i]->stats.name;
		uint64_t sum = 0;

		for (; i < figures->count && strcmp(sorted[i]->stats.name, name) == 0; i++)
			sum += value_of(&sorted[i]->stats, column->offset);
		fprintf(out, "slab_cache_%s%s{pid=\"%d\",cache=\"%s\"} %" PRIu64 "\n",
			column->name, end, figures->pid, name, sum);
	}
}

static void print_one(FILE *out, int pid, const char *name, const char *type, const char *help,
		      uint64_t value)
{
	const char *end = type[0] == 'c' ? "_total" : "";

	fprintf(out,
		"# HELP slab_%s%s %s\n# TYPE slab_%s%s %s\nslab_%s%s{pid=\"%d\"} %" PRIu64 "\n",
		name, end, help, name, end, type, name, end, pid, value);
}

void report_prometheus(FILE *out, const struct figures *figures, bool per_cache)
{
	const struct slab_totals *totals = &figures->totals;
	struct slab_cache_stats sum = figures_sum(figures);
	const struct figures_row **sorted = NULL;
	int pid = figures->pid;

	print_one(out, pid, "span_bytes", "gauge", "Address space of the library.",
		  totals->mapped_bytes);
	print_one(out, pid, "reserve_bytes", "gauge", "Empty memory that may be kept.",
		  totals->reserve_bytes);
	print_one(out, pid, "metadata_bytes", "gauge", "Structures of the library.",
		  totals->metadata_bytes);
	print_one(out, pid, "holes", "gauge", "Gaps that giving memory back has left.",
		  totals->holes);
	print_one(out, pid, "lost_holes", "gauge", "Holes that others have taken.",
		  totals->lost_holes);
	print_one(out, pid, "unmap_failures", "counter", "Calls that the kernel refused.",
		  totals->unmap_failures);
	print_one(out, pid, "caches", "gauge", "Caches.", totals->caches);
	print_one(out, pid, "threads", "gauge", "Threads with slots.", totals->threads);
	print_one(out, pid, "consistent", "gauge", "1 if all figures are of one moment.",
		  figures->consistent);
	for (size_t i = 0; i < COLUMNS; i++)
		print_one(out, pid, columns[i].name, columns[i].type, columns[i].help,
			  value_of(&sum, columns[i].offset));
	if (per_cache && figures->count > 0)
		sorted = malloc(figures->count * sizeof *sorted);
	if (!sorted)
		return;
	for (size_t i = 0; i < figures->count; i++)
		sorted[i] = &figures->rows[i];
	qsort(sorted, figures->count, sizeof *sorted, compare_names);
	for (size_t i = 0; i < COLUMNS; i++)
		print_series(out, figures, &columns[i], sorted);
	free(sorted);
}

void report_csv(FILE *out, const struct figures *figures, bool with_heads)
{
	static const char *const heads[] = { "id",
					     "flags",
					     "mode",
					     "object_bytes",
					     "stride_bytes",
					     "align_bytes",
					     "slab_bytes",
					     "objects_per_slab",
					     "slabs",
					     "slabs_full",
					     "slabs_partial",
					     "slabs_empty",
					     "objects_live",
					     "objects_cached",
					     "objects_free",
					     "objects_capacity",
					     "objects_peak",
					     "allocs",
					     "frees",
					     "alloc_failures",
					     "mapped_bytes",
					     "returned_bytes" };

	_Static_assert(offsetof(struct slab_cache_stats, returned_bytes) +
				   sizeof(uint64_t) - offsetof(struct slab_cache_stats, id) ==
			       sizeof heads / sizeof heads[0] * sizeof(uint64_t),
		       "a head for each figure, in their order");
	if (with_heads) {
		fprintf(out, "pid,root,name");
		for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
			fprintf(out, ",%s", heads[i]);
		fprintf(out, ",waste_bytes,stranded_bytes,consistent\n");
	}
	for (size_t i = 0; i < figures->count; i++) {
		const struct figures_row *row = &figures->rows[i];

		fprintf(out, "%d,%u,%s", figures->pid, row->root, row->stats.name);
		for (size_t k = 0; k < sizeof heads / sizeof heads[0]; k++)
			fprintf(out, ",%" PRIu64,
				value_of(&row->stats, offsetof(struct slab_cache_stats, id) +
							  k * sizeof(uint64_t)));
		fprintf(out, ",%" PRIu64 ",%" PRIu64 ",%d\n", row_waste_bytes(&row->stats),
			row_stranded_bytes(&row->stats), row->consistent);
	}
}

void report_slabinfo(FILE *out, const struct figures *figures)
{
	fprintf(out, "slabinfo - version: 2.1\n"
		     "# name            <active_objs> <num_objs> <objsize> <objperslab> "
		     "<pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : slabdata "
		     "<active_slabs> <num_slabs> <sharedavail>\n");
	for (size_t i = 0; i < figures->count; i++) {
		const struct slab_cache_stats *stats = &figures->rows[i].stats;

		fprintf(out,
			"%-17s %6" PRIu64 " %6" PRIu64 " %6" PRIu64 " %4" PRIu64 " %4" PRIu64
			" : tunables    0    0    0 : slabdata %6" PRIu64 " %6" PRIu64 "      0\n",
			stats->name, stats->objects_live, stats->objects_capacity,
			stats->stride_bytes, stats->objects_per_slab, stats->slab_bytes / 4096,
			stats->slabs - stats->slabs_empty, stats->slabs);
	}
}

void report_umastat(FILE *out, const struct figures *figures)
{
	struct slab_cache_stats sum = figures_sum(figures);

	fprintf(out,
		"%-25s %6s %6s %6s %9s %9s %5s\n%-25s %6s %6s %6s %9s %9s %5s\n", "cache", "buf",
		"buf", "buf", "memory", "alloc", "alloc", "name", "size", "in use", "total",
		"in use", "succeed", "fail");
	for (int i = 0; i < 72; i++)
		fputc(i == 25 || i == 32 || i == 39 || i == 46 || i == 56 || i == 66 ? ' ' : '-',
		      out);
	fputc('\n', out);
	for (size_t i = 0; i < figures->count; i++) {
		const struct slab_cache_stats *stats = &figures->rows[i].stats;

		fprintf(out,
			"%-25s %6" PRIu64 " %6" PRIu64 " %6" PRIu64 " %9" PRIu64 " %9" PRIu64
			" %5" PRIu64 "\n",
			stats->name, stats->object_bytes, stats->objects_live,
			stats->objects_capacity, stats->mapped_bytes, stats->allocs,
			stats->alloc_failures);
	}
	fprintf(out, "%-25s %6s %6s %6s %9" PRIu64 " %9" PRIu64 " %5" PRIu64 "\n",
		"Total [slab]", "", "", "", sum.mapped_bytes, sum.allocs, sum.alloc_failures);
}
