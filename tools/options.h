/*
 * options.h - what the command line asks for                                             Floor t9
 */
#ifndef SLABSTAT_OPTIONS_H
#define SLABSTAT_OPTIONS_H

#include <stdbool.h>

#include "tools/gate.h"
#include "tools/inside.h"

#define OPTIONS_GATES 16

enum options_verb {
	VERB_TABLE,
	VERB_SNAPSHOT,
	VERB_FULL,
	VERB_DIFF,
	VERB_TOP,
	VERB_RECORD,
	VERB_PLOT,
	VERB_MAP,
	VERB_INSIDE, /* verify, whatis */
	VERB_LEAKS,
	VERB_USERS,
	VERB_HELP,
	VERB_VERSION
};
enum options_format {
	FORMAT_TABLE,
	FORMAT_JSON,
	FORMAT_CSV,
	FORMAT_PROMETHEUS,
	FORMAT_SLABINFO,
	FORMAT_UMASTAT,
	FORMAT_SVG,
	FORMAT_PNG
};

struct options {
	enum options_verb verb;
	enum options_format format;
	char **targets; /* PIDs or files; none: list the processes */
	size_t target_count;
	struct inside_ask ask; /* of verbs that look at slabs */
	const char *globs;     /* NULL: every cache */
	const char *output;    /* NULL: standard output */
	double interval;       /* seconds; 0: not given */
	struct gate gates[OPTIONS_GATES];
	size_t gate_count;
	char sort;      /* a letter of sorts; 0: not given */
	bool all;       /* empty caches as well */
	bool per_cache; /* prometheus: a series per cache */
	bool stop;      /* leaks: hold the process while its memory is copied */
	bool format_given;
};

/* sorts: the letters that --sort takes. Return: 0 or FAULT_USAGE, noted. */
enum fault_code options_parse(struct options *options, int argc, char **argv, const char *sorts,
			      struct fault *fault);

#endif
