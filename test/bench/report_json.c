/* report_json.c - everything that was measured, as JSON */
#include "run.h"

static void string(FILE *f, const char *text)
{
	putc('"', f);
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < ' ' || *text == '"' || *text == '\\')
			fprintf(f, "\\u%04x", (unsigned char)*text);
		else
			putc(*text, f);
	}
	putc('"', f);
}

static void field(FILE *f, const char *indent, const char *key, const char *value)
{
	fprintf(f, "%s\"%s\": ", indent, key);
	string(f, value);
}

static void machine(FILE *f)
{
	struct machine m;

	describe_machine(&m);
	fprintf(f, "  \"machine\": {");
	field(f, "\n    ", "cpu", m.cpu);
	fprintf(f, ",\n    \"cores\": %ld,\n    \"memory_mib\": %ld", m.cores, m.memory_mib);
	field(f, ",\n    ", "kernel", m.kernel);
	field(f, ",\n    ", "system", m.system);
	field(f, ",\n    ", "compiler", m.compiler);
	field(f, ",\n    ", "huge_pages", m.huge_pages);
	field(f, ",\n    ", "date", m.date);
	fprintf(f, "\n  },\n");
}

static void peers(const struct run *run, FILE *f)
{
	size_t i, k;

	fprintf(f, "  \"peers\": [");
	for (i = 0; i < run->n_peers; i++) {
		const struct peer *p = &run->peers[i];

		field(f, i > 0 ? ",\n    { " : "\n    { ", "name", p->name);
		field(f, ", ", "kind", kind_name(p->kind));
		field(f, ", ", p->kind == MISSING ? "wanted" : "version",
		      p->kind == MISSING ? p->program : p->version);
		fprintf(f, ", \"settings\": [");
		for (k = 0; p->env[k] != NULL; k++) {
			fputs(k > 0 ? ", " : "", f);
			string(f, p->env[k]);
		}
		fprintf(f, "] }");
	}
	fprintf(f, "\n  ],\n");
}

static void cells(const struct run *run, const struct result *r, FILE *f)
{
	const char *comma = "";
	size_t i, k;

	for (i = 0; i < run->n_peers; i++) {
		const struct cell *c = &r->cells[i];

		if (c->n == 0)
			continue;
		fprintf(f, "%s\n        ", comma);
		field(f, "{ ", "peer", run->peers[i].name);
		fprintf(f, ", \"median\": %.4g, \"min\": %.4g, \"max\": %.4g, \"samples\": [",
		        c->median, c->min, c->max);
		for (k = 0; k < c->n; k++)
			fprintf(f, "%s%.4g", k > 0 ? ", " : "", c->samples[k]);
		fprintf(f, "] }");
		comma = ",";
	}
}

static void result(const struct run *run, const struct result *r, FILE *f)
{
	static const char *const units[] = { "ns", "bytes", "percent" };
	const struct peer *best = best_of(run, r, PEER);
	double ratio = ratio_to(run, r, best);

	field(f, "    { ", "row", r->row->name);
	fprintf(f, ", \"%s\": %zu", r->row->points[0] != 0 ? "objects" : "size", r->point);
	field(f, ", ", "unit", units[r->row->measure]);
	if (best != NULL)
		field(f, ", ", "best_peer", best->name);
	if (ratio > 0)
		fprintf(f, ", \"ratio\": %.4f", ratio);
	fprintf(f, ",\n      \"results\": [");
	cells(run, r, f);
	fprintf(f, "\n      ] }");
}

void report_json(const struct run *run, FILE *f)
{
	double mean = geomean(run, NULL);
	size_t i;

	fprintf(f, "{\n  \"schema\": \"slab-bench-1\",\n");
	field(f, "  ", "command", run->command);
	fprintf(f, ",\n  \"repetitions\": %zu,\n  \"scale\": %zu,\n", run->reps, run->scale);
	machine(f);
	peers(run, f);
	if (mean > 0)
		fprintf(f, "  \"geometric_mean\": %.4f,\n", mean);
	fprintf(f, "  \"rows\": [\n");
	for (i = 0; i < run->n_results; i++) {
		result(run, &run->results[i], f);
		fputs(i + 1 < run->n_results ? ",\n" : "\n", f);
	}
	fprintf(f, "  ]\n}\n");
}
