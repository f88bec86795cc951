/*
 * run.h - the runner: which rows and peers there are, what was measured, how it is told
 *
 * run.c plans, spawn.c runs one program, figures.c judges, report_*.c tell. A row is one line of
 * the report at each of its points; a point is an object size, or for "cost" a number of objects.
 */
#ifndef BENCH_RUN_H
#define BENCH_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define MAX_PEERS  24
#define MAX_POINTS 5
#define MAX_REPS   99

enum measure {
	TIME,    /* nanoseconds; judged by the ratio to the best peer */
	BYTES,   /* bytes an object; judged by the ratio to its size */
	PERCENT, /* of the peak; judged as it is */
};

struct row {
	const char *name;
	const char *workload; /* rows of one workload come out of the same runs */
	const char *metric;   /* the line of the program that is meant */
	const char *what;     /* for the reader */
	enum measure measure;
	bool threads;             /* not for the bounds, which serve one thread */
	size_t warm_objects;      /* objects that touch fresh memory while the clock runs, or 0 */
	size_t points[MAX_POINTS]; /* until 0; empty: the sizes */
	double most[2];           /* at 16 and 64 bytes, at 256 and 1024 bytes; 0: nothing asked */
	double aim;
};

enum kind {
	SUBJECT, /* the library as most will use it */
	VARIANT, /* the library called or linked otherwise */
	OPTION,  /* the library with an option set, or after a rest: where memory is what costs */
	PEER,    /* a thread-safe allocator at its defaults */
	EAGER,   /* a peer told to return memory at once */
	BOUND,   /* no competitor: not thread-safe, or no allocator at all */
	MISSING, /* could not be had */
};

struct peer {
	enum kind kind;
	const char *name;
	const char *program; /* MISSING: the package */
	char *env[4];        /* NAME=value, until NULL */
	char version[256];
};

struct cell {
	size_t n;
	double samples[MAX_REPS];
	double median, min, max;
};

struct result {
	const struct row *row;
	size_t point; /* as in the row */
	size_t size;  /* bytes of an object */
	struct cell cells[MAX_PEERS];
};

struct run {
	size_t reps, scale;
	const char *only_rows, *sizes, *command, *out;
	struct peer peers[MAX_PEERS];
	size_t n_peers;
	struct result *results;
	size_t n_results;
};

extern const struct row rows[];
extern const size_t n_rows;

/* spawn.c: one program, once; what it printed is in @text. False: it failed, and that was told. */
bool spawn(const struct peer *peer, char *const *args, char *text, size_t text_bytes);
void warm_memory(size_t bytes); /* huge pages touched and let go, as far as there is memory */

/* peers.c */
const char *add_peer(struct run *run, char *spec); /* returns what is wrong, or NULL */
void ask_versions(struct run *run);
const char *kind_name(enum kind kind);

/* figures.c: NULL and 0 stand for "not measured". */
void summarize(struct run *run);
const struct peer *best_of(const struct run *run, const struct result *r, enum kind kind);
double median_of(const struct run *run, const struct result *r, const struct peer *peer);
double ratio_to(const struct run *run, const struct result *r, const struct peer *peer);
const struct peer *subject(const struct run *run);
double geomean(const struct run *run, const char *row_name); /* of TIME rows; NULL: of all */
const struct peer *peer_named(const struct run *run, const char *name);

/* report_*.c and machine.c */
void report_table(const struct run *run, FILE *f);
void report_aims(const struct run *run, FILE *f);
void report_json(const struct run *run, FILE *f);
void report_svg(const struct run *run, FILE *f);
void report_page(const struct run *run, FILE *f); /* what docs/benchmarks.md shows */
struct machine {
	char cpu[128], kernel[200], system[128], compiler[128], huge_pages[64], date[32];
	long cores, memory_mib;
};
void describe_machine(struct machine *m);

#endif
