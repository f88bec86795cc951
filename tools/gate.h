/*
 * gate.h - --fail-if: conditions on figures that end slabstat with a finding             Floor t8
 */
#ifndef SLABSTAT_GATE_H
#define SLABSTAT_GATE_H

#include "tools/figures.h"

#define GATE_TERMS   8
#define GATE_FIGURES 14

__extension__ typedef __int128 gate_value; /* any figure, or the change of one */

enum gate_operator { GATE_ABOVE, GATE_FROM, GATE_BELOW, GATE_UP_TO, GATE_EQUAL, GATE_OTHER };

struct gate_term {
	unsigned figure;
	enum gate_operator operator;
	gate_value limit;
};

/* All terms have to hold, for one cache. */
struct gate {
	const char *text; /* the expression, as it was written */
	struct gate_term term[GATE_TERMS];
	size_t terms;
	const char *globs; /* into text; NULL: the sum over all caches */
	size_t globs_bytes;
};

/* What gates look at: a cache, or the difference of two. */
struct gate_row {
	const char *name;
	gate_value value[GATE_FIGURES];
};

/* Return: 0 or FAULT_USAGE, noted. */
enum fault_code gate_parse(struct gate *gate, const char *text, struct fault *fault);

/* The values of a row, in the order that gates know. */
void gate_values(gate_value value[GATE_FIGURES], const struct slab_cache_stats *stats);

/*
 * Judges rows. where is for the sentence; change: the values are differences. Return: 0, or
 * FAULT_FINDING, noted.
 */
enum fault_code gate_judge(const struct gate *gate, const struct gate_row *row, size_t rows,
			   const char *where, bool change, struct fault *fault);

/* Tells on standard error of globs that match no row: such a gate cannot hold. */
void gate_warn(const struct gate *gate, const struct gate_row *row, size_t rows, const char *where);

/* Both for all gates and all rows of figures. again: it has been warned. */
enum fault_code gate_judge_figures(const struct gate *gates, size_t count,
				   const struct figures *figures, const char *where, bool again,
				   struct fault *fault);

#endif
