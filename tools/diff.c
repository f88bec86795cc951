/*
 * diff.c - what has changed between two figures, cache by cache                          Floor t9
 *
 * Called by verbs.c. Caches are matched by name, as those of two runs of a program can be; equal
 * names are summed.
 */
#define _GNU_SOURCE 1
#include <stdlib.h>
#include <string.h>

#include "tools/diff.h"
#include "tools/row.h"

static int compare_names(const void *left, const void *right)
{
	const struct diff_row *a = left, *b = right;
	int order =
	    strcmp(a->is ? a->after.name : a->before.name, b->is ? b->after.name : b->before.name);

	return order ? order : (int)a->is - (int)b->is;
}

static void add(struct slab_cache_stats *sum, const struct slab_cache_stats *stats)
{
	const struct slab_cache_stats before = *sum;

	*sum = *stats; /* sizes and name; then what can be summed */
	sum->slabs += before.slabs;
	sum->slabs_full += before.slabs_full;
	sum->slabs_partial += before.slabs_partial;
	sum->slabs_empty += before.slabs_empty;
	sum->objects_live += before.objects_live;
	sum->objects_cached += before.objects_cached;
	sum->objects_free += before.objects_free;
	sum->objects_capacity += before.objects_capacity;
	sum->objects_peak += before.objects_peak;
	sum->allocs += before.allocs;
	sum->frees += before.frees;
	sum->alloc_failures += before.alloc_failures;
	sum->mapped_bytes += before.mapped_bytes;
	sum->returned_bytes += before.returned_bytes;
}

static void merge(struct diff_row *to, const struct diff_row *from)
{
	if (from->was)
		add(&to->before, &from->before);
	if (from->is)
		add(&to->after, &from->after);
	to->was |= from->was;
	to->is |= from->is;
	to->consistent &= from->consistent;
}

static const char *name_of(const struct diff_row *row)
{
	return row->is ? row->after.name : row->before.name;
}

bool diff_make(struct diff *diff, const struct figures *before, const struct figures *after)
{
	size_t rows = before->count + after->count, kept = 0;

	*diff = (struct diff){ .row = calloc(rows + 1, sizeof *diff->row) };
	if (!diff->row)
		return false;
	for (size_t i = 0; i < before->count; i++)
		diff->row[i] = (struct diff_row){ .before = before->rows[i].stats,
						  .was = true,
						  .consistent = before->rows[i].consistent };
	for (size_t i = 0; i < after->count; i++)
		diff->row[before->count + i] =
		    (struct diff_row){ .after = after->rows[i].stats,
				       .is = true,
				       .consistent = after->rows[i].consistent };
	qsort(diff->row, rows, sizeof *diff->row, compare_names);
	for (size_t i = 0; i < rows; i++) {
		struct diff_row this = diff->row[i];

		if (kept > 0 && strcmp(name_of(&diff->row[kept - 1]), name_of(&this)) == 0)
			merge(&diff->row[kept - 1], &this);
		else
			diff->row[kept++] = this;
	}
	diff->count = kept;
	for (size_t i = 0; i < kept; i++) /* a cache of one side alone has its name in both */
		memcpy(diff->row[i].is ? diff->row[i].before.name : diff->row[i].after.name,
		       name_of(&diff->row[i]), sizeof diff->row[i].after.name);
	return true;
}

static gate_value key_of(const struct slab_cache_stats *stats, char sort)
{
	switch (sort) {
	case 'a':
		return stats->objects_live;
	case 'b':
		return stats->objects_per_slab;
	case 'c':
		return stats->mapped_bytes;
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
		return stats->objects_capacity
			   ? (gate_value)stats->objects_live * 1000000 / stats->objects_capacity
			   : 0;
	default:
		return (gate_value)stats->objects_live * stats->object_bytes;
	}
}

static int compare_growth(const void *left, const void *right, void *sort)
{
	const struct diff_row *a = left, *b = right;
	const char letter = *(const char *)sort;
	gate_value growth_a = key_of(&a->after, letter) - key_of(&a->before, letter);
	gate_value growth_b = key_of(&b->after, letter) - key_of(&b->before, letter);

	if (letter != 'n' && growth_a != growth_b)
		return growth_a < growth_b ? 1 : -1;
	return strcmp(a->after.name, b->after.name);
}

void diff_sort(struct diff *diff, char sort)
{
	if (diff->count > 0)
		qsort_r(diff->row, diff->count, sizeof *diff->row, compare_growth, &sort);
}

enum fault_code diff_judge(const struct diff *diff, const struct gate *gates, size_t count,
			   const char *where, struct fault *fault)
{
	struct gate_row *row = calloc(diff->count + 1, sizeof *row);
	enum fault_code code = FAULT_NONE;

	if (!row)
		return fault_set(fault, FAULT_PARTIAL, "slabstat ran out of memory.");
	for (size_t i = 0; i < diff->count; i++) {
		gate_value before[GATE_FIGURES];

		row[i].name = diff->row[i].after.name;
		gate_values(before, &diff->row[i].before);
		gate_values(row[i].value, &diff->row[i].after);
		for (size_t k = 0; k < GATE_FIGURES; k++)
			row[i].value[k] -= before[k];
	}
	for (size_t i = 0; i < count && code == FAULT_NONE; i++) {
		gate_warn(&gates[i], row, diff->count, where);
		code = gate_judge(&gates[i], row, diff->count, where, true, fault);
	}
	free(row);
	return code;
}

void diff_free(struct diff *diff)
{
	free(diff->row);
}
