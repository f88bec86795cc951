/*
 * report_json.c - figures for programs                                                   Floor t9
 *
 * Called by slabstat.c. Names hold nothing that needs a backslash, and numbers are integers. Keys
 * stay for ever; new ones may come between them. A change of meaning would raise "schema".
 */
#include <inttypes.h>
#include <stdlib.h>

#include "tools/keys.h"
#include "tools/report.h"

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

static void print_cache(FILE *out, const struct figures_row *row, bool with_root)
{
	fprintf(out, "{\"name\": \"%s\", ", row->stats.name);
	print_numbers(out, keys_cache, KEYS_CACHE, &row->stats);
	if (with_root)
		fprintf(out, ", \"root\": %u", row->root);
	fprintf(out, ", \"consistent\": %s}", truth(row->consistent));
}

static int compare_ids(const void *left, const void *right)
{
	const struct figures_row *a = left, *b = right;

	if (a->root != b->root)
		return a->root < b->root ? -1 : 1;
	return a->stats.id < b->stats.id ? -1 : a->stats.id > b->stats.id;
}

void report_json(FILE *out, struct figures *figures)
{
	struct slab_cache_stats sum = figures_sum(figures);

	if (figures->count > 0)
		qsort(figures->rows, figures->count, sizeof *figures->rows, compare_ids);
	fprintf(out,
		"{\"schema\": 1, \"tool\": \"slabstat\", \"pid\": %d, \"source\": \"%s\", "
		"\"consistent\": %s,\n \"totals\": {",
		figures->pid, figures->source, truth(figures->consistent));
	print_numbers(out, keys_totals, KEYS_TOTALS, &figures->totals);
	fprintf(out, ",\n  ");
	print_numbers(out, keys_sum, KEYS_SUM, &sum);
	fprintf(out, "},\n \"caches\": [");
	for (size_t i = 0; i < figures->count; i++) {
		fprintf(out, "%s\n  ", i > 0 ? "," : "");
		print_cache(out, &figures->rows[i], figures->roots > 1);
	}
	fprintf(out, "%s]}\n", figures->count > 0 ? "\n " : "");
}
