/*
 * report_json.c - figures for programs                                                   Floor t9
 *
 * Called by verbs.c and record.c. Names hold nothing that needs a backslash, and numbers are
 * integers. Keys stay for ever; new ones may come between them. A change of meaning would raise
 * "schema".
 */
#include <inttypes.h>
#include <stdlib.h>

#include "tools/keys.h"
#include "tools/report.h"
#include "tools/row.h"

static const char *truth(bool value)
{
	return value ? "true" : "false";
}

static void print_numbers(FILE *out, const struct key *keys, size_t count, const void *from)
{
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s\"%s\": %" PRIu64, i > 0 ? ", " : "", keys[i].name,
			*(const uint64_t *)(const void *)((const char *)from + keys[i].offset));
}

void report_json_cache(FILE *out, const struct figures_row *row, bool with_root)
{
	fprintf(out, "{\"name\": \"%s\", ", row->stats.name);
	print_numbers(out, keys_cache, KEYS_CACHE, &row->stats);
	fprintf(out, ", \"waste_bytes\": %" PRIu64 ", \"stranded_bytes\": %" PRIu64,
		row_waste_bytes(&row->stats), row_stranded_bytes(&row->stats));
	if (with_root)
		fprintf(out, ", \"root\": %u", row->root);
	fprintf(out, ", \"consistent\": %s", truth(row->consistent));
}

void report_json_head(FILE *out, const struct figures *figures, uint64_t time_ms)
{
	fprintf(out, "{\"schema\": 1, \"tool\": \"slabstat\", \"pid\": %d, \"source\": \"%s\", ",
		figures->pid, figures->source);
	if (time_ms)
		fprintf(out, "\"time_ms\": %" PRIu64 ", ", time_ms);
	fprintf(out, "\"consistent\": %s", truth(figures->consistent));
}

static int compare_ids(const void *left, const void *right)
{
	const struct figures_row *a = left, *b = right;

	if (a->root != b->root)
		return a->root < b->root ? -1 : 1;
	return a->stats.id < b->stats.id ? -1 : a->stats.id > b->stats.id;
}

/* The sums of what is no figure of its own. */
static void print_derived(FILE *out, const struct figures *figures)
{
	uint64_t waste = 0, stranded = 0;

	for (size_t i = 0; i < figures->count; i++) {
		waste += row_waste_bytes(&figures->rows[i].stats);
		stranded += row_stranded_bytes(&figures->rows[i].stats);
	}
	fprintf(out, ", \"waste_bytes\": %" PRIu64 ", \"stranded_bytes\": %" PRIu64, waste,
		stranded);
}

void report_json(FILE *out, struct figures *figures, bool one_line, uint64_t time_ms)
{
	struct slab_cache_stats sum = figures_sum(figures);
	const char *line = one_line ? "" : "\n";

	if (figures->count > 0)
		qsort(figures->rows, figures->count, sizeof *figures->rows, compare_ids);
	report_json_head(out, figures, time_ms);
	fprintf(out, ",%s \"totals\": {", line);
	print_numbers(out, keys_totals, KEYS_TOTALS, &figures->totals);
	fprintf(out, ",%s  ", line);
	print_numbers(out, keys_sum, KEYS_SUM, &sum);
	print_derived(out, figures);
	fprintf(out, "},%s \"caches\": [", line);
	for (size_t i = 0; i < figures->count; i++) {
		fprintf(out, "%s%s  ", i > 0 ? "," : "", line);
		report_json_cache(out, &figures->rows[i], figures->roots > 1);
		fputc('}', out);
	}
	fprintf(out, "%s%s]}\n", figures->count > 0 ? line : "", figures->count > 0 ? " " : "");
}
