/*
 * run.c - run the workloads: all peers of a row in turn, each in a process of its own
 *
 *   run [--reps=N] [--rows="pair ..."] [--sizes="16 ..."] [--scale=N] [--out=DIR]
 *       [--command=WORDS] "KIND NAME PROGRAM [ENV=value...]"...
 *
 * The order rotates from repetition to repetition. Writes DIR/bench.json, .svg and .md and prints
 * a table. Kinds are listed in run.h. bench.sh puts the command line together.
 */
#include "run.h"

#include <getopt.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WARM_BYTES ((size_t)3 << 29) /* 1.5 GiB, or more where more is used */
#define COST_SIZE  64

static bool in_words(const char *words, const char *word)
{
	size_t len = strlen(word);
	const char *at = words;

	while ((at = strstr(at, word)) != NULL) {
		if ((at == words || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
			return true;
		at += len;
	}
	return *words == '\0';
}

/* One result for each chosen row and point, those of a workload's point side by side. */
static void plan_row(struct run *run, const struct row *row)
{
	char *sizes = (char *)(uintptr_t)run->sizes, *end;
	size_t i, point;

	for (i = 0;; i++) {
		if (row->points[0] != 0) {
			point = i < MAX_POINTS ? row->points[i] : 0;
		} else {
			point = strtoul(sizes, &end, 10);
			sizes = end;
		}
		if (point == 0)
			return;
		run->results = (struct result *)realloc(
		    run->results, (run->n_results + 1) * sizeof *run->results);
		if (run->results == NULL)
			abort();
		memset(&run->results[run->n_results], 0, sizeof *run->results);
		run->results[run->n_results].row = row;
		run->results[run->n_results].point = point;
		run->results[run->n_results].size = row->points[0] != 0 ? COST_SIZE : point;
		run->n_results++;
	}
}

static bool takes_part(const struct peer *peer, const struct row *row)
{
	switch (peer->kind) {
	case MISSING: return false;
	case EAGER:
	case OPTION: return strcmp(row->workload, "burst") == 0;
	case BOUND: return !row->threads;
	/* how the library is called decides nothing where the kernel and the caches do */
	case VARIANT: return row->measure == TIME && row->warm_objects == 0 && !row->points[0];
	default: return true;
	}
}

/* Give each result of this workload and point its line of @text. */
static void collect(struct run *run, const struct result *r, size_t peer, const char *text)
{
	char metric[32];
	double value;
	int used;
	size_t i;

	for (; sscanf(text, "%31s %lf %n", metric, &value, &used) == 2; text += used) {
		for (i = 0; i < run->n_results; i++) {
			struct result *to = &run->results[i];
			struct cell *c = &to->cells[peer];

			if (to->point == r->point && c->n < MAX_REPS &&
			    strcmp(to->row->workload, r->row->workload) == 0 &&
			    strcmp(to->row->metric, metric) == 0 &&
			    takes_part(&run->peers[peer], to->row))
				c->samples[c->n++] = value;
		}
	}
}

static void progress(const struct run *run, const struct result *r, size_t rep, const char *name)
{
	if (!isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "\r\033[K%3zu %%  %s %zu, run %zu of %zu: %s",
	        100 * (size_t)(r - run->results) / run->n_results, r->row->name, r->point,
	        rep + 1, run->reps, name);
}

static void measure(struct run *run, const struct result *r)
{
	char size[24], scale[24], live[24], text[1024];
	char *args[] = { NULL, (char *)(uintptr_t)r->row->workload, size, scale, live, NULL };
	size_t bytes = r->row->warm_objects * (r->size + 16) * 5 / 4, rep, i, k;

	snprintf(size, sizeof size, "%zu", r->size);
	snprintf(scale, sizeof scale, "%zu", run->scale);
	snprintf(live, sizeof live, "%zu",
	         r->row->points[0] != 0 ? (r->point + run->scale - 1) / run->scale + 9 : 0);
	if (run->scale == 1 && r->row->points[0] != 0)
		snprintf(live, sizeof live, "%zu", r->point);
	for (rep = 0; rep < run->reps; rep++) {
		for (i = 0; i < run->n_peers; i++) {
			k = (i + rep) % run->n_peers;
			if (!takes_part(&run->peers[k], r->row))
				continue;
			progress(run, r, rep, run->peers[k].name);
			if (run->scale == 1 && bytes > 0)
				warm_memory(bytes > WARM_BYTES ? bytes : WARM_BYTES);
			if (spawn(&run->peers[k], args, text, sizeof text))
				collect(run, r, k, text);
		}
	}
}

static void measure_all(struct run *run)
{
	size_t i, k;

	for (i = 0; i < run->n_results; i++) {
		const struct result *r = &run->results[i];

		for (k = 0; k < i; k++) {
			if (run->results[k].point == r->point &&
			    strcmp(run->results[k].row->workload, r->row->workload) == 0)
				break;
		}
		if (k == i)
			measure(run, r);
	}
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K");
	summarize(run);
}

static void write_file(const struct run *run, const char *name,
                       void (*report)(const struct run *run, FILE *f))
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", run->out, name);
	f = fopen(path, "w");
	if (f != NULL)
		report(run, f);
	if (f == NULL || ferror(f) != 0 || fclose(f) != 0) {
		perror(path);
		exit(1);
	}
}

static bool option(struct run *run, int c)
{
	switch (c) {
	case 'n': run->reps = strtoul(optarg, NULL, 10); break;
	case 'r': run->only_rows = optarg; break;
	case 's': run->sizes = optarg; break;
	case 'x': run->scale = strtoul(optarg, NULL, 10); break;
	case 'o': run->out = optarg; break;
	case 'c': run->command = optarg; break;
	default: return false;
	}
	return run->reps > 0 && run->reps <= MAX_REPS && run->scale > 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "reps", 1, NULL, 'n' }, { "rows", 1, NULL, 'r' },    { "sizes", 1, NULL, 's' },
		{ "scale", 1, NULL, 'x' }, { "out", 1, NULL, 'o' },    { "command", 1, NULL, 'c' },
		{ NULL, 0, NULL, 0 },
	};
	static struct run run = { .reps = 5, .scale = 1, .only_rows = "", .out = ".",
		                  .sizes = "16 64 256 1024", .command = "run" };
	const char *wrong = NULL;
	size_t i;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (!option(&run, c))
			wrong = "see the head of test/bench/run.c for what it takes";
	}
	for (; optind < argc && wrong == NULL; optind++)
		wrong = add_peer(&run, argv[optind]);
	for (i = 0; i < n_rows; i++) {
		if (in_words(run.only_rows, rows[i].name))
			plan_row(&run, &rows[i]);
	}
	if (wrong == NULL && run.n_results == 0)
		wrong = "there is no such row";
	ask_versions(&run);
	if (wrong == NULL && subject(&run) == NULL)
		wrong = "nothing to measure";
	if (wrong != NULL) {
		fprintf(stderr, "run: %s\n", wrong);
		return 2;
	}
	measure_all(&run);
	report_table(&run, stdout);
	report_aims(&run, stdout);
	write_file(&run, "bench.json", report_json);
	write_file(&run, "bench.svg", report_svg);
	write_file(&run, "bench.md", report_page);
	return 0;
}
