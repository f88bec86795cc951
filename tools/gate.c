/*
 * gate.c - --fail-if: conditions on figures that end slabstat with a finding             Floor t8
 *
 * Called by options.c, which has them parsed, and by the verbs, which have them judged. The
 * grammar is in docs/slabstat.1; blanks are allowed between all words.
 */
#define _GNU_SOURCE 1
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/gate.h"
#include "tools/row.h"
#include "tools/text.h"

#define BLANKS     " \t"
#define WORD_BYTES 32
#define FIGURES                                                                                    \
	"live, cached, free, capacity, peak, allocs, frees, failures, slabs, empty, "              \
	"size, waste, stranded or returned"

struct name {
	const char *word, *key; /* as in --fail-if, and as in JSON: both are taken */
};

static const struct name names[GATE_FIGURES] = {
	{ "live", "objects_live" },
	{ "cached", "objects_cached" },
	{ "free", "objects_free" },
	{ "capacity", "objects_capacity" },
	{ "peak", "objects_peak" },
	{ "allocs", "allocs" },
	{ "frees", "frees" },
	{ "failures", "alloc_failures" },
	{ "slabs", "slabs" },
	{ "empty", "slabs_empty" },
	{ "size", "mapped_bytes" },
	{ "waste", "waste_bytes" },
	{ "stranded", "stranded_bytes" },
	{ "returned", "returned_bytes" },
};

void gate_values(gate_value value[GATE_FIGURES], const struct slab_cache_stats *stats)
{
	const uint64_t numbers[GATE_FIGURES] = {
		stats->objects_live,
		stats->objects_cached,
		stats->objects_free,
		stats->objects_capacity,
		stats->objects_peak,
		stats->allocs,
		stats->frees,
		stats->alloc_failures,
		stats->slabs,
		stats->slabs_empty,
		stats->mapped_bytes,
		row_waste_bytes(stats),
		row_stranded_bytes(stats),
		stats->returned_bytes,
	};

	for (size_t i = 0; i < GATE_FIGURES; i++)
		value[i] = numbers[i];
}

/* ---- parsing ----------------------------------------------------------------------------- */

/* The operator at *at, which moves behind it. Return: whether there is one. */
static bool take_operator(const char **at, enum gate_operator *operator)
{
	static const struct {
		const char *text;
		enum gate_operator operator;
	} operators[] = {
		{ ">=", GATE_FROM },  { "<=", GATE_UP_TO }, { "!=", GATE_OTHER },
		{ "==", GATE_EQUAL }, { ">", GATE_ABOVE },  { "<", GATE_BELOW },
		{ "=", GATE_EQUAL },
	};

	for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
		size_t length = strlen(operators[i].text);

		if (strncmp(*at, operators[i].text, length) == 0) {
			*at += length;
			*operator= operators[i].operator;
			return true;
		}
	}
	return false;
}

/* A whole number, with a sign and one of K M G T behind it if so wished. */
static enum fault_code take_limit(const char **at, const char *word, gate_value *limit,
				  struct fault *fault)
{
	static const char units[] = "KMGT";
	bool negative = **at == '-';
	const char *from, *unit;
	gate_value value = 0;

	*at += **at == '-' || **at == '+';
	for (from = *at; **at >= '0' && **at <= '9'; ++*at) {
		value = value * 10 + (**at - '0');
		if (*at - from > 19)
			return fault_set(fault, FAULT_USAGE,
					 "--fail-if has a number behind %s that is too large.",
					 word);
	}
	if (*at == from)
		return fault_set(fault, FAULT_USAGE,
				 "--fail-if needs a whole number behind %s, as in '%s>1000'.", word,
				 word);
	unit = **at ? strchr(units, **at) : NULL;
	if (unit) {
		value <<= 10 * (unit - units + 1);
		++*at;
	}
	if (**at && !strchr(BLANKS, **at))
		return fault_set(fault, FAULT_USAGE,
				 "--fail-if has '%.10s' behind a number of %s: only K, M, G or T "
				 "may follow at once.",
				 *at, word);
	*limit = negative ? -value : value;
	return FAULT_NONE;
}

static enum fault_code take_globs(struct gate *gate, const char **at, struct fault *fault)
{
	size_t length = strcspn(*at, BLANKS);

	if (gate->globs)
		return fault_set(fault, FAULT_USAGE,
				 "--fail-if names cache twice: join the globs by commas.");
	if (length == 0)
		return fault_set(fault, FAULT_USAGE,
				 "--fail-if needs a name or glob behind cache=.");
	gate->globs = *at;
	gate->globs_bytes = length;
	*at += length;
	return FAULT_NONE;
}

/* One word with what belongs to it. */
static enum fault_code take_term(struct gate *gate, const char **at, struct fault *fault)
{
	size_t length = strspn(*at, "abcdefghijklmnopqrstuvwxyz_");
	struct gate_term *term = &gate->term[gate->terms];
	enum gate_operator operator;
	char word[WORD_BYTES];
	unsigned figure = 0;

	snprintf(word, sizeof word, "%.*s", (int)(length ? length : strcspn(*at, BLANKS)), *at);
	while (figure < GATE_FIGURES && strcmp(word, names[figure].word) != 0 &&
	       strcmp(word, names[figure].key) != 0)
		figure++;
	if (length == 0 || (figure == GATE_FIGURES && strcmp(word, "cache") != 0))
		return fault_set(fault, FAULT_USAGE,
				 "--fail-if knows no figure '%s': use " FIGURES ".", word);
	*at += length;
	*at += strspn(*at, BLANKS);
	if (!take_operator(at, &operator))
		return fault_set(fault, FAULT_USAGE,
				 "--fail-if has no comparison behind %s: use > >= < <= = or !=.",
				 word);
	*at += strspn(*at, BLANKS);
	if (figure == GATE_FIGURES && operator!= GATE_EQUAL)
		return fault_set(fault, FAULT_USAGE, "--fail-if takes cache with = alone.");
	if (figure == GATE_FIGURES)
		return take_globs(gate, at, fault);
	if (gate->terms == GATE_TERMS)
		return fault_set(fault, FAULT_USAGE, "--fail-if has more than %d comparisons.",
				 GATE_TERMS);
	*term = (struct gate_term){ .figure = figure, .operator= operator};
	gate->terms++;
	return take_limit(at, word, &term->limit, fault);
}

enum fault_code gate_parse(struct gate *gate, const char *text, struct fault *fault)
{
	enum fault_code code = FAULT_NONE;
	const char *at = text;

	*gate = (struct gate){ .text = text };
	for (at += strspn(at, BLANKS); *at && code == FAULT_NONE; at += strspn(at, BLANKS))
		code = take_term(gate, &at, fault);
	if (code == FAULT_NONE && gate->terms == 0)
		code = fault_set(fault, FAULT_USAGE,
				 "--fail-if compares nothing: write it as 'live>1000 cache=foo'.");
	return code;
}

/* ---- judging ----------------------------------------------------------------------------- */

static bool holds(const struct gate_term *term, const struct gate_row *row)
{
	gate_value value = row->value[term->figure];

	switch (term->operator) {
	case GATE_ABOVE:
		return value > term->limit;
	case GATE_FROM:
		return value >= term->limit;
	case GATE_BELOW:
		return value < term->limit;
	case GATE_UP_TO:
		return value <= term->limit;
	case GATE_EQUAL:
		return value == term->limit;
	default:
		return value != term->limit;
	}
}

static bool all_hold(const struct gate *gate, const struct gate_row *row)
{
	for (size_t i = 0; i < gate->terms; i++)
		if (!holds(&gate->term[i], row))
			return false;
	return true;
}

/* Return: the value for a sentence, cut to 64 bits. */
static long long shown(gate_value value)
{
	return value > INT64_MAX ? INT64_MAX : value < INT64_MIN ? INT64_MIN : (long long)value;
}

static enum fault_code found(const struct gate *gate, const struct gate_row *row, const char *where,
			     bool change, struct fault *fault)
{
	const struct gate_term *term = &gate->term[0];

	return fault_set(
	    fault, FAULT_FINDING, "%.80s: %s%s: %s %s %lld, and --fail-if '%.80s' holds.", where,
	    gate->globs ? "cache " : "", row->name, names[term->figure].word,
	    change ? "has changed by" : "is", shown(row->value[term->figure]), gate->text);
}

enum fault_code gate_judge(const struct gate *gate, const struct gate_row *row, size_t rows,
			   const char *where, bool change, struct fault *fault)
{
	struct gate_row sum = { .name = "all caches" };
	char *globs = gate->globs ? strndup(gate->globs, gate->globs_bytes) : NULL;
	enum fault_code code = FAULT_NONE;

	for (size_t i = 0; i < rows; i++) {
		for (size_t k = 0; k < GATE_FIGURES; k++)
			sum.value[k] += row[i].value[k];
		if (code == FAULT_NONE && globs && text_matches(globs, row[i].name) &&
		    all_hold(gate, &row[i]))
			code = found(gate, &row[i], where, change, fault);
	}
	if (!gate->globs && all_hold(gate, &sum))
		code = found(gate, &sum, where, change, fault);
	free(globs);
	return code;
}

void gate_warn(const struct gate *gate, const struct gate_row *row, size_t rows, const char *where)
{
	char *globs = gate->globs ? strndup(gate->globs, gate->globs_bytes) : NULL;
	bool matches = !globs;

	for (size_t i = 0; i < rows && !matches; i++)
		matches = text_matches(globs, row[i].name);
	if (!matches)
		fprintf(stderr,
			"slabstat: %s: no cache matches '%s', so --fail-if does not hold.\n", where,
			globs);
	free(globs);
}

enum fault_code gate_judge_figures(const struct gate *gates, size_t count,
				   const struct figures *figures, const char *where, bool again,
				   struct fault *fault)
{
	struct gate_row *row = count ? calloc(figures->count + 1, sizeof *row) : NULL;
	enum fault_code code = FAULT_NONE;

	if (count && !row)
		return fault_set(fault, FAULT_PARTIAL, "slabstat ran out of memory.");
	for (size_t i = 0; i < figures->count && row; i++) {
		row[i].name = figures->rows[i].stats.name;
		gate_values(row[i].value, &figures->rows[i].stats);
	}
	for (size_t i = 0; i < count && code == FAULT_NONE; i++) {
		if (!again)
			gate_warn(&gates[i], row, figures->count, where);
		code = gate_judge(&gates[i], row, figures->count, where, false, fault);
	}
	free(row);
	return code;
}
