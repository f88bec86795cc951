/* report_table.c - the figures as a table, what was asked against them, and the page of docs/ */
#include "run.h"

#include <string.h>

static void number(FILE *f, double value, int width)
{
	fprintf(f, " %*.*f", width, value < 9.995 ? 2 : value < 99.95 ? 1 : 0, value);
}

static void heading(const struct run *run, FILE *f)
{
	size_t i;

	fprintf(f, "%-10s%9s %19s", "", "", "slab (min..max)");
	for (i = 0; i < run->n_peers; i++) {
		if (run->peers[i].kind != SUBJECT && run->peers[i].kind != MISSING)
			fprintf(f, " %9.9s", run->peers[i].name);
	}
	fprintf(f, "   best         ratio\n");
}

static void line(const struct run *run, const struct result *r, FILE *f)
{
	const struct cell *own = &r->cells[subject(run) - run->peers];
	const struct peer *best = best_of(run, r, PEER);
	double ratio = ratio_to(run, r, best);
	size_t i;

	fprintf(f, "%-10s%9zu", r->row->name, r->point);
	number(f, own->median, 6);
	number(f, own->min, 5);
	fputs("..", f);
	fprintf(f, "%-5.*f", own->max < 9.995 ? 2 : own->max < 99.95 ? 1 : 0, own->max);
	for (i = 0; i < run->n_peers; i++) {
		if (run->peers[i].kind == SUBJECT || run->peers[i].kind == MISSING)
			continue;
		if (r->cells[i].n == 0)
			fprintf(f, " %9s", "-");
		else
			number(f, r->cells[i].median, 9);
	}
	if (best != NULL && ratio > 0)
		fprintf(f, "   %-12.12s %5.2f", best->name, ratio);
	fputs("\n", f);
}

void report_table(const struct run *run, FILE *f)
{
	size_t i;

	heading(run, f);
	for (i = 0; i < run->n_results; i++)
		line(run, &run->results[i], f);
	fprintf(f, "Medians of %zu runs; times in ns, \"bytes\" an object, \"left\" in %% of the "
	           "peak, \"cost\" by objects alive.\n", run->reps);
	for (i = 0; i < run->n_peers; i++) {
		if (run->peers[i].kind == MISSING)
			fprintf(f, "Missing: %s (%s)\n", run->peers[i].name, run->peers[i].program);
	}
	fputs("\n", f);
}

/* ---- what is asked -------------------------------------------------------------------------- */

/* A ratio at the size where it is worst, and there the bound's; 0: none. */
struct figure {
	double got, limit;
};

static void verdict(FILE *f, const char *words, size_t low, size_t high, struct figure is,
                    double most, double aim)
{
	double got = is.got;

	if (got <= 0)
		return;
	fprintf(f, "| %s", words);
	if (high != 0)
		fprintf(f, ", %zu and %zu bytes", low, high);
	fprintf(f, " | %.2f | %.2f | %.2f | %s | ", got, most, aim,
	        got <= aim ? "reached" : got <= most ? "within" : "**missed**");
	if (is.limit > 0)
		fprintf(f, "%.2f ", is.limit);
	fputs("|\n", f);
}

/* The worst of a row at sizes from @low to @high. */
static struct figure worst(const struct run *run, const struct row *row, size_t low, size_t high)
{
	const struct peer *limit = peer_named(run, "limit");
	struct figure most = { 0, 0 };
	double got = 0, bound;
	size_t i;

	for (i = 0; i < run->n_results; i++) {
		const struct result *r = &run->results[i];

		if (r->row != row || r->point < low || r->point > high)
			continue;
		if (row->measure == TIME)
			got = ratio_to(run, r, best_of(run, r, PEER));
		else if (row->measure == BYTES)
			got = median_of(run, r, subject(run)) / (double)r->size;
		else
			got = median_of(run, r, subject(run));
		if (got <= most.got)
			continue;
		bound = row->measure == TIME ? ratio_to(run, r, limit) : 0;
		most = (struct figure){ got, bound > 0 ? got / bound : 0 };
	}
	return most;
}

/* The worst ratio of a row to one peer, or to the best of a kind. */
static struct figure worst_to(const struct run *run, const char *row, const char *name,
                              enum kind kind)
{
	struct figure most = { 0, 0 };
	double got;
	size_t i;

	for (i = 0; i < run->n_results; i++) {
		const struct result *r = &run->results[i];

		if (strcmp(r->row->name, row) != 0)
			continue;
		got = ratio_to(run, r, name ? peer_named(run, name) : best_of(run, r, kind));
		most.got = got > most.got ? got : most.got;
	}
	return most;
}

void report_aims(const struct run *run, FILE *f)
{
	static const char *const as[] = { "", ", times the size", ", % of the peak" };
	char words[96];
	size_t i;

	fprintf(f, "| slab against the best peer, at its worst size | is | at most | aim | "
	           "| *limit* there |\n|---|---|---|---|---|---|\n");
	for (i = 0; i < n_rows; i++) {
		const struct row *row = &rows[i];

		if (row->most[0] == 0)
			continue;
		snprintf(words, sizeof words, "%s%s", row->name, as[row->measure]);
		if (row->most[0] == row->most[1]) {
			verdict(f, words, 0, 0, worst(run, row, 0, 9999), row->most[0], row->aim);
		} else {
			verdict(f, words, 16, 64, worst(run, row, 0, 64), row->most[0], row->aim);
			verdict(f, words, 256, 1024, worst(run, row, 65, 9999), row->most[1],
			        row->aim < 1 ? row->aim : row->most[1]);
		}
	}
	verdict(f, "gfree, to peers told to return at once", 0, 0,
	        worst_to(run, "gfree", NULL, EAGER), 0.7, 0.4);
	verdict(f, "pair, to boost::pool", 0, 0, worst_to(run, "pair", "boost", BOUND), 2.6, 1.5);
	verdict(f, "lifo, to boost::pool", 0, 0, worst_to(run, "lifo", "boost", BOUND), 2.1, 1.5);
	verdict(f, "geometric mean of all timed rows and sizes", 0, 0,
	        (struct figure){ geomean(run, NULL), 0 }, 0.6, 0.45);
	fputs("\n", f);
}

void report_page(const struct run *run, FILE *f)
{
	struct machine m;
	size_t i;

	describe_machine(&m);
	fprintf(f, "Taken on %s with `%s`.\n\n", m.date, run->command);
	fprintf(f, "- %s, %ld cores, %ld MiB; %s; %s; transparent huge pages: %s\n", m.cpu, m.cores,
	        m.memory_mib, m.system, m.kernel, m.huge_pages);
	fprintf(f, "- %s\n", m.compiler);
	for (i = 0; i < run->n_peers; i++) {
		const struct peer *p = &run->peers[i];

		if (p->kind == MISSING)
			fprintf(f, "- %s: missing\n", p->name);
		else
			fprintf(f, "- %s: %s%s%s\n", p->name, p->version, p->env[0] ? ", " : "",
			        p->env[0] ? p->env[0] : "");
	}
	fputs("\n", f);
	report_aims(run, f);
	fprintf(f, "```\n");
	report_table(run, f);
	fprintf(f, "```\n");
}
