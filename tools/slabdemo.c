/*
 * slabdemo.c - index the words of a machine's text files out of slab caches              Floor t3
 *
 * The example program that `make run` runs: a real use of object pools, told in phases. Fill the
 * index, ask it, look at the caches from outside with slabstat, drop it and see the memory return.
 */
#define _DEFAULT_SOURCE
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/slabdemo_scan.h"
#include "tools/slabdemo_show.h"

#define QUERIES_MAX 32
#define QUERY_BYTES 1024

enum { EXIT_USAGE = 2, EXIT_INTERRUPTED = 130 };

struct options {
	char **paths;
	const char *queries[QUERIES_MAX];
	unsigned n_queries;
	const char *slabstat; /* NULL: the one beside this program */
	bool on_malloc;
};

static volatile sig_atomic_t interrupted;

static const char usage[] =
    "usage: slabdemo [OPTION...] [FOLDER...]\n"
    "\n"
    "Index the words of every text file under the folders with objects from slab caches, answer\n"
    "a few queries, show the caches from outside with slabstat, drop the index and show how much\n"
    "memory goes back. Folders: /usr/share/common-licenses, /usr/include and . if none is given.\n"
    "\n"
    "  -q, --query=WORDS    ask for the files that have all of up to 8 WORDS; may be repeated\n"
    "  -m, --malloc         the same out of malloc, for comparison (without slabstat)\n"
    "  -s, --slabstat=PATH  the slabstat to run; default: the one beside this program\n"
    "  -h, --help           this text\n";

/* ---- options ----------------------------------------------------------------------------- */

static int bad_usage(const char *words)
{
	fprintf(stderr, "slabdemo: %s; `slabdemo --help` lists the options.\n", words);
	return EXIT_USAGE;
}

static bool is_query(const char *text)
{
	static const char blanks[] = " \t\n";
	unsigned n = 0;

	if (strlen(text) >= QUERY_BYTES)
		return false;
	for (text += strspn(text, blanks); *text; text += strspn(text, blanks)) {
		text += strcspn(text, blanks);
		n++;
	}
	return n >= 1 && n <= INDEX_TERMS;
}

/* Return: -1 to go on, else the exit status. */
static int parse(struct options *o, int argc, char **argv)
{
	static char *default_paths[] = { "/usr/share/common-licenses", "/usr/include", ".", NULL };
	static const char *const default_queries[] = { "malloc", "license", "slab",
		                                       "free memory" };
	static const struct option longs[] = { { "query", required_argument, NULL, 'q' },
		                               { "malloc", no_argument, NULL, 'm' },
		                               { "slabstat", required_argument, NULL, 's' },
		                               { "help", no_argument, NULL, 'h' },
		                               { NULL, 0, NULL, 0 } };
	int c;

	while ((c = getopt_long(argc, argv, "q:ms:h", longs, NULL)) != -1) {
		switch (c) {
		case 'q':
			if (o->n_queries == QUERIES_MAX)
				return bad_usage("at most 32 queries");
			if (!is_query(optarg))
				return bad_usage("a query is 1 to 8 words");
			o->queries[o->n_queries++] = optarg;
			break;
		case 'm':
			o->on_malloc = true;
			break;
		case 's':
			o->slabstat = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		default:
			return bad_usage("the command line is not understood");
		}
	}
	o->paths = optind < argc ? argv + optind : default_paths;
	for (unsigned i = 0; o->n_queries == 0 && i < 4; i++)
		o->queries[i] = default_queries[i];
	if (o->n_queries == 0)
		o->n_queries = 4;
	return -1;
}

/* Drops the folders that are not there, one sentence each. Return: false when none is left. */
static bool keep_existing(char **paths)
{
	char **to = paths;

	for (char **from = paths; *from; from++) {
		if (access(*from, F_OK) == 0)
			*to++ = *from;
		else
			fprintf(stderr, "slabdemo: %s: %s; it is left out.\n",
			        **from ? *from : "an empty name", strerror(errno));
	}
	*to = NULL;
	return to != paths;
}

/* ---- phases ------------------------------------------------------------------------------ */

static void on_interrupt(int sig)
{
	(void)sig;
	interrupted = 1;
}

static void on_progress(const struct scan *s, void *ctx)
{
	show_progress(ctx, s->index->n_files, s->index->n_words, s->bytes, s->total_bytes);
}

static bool fill(struct scan *s, const struct options *o)
{
	const struct index *x = s->index;
	uint64_t text_bytes = 0;
	double began = show_seconds();
	bool ok;

	show_begin(s->ctx);
	ok = scan_paths(s, o->paths, o->on_malloc);
	show_end(s->ctx);
	if (!ok) {
		fprintf(stderr, "slabdemo: out of memory after %u files: %s; name fewer folders.\n",
		        x->n_files, strerror(errno));
		return false;
	}
	for (uint32_t i = 0; i < x->n_files; i++)
		text_bytes += x->files[i]->bytes;
	printf("Indexed %u text files (%.1f MiB) in %.1f s: %llu words, %llu posting blocks.\n",
	       x->n_files, show_mib(text_bytes), show_seconds() - began,
	       (unsigned long long)x->n_words, (unsigned long long)x->n_postings);
	printf("Left out: %llu binary files, %llu unreadable. Scanners: taken %llu times, "
	       "%llu constructed.\n",
	       (unsigned long long)s->binary_files, (unsigned long long)s->unreadable,
	       (unsigned long long)(x->n_files + s->binary_files),
	       (unsigned long long)s->scanners_made);
	return true;
}

/* Split @query into lower-case words in @buf. Return: how many. */
static unsigned split(const char *query, char *buf, size_t size, const char **terms)
{
	unsigned n = 0;
	char *save = NULL;

	snprintf(buf, size, "%s", query);
	for (char *c = buf; *c; c++) {
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	}
	for (char *t = strtok_r(buf, " \t\n", &save); t; t = strtok_r(NULL, " \t\n", &save)) {
		if (n == INDEX_TERMS)
			break;
		terms[n++] = t;
	}
	return n;
}

static void ask(const struct index *x, const char *query)
{
	const char *terms[INDEX_TERMS];
	struct answer a = { 0 };
	char buf[QUERY_BYTES];
	unsigned n = split(query, buf, sizeof buf, terms);

	if (n > 0)
		index_query(x, terms, n, &a);
	printf("  %-14s %8llu times in %u files%s\n", query, (unsigned long long)a.count, a.files,
	       a.n_top ? ", most of them in" : "");
	for (uint32_t i = 0; i < a.n_top; i++)
		printf("%25u in %s\n", a.top[i].count, x->files[a.top[i].file]->path);
}

static int run(const struct options *o)
{
	struct index index;
	struct show_line line;
	struct scan scan = {
		.index = &index, .stop = &interrupted, .progress = on_progress, .ctx = &line
	};
	uint64_t before = show_resident_bytes(), peak, dropped;
	double began;
	bool ok = index_open(&index, o->on_malloc);

	if (!ok)
		fprintf(stderr, "slabdemo: the caches cannot be made: %s.\n", strerror(errno));
	ok = ok && fill(&scan, o);
	peak = show_resident_bytes();
	if (ok && !interrupted) {
		puts("Queries:");
		for (unsigned i = 0; i < o->n_queries; i++)
			ask(&index, o->queries[i]);
		if (!o->on_malloc)
			show_outside(o->slabstat);
	}
	began = show_seconds();
	dropped = index_drop(&index);
	if (ok && !interrupted) {
		printf("Freed %llu objects one by one in %.2f s.\n", (unsigned long long)dropped,
		       show_seconds() - began);
		show_memory(before, peak, show_resident_bytes());
	}
	if (!index_close(&index) || scan.scanners_made != scan.scanners_unmade) {
		fputs("slabdemo: objects were left behind; this is a fault of the demo.\n", stderr);
		ok = false;
	}
	if (interrupted) {
		fputs("slabdemo: interrupted; everything was given back.\n", stderr);
		return EXIT_INTERRUPTED;
	}
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* What was printed may have been lost on the way, a line long ago. */
static int finish(int status)
{
	if ((fflush(stdout) == 0 && !ferror(stdout)) || status != EXIT_SUCCESS)
		return status;
	fputs("slabdemo: the output could not be written.\n", stderr);
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	struct options o = { 0 };
	struct sigaction act = { .sa_handler = on_interrupt };
	int status = parse(&o, argc, argv);

	if (status >= 0)
		return finish(status);
	if (!keep_existing(o.paths)) {
		fputs("slabdemo: no folder is left to read; name one that exists.\n", stderr);
		return EXIT_FAILURE;
	}
	sigaction(SIGINT, &act, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0); /* in step with standard error and with slabstat */
	show_seconds();
	printf("Indexing the words under");
	for (char **p = o.paths; *p; p++)
		printf(" %s", *p);
	printf(", objects from %s.\n", o.on_malloc ? "malloc" : "slab caches");
	return finish(run(&o));
}
