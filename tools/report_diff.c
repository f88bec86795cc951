/*
 * report_diff.c - growth per cache                                                      Floor t10
 *
 * Called by verbs.c.
 */
#define _GNU_SOURCE 1
#include <inttypes.h>
#include <string.h>

#include "tools/diff.h"
#include "tools/report.h"
#include "tools/text.h"

#define COLUMNS    8
#define CELL_BYTES 40

static const char *const headings[COLUMNS] = { "LIVE",  "CHANGE", "SIZE",   "CHANGE",
					       "SLABS", "CACHED", "ALLOCS", "FAILURES" };

struct line {
	char cell[COLUMNS][CELL_BYTES];
};

/* Return: after - before as a number with a sign; of differences beyond 64 bits the most. */
static int64_t change(uint64_t before, uint64_t after)
{
	uint64_t size = after >= before ? after - before : before - after;

	if (size > INT64_MAX)
		size = INT64_MAX;
	return after >= before ? (int64_t)size : -(int64_t)size;
}

static void put_change(char *cell, uint64_t before, uint64_t after)
{
	snprintf(cell, CELL_BYTES, before == after ? "0" : "%+" PRId64, change(before, after));
}

static void put_bytes(char *cell, uint64_t before, uint64_t after)
{
	char human[TEXT_HUMAN_BYTES];

	text_human(human, after >= before ? after - before : before - after);
	snprintf(cell, CELL_BYTES, "%s%s",
		 before == after  ? ""
		 : after > before ? "+"
				  : "-",
		 human);
}

static void fill_line(struct line *line, const struct slab_cache_stats *before,
		      const struct slab_cache_stats *after)
{
	snprintf(line->cell[0], CELL_BYTES, "%" PRIu64, after->objects_live);
	put_change(line->cell[1], before->objects_live, after->objects_live);
	text_human(line->cell[2], after->mapped_bytes);
	put_bytes(line->cell[3], before->mapped_bytes, after->mapped_bytes);
	put_change(line->cell[4], before->slabs, after->slabs);
	put_change(line->cell[5], before->objects_cached, after->objects_cached);
	put_change(line->cell[6], before->allocs, after->allocs);
	put_change(line->cell[7], before->alloc_failures, after->alloc_failures);
}

static bool has_changed(const struct diff_row *row)
{
	const struct slab_cache_stats *a = &row->before, *b = &row->after;

	return row->was != row->is || a->objects_live != b->objects_live || a->slabs != b->slabs ||
	       a->objects_cached != b->objects_cached || a->allocs != b->allocs ||
	       a->alloc_failures != b->alloc_failures;
}

static void print_lines(FILE *out, const struct diff *diff, bool all)
{
	int width[COLUMNS];
	struct line line;

	for (size_t c = 0; c < COLUMNS; c++)
		width[c] = (int)strlen(headings[c]);
	for (size_t i = 0; i < diff->count; i++) {
		fill_line(&line, &diff->row[i].before, &diff->row[i].after);
		for (size_t c = 0; c < COLUMNS; c++)
			if (width[c] < (int)strlen(line.cell[c]))
				width[c] = (int)strlen(line.cell[c]);
	}
	for (size_t c = 0; c < COLUMNS; c++)
		fprintf(out, "%*s ", width[c], headings[c]);
	fprintf(out, "NAME\n");
	for (size_t i = 0; i < diff->count; i++) {
		const struct diff_row *row = &diff->row[i];

		if (!all && !has_changed(row))
			continue;
		fill_line(&line, &row->before, &row->after);
		for (size_t c = 0; c < COLUMNS; c++)
			fprintf(out, "%*s ", width[c], line.cell[c]);
		fprintf(out, "%s%s%s\n", row->after.name, row->consistent ? "" : " ~",
			!row->was  ? " (new)"
			: !row->is ? " (gone)"
				   : "");
	}
}

void report_diff(FILE *out, const struct diff *diff, bool all)
{
	uint64_t live[2] = { 0 }, bytes[2] = { 0 };
	size_t same = 0, marked = 0;
	char human[2][TEXT_HUMAN_BYTES];

	for (size_t i = 0; i < diff->count; i++) {
		live[0] += diff->row[i].before.objects_live;
		live[1] += diff->row[i].after.objects_live;
		bytes[0] += diff->row[i].before.mapped_bytes;
		bytes[1] += diff->row[i].after.mapped_bytes;
		same += !has_changed(&diff->row[i]);
		marked += !diff->row[i].consistent;
	}
	fprintf(out, " Live objects before / after : %" PRIu64 " / %" PRIu64 " (%+" PRId64 ")\n",
		live[0], live[1], change(live[0], live[1]));
	fprintf(out, " Size before / after         : %s / %s\n\n", text_human(human[0], bytes[0]),
		text_human(human[1], bytes[1]));
	print_lines(out, diff, all);
	if (marked > 0)
		fprintf(out, "~ changed while it was read, or is damaged: the figures do not add "
			     "up.\n");
	if (same > 0 && !all)
		fprintf(out, "%zu cache%s without a change hidden: -a shows %s.\n", same,
			same == 1 ? "" : "s", same == 1 ? "it" : "them");
}

/* The figures that are compared, for programs. */
static const struct {
	const char *name;
	size_t offset;
} keys[] = {
	{ "objects_live", offsetof(struct slab_cache_stats, objects_live) },
	{ "objects_cached", offsetof(struct slab_cache_stats, objects_cached) },
	{ "objects_free", offsetof(struct slab_cache_stats, objects_free) },
	{ "slabs", offsetof(struct slab_cache_stats, slabs) },
	{ "mapped_bytes", offsetof(struct slab_cache_stats, mapped_bytes) },
	{ "allocs", offsetof(struct slab_cache_stats, allocs) },
	{ "frees", offsetof(struct slab_cache_stats, frees) },
	{ "alloc_failures", offsetof(struct slab_cache_stats, alloc_failures) },
};
#define KEYS (sizeof keys / sizeof keys[0])

static uint64_t value_of(const struct slab_cache_stats *stats, size_t offset)
{
	return *(const uint64_t *)(const void *)((const char *)stats + offset);
}

void report_diff_json(FILE *out, const struct diff *diff)
{
	fprintf(out, "{\"schema\": 1, \"tool\": \"slabstat\", \"diff\": [");
	for (size_t i = 0; i < diff->count; i++) {
		const struct diff_row *row = &diff->row[i];

		fprintf(out, "%s\n  {\"name\": \"%s\"", i ? "," : "", row->after.name);
		for (size_t k = 0; k < KEYS; k++) {
			uint64_t before = value_of(&row->before, keys[k].offset);
			uint64_t after = value_of(&row->after, keys[k].offset);

			fprintf(out,
				", \"%s\": {\"before\": %" PRIu64 ", \"after\": %" PRIu64
				", \"change\": %" PRId64 "}",
				keys[k].name, before, after, change(before, after));
		}
		fprintf(out, ", \"consistent\": %s}", row->consistent ? "true" : "false");
	}
	fprintf(out, "%s]}\n", diff->count ? "\n " : "");
}

void report_diff_csv(FILE *out, const struct diff *diff)
{
	fprintf(out, "name");
	for (size_t k = 0; k < KEYS; k++)
		fprintf(out, ",%s_before,%s_after,%s_change", keys[k].name, keys[k].name,
			keys[k].name);
	fprintf(out, ",consistent\n");
	for (size_t i = 0; i < diff->count; i++) {
		const struct diff_row *row = &diff->row[i];

		fprintf(out, "%s", row->after.name);
		for (size_t k = 0; k < KEYS; k++) {
			uint64_t before = value_of(&row->before, keys[k].offset);
			uint64_t after = value_of(&row->after, keys[k].offset);

			fprintf(out, ",%" PRIu64 ",%" PRIu64 ",%" PRId64, before, after,
				change(before, after));
		}
		fprintf(out, ",%d\n", row->consistent);
	}
}
