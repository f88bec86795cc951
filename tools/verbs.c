/*
 * verbs.c - verbs that read once and print                                              Floor t11
 *
 * Called by slabstat.c.
 */
#define _GNU_SOURCE 1
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/detail.h"
#include "tools/diff.h"
#include "tools/each.h"
#include "tools/leaks.h"
#include "tools/map_picture.h"
#include "tools/output.h"
#include "tools/report.h"
#include "tools/sources.h"
#include "tools/users.h"
#include "tools/verbs.h"

static void report(FILE *out, struct figures *figures, const struct options *options, bool first)
{
	switch (options->format) {
	case FORMAT_JSON:
		report_json(out, figures, options->target_count > 1, 0);
		break;
	case FORMAT_CSV:
		report_csv(out, figures, first);
		break;
	case FORMAT_PROMETHEUS:
		report_prometheus(out, figures, options->per_cache);
		break;
	case FORMAT_SLABINFO:
		report_slabinfo(out, figures);
		break;
	case FORMAT_UMASTAT:
		report_umastat(out, figures);
		break;
	default:
		report_table(out, figures, options->sort ? options->sort : REPORT_SORT_DEFAULT,
			     options->all);
	}
}

/* The figures of a target; those of the caches that were asked for. */
static enum fault_code take(struct figures *figures, const char *word,
			    const struct options *options, struct source *source,
			    struct fault *fault)
{
	enum fault_code code = source_open(source, word, fault);

	*figures = (struct figures){ 0 };
	if (code == FAULT_NONE)
		code = source_figures(source, figures, fault);
	if (options->globs)
		figures_keep(figures, options->globs);
	return code;
}

/* shown: whether something was, before this. */
static enum fault_code show_one(const struct options *options, size_t i, bool *shown,
				struct fault *fault)
{
	struct figures figures;
	struct source source;
	enum fault_code code = take(&figures, options->targets[i], options, &source, fault);

	if (figures.roots > 0) {
		if (options->target_count > 1 && options->format == FORMAT_TABLE)
			printf("%s==> %s <==\n", *shown ? "\n" : "", source.label);
		report(stdout, &figures, options, !*shown);
		*shown = true;
		if (code == FAULT_NONE)
			code = gate_judge_figures(options->gates, options->gate_count, &figures,
						  source.label, false, fault);
	}
	figures_free(&figures);
	source_close(&source);
	return code;
}

/* Of several targets each fault is told; what went wrong counts more than what was found. */
enum fault_code verb_table(const struct options *options, struct fault *fault)
{
	enum fault_code code = FAULT_NONE;
	bool shown = false;

	if (options->target_count == 1)
		return show_one(options, 0, &shown, fault);
	for (size_t i = 0; i < options->target_count; i++) {
		struct fault one = { 0 };
		enum fault_code this = show_one(options, i, &shown, &one);

		if (this == FAULT_NONE)
			continue;
		if (code == FAULT_NONE || code == FAULT_FINDING) {
			if (code != FAULT_NONE)
				fprintf(stderr, "slabstat: %s\n", fault->text);
			*fault = one;
			code = this;
		} else {
			fprintf(stderr, "slabstat: %s\n", one.text);
		}
	}
	return code;
}

/* ---- full -------------------------------------------------------------------------------- */

struct full {
	const struct options *options;
	struct figures *figures;
	size_t shown;
};

static void show_full(struct full *full, const struct figures_row *row, const struct detail *detail)
{
	if (full->options->format != FORMAT_JSON) {
		report_full(stdout, full->figures, row, detail);
	} else {
		fputs(full->shown ? ",\n  " : "\n  ", stdout);
		report_json_cache(stdout, row, full->figures->roots > 1);
		if (detail)
			report_full_json(stdout, detail);
		fputc('}', stdout);
	}
	full->shown++;
}

/* The figures were read before; a cache that is new since then is left out. */
static int full_cache(void *ctx, struct walk *walk, unsigned root, struct walk_cache *cache)
{
	struct full *full = ctx;
	struct detail detail;
	int error;

	for (size_t i = 0; i < full->figures->count; i++) {
		const struct figures_row *row = &full->figures->rows[i];

		if (row->root != root || row->stats.id != cache->id)
			continue;
		error = detail_take(&detail, walk, cache);
		if (detail.holders > 0)
			show_full(full, row, &detail);
		detail_free(&detail);
		return error;
	}
	return 0;
}

enum fault_code verb_full(const struct options *options, struct fault *fault)
{
	struct figures figures;
	struct source source;
	struct full full = { .options = options, .figures = &figures };
	enum fault_code code = take(&figures, options->targets[0], options, &source, fault);
	enum fault_code inside = FAULT_NONE;

	if (figures.roots > 0) {
		if (options->format == FORMAT_JSON) {
			report_json_head(stdout, &figures, 0);
			fputs(", \"caches\": [", stdout);
		}
		if (source.kind != SOURCE_SNAPSHOT)
			inside =
			    each_cache(&source.target, options->globs, full_cache, &full, fault);
		for (size_t i = 0; i < figures.count && source.kind == SOURCE_SNAPSHOT; i++)
			show_full(&full, &figures.rows[i], NULL);
		if (options->format == FORMAT_JSON)
			puts(full.shown ? "\n ]}" : "]}");
		else if (full.shown == 0)
			printf("There is no %scache.\n", options->globs ? "such " : "");
		code = code != FAULT_NONE ? code : inside;
		if (code == FAULT_NONE)
			code = gate_judge_figures(options->gates, options->gate_count, &figures,
						  source.label, false, fault);
	}
	figures_free(&figures);
	source_close(&source);
	return code;
}

/* ---- the others -------------------------------------------------------------------------- */

static enum fault_code show_diff(const struct options *options, const struct figures *before,
				 const struct figures *after, const char *where,
				 struct fault *fault)
{
	enum fault_code code;
	struct diff diff;

	if (!diff_make(&diff, before, after))
		return fault_set(fault, FAULT_PARTIAL, "slabstat ran out of memory.");
	diff_sort(&diff, options->sort);
	if (options->format == FORMAT_JSON)
		report_diff_json(stdout, &diff);
	else if (options->format == FORMAT_CSV)
		report_diff_csv(stdout, &diff);
	else
		report_diff(stdout, &diff, options->all);
	code = diff_judge(&diff, options->gates, options->gate_count, where, fault);
	diff_free(&diff);
	return code;
}

enum fault_code verb_diff(const struct options *options, struct fault *fault)
{
	struct figures figures[2];
	struct source source;
	enum fault_code code = FAULT_NONE;

	for (int i = 0; i < 2; i++) {
		enum fault_code this =
		    take(&figures[i], options->targets[i], options, &source, fault);

		code = code != FAULT_NONE ? code : this;
		source_close(&source);
	}
	if (figures[0].roots > 0 && figures[1].roots > 0) {
		enum fault_code this =
		    show_diff(options, &figures[0], &figures[1], source.label, fault);

		code = code != FAULT_NONE ? code : this;
	}
	figures_free(&figures[0]);
	figures_free(&figures[1]);
	return code;
}

enum fault_code verb_map(const struct options *options, struct fault *fault)
{
	struct source source;
	enum fault_code code = source_open_memory(&source, options->targets[0], fault);
	FILE *out;

	if (code != FAULT_NONE)
		return code;
	out = output_open(options->output,
			  source.kind == SOURCE_CORE ? options->targets[0] : NULL, fault);
	if (out && options->format == FORMAT_PNG && isatty(fileno(out)))
		code = fault_set(fault, FAULT_USAGE,
				 "a PNG would garble the terminal: name a file by -o.");
	else if (out && options->format == FORMAT_TABLE)
		code = inside_run(out, &source.target, &options->ask, fault);
	else if (out)
		code = map_picture(out, &source.target, options->globs,
				   options->format == FORMAT_SVG, fault);
	code = out ? output_close(out, options->output, code, fault) : fault->code;
	source_close(&source);
	return code;
}

enum fault_code verb_inside(const struct options *options, struct fault *fault)
{
	struct source source;
	enum fault_code code = source_open_memory(&source, options->targets[0], fault);

	if (code != FAULT_NONE)
		return code;
	code = inside_run(stdout, &source.target, &options->ask, fault);
	source_close(&source);
	return code;
}

enum fault_code verb_leaks(const struct options *options, struct fault *fault)
{
	const struct leaks_ask ask = { .globs = options->globs,
				       .json = options->format == FORMAT_JSON,
				       .stop = options->stop };
	struct source source;
	enum fault_code code = source_open_memory(&source, options->targets[0], fault);

	if (code != FAULT_NONE)
		return code;
	code = leaks_run(stdout, &source.target, &ask, fault);
	source_close(&source);
	return code;
}

enum fault_code verb_users(const struct options *options, struct fault *fault)
{
	struct source source;
	enum fault_code code = source_open_memory(&source, options->targets[0], fault);

	if (code != FAULT_NONE)
		return code;
	code = users_run(stdout, &source.target, options->globs, options->format == FORMAT_JSON,
			 fault);
	source_close(&source);
	return code;
}
