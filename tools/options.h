/*
 * options.h - what the command line asks for                                             Floor t9
 */
#ifndef SLABSTAT_OPTIONS_H
#define SLABSTAT_OPTIONS_H

#include <stdbool.h>

#include "tools/inside.h"

enum options_verb { VERB_TABLE, VERB_SNAPSHOT, VERB_INSIDE, VERB_HELP, VERB_VERSION };
enum options_format {
	FORMAT_TABLE,
	FORMAT_JSON,
	FORMAT_CSV,
	FORMAT_PROMETHEUS,
	FORMAT_SLABINFO,
	FORMAT_UMASTAT
};

struct options {
	enum options_verb verb;
	enum options_format format;
	const char *target; /* PID or file; NULL: list the processes */
	struct inside_ask ask; /* VERB_INSIDE */
	const char *globs;  /* NULL: every cache */
	char sort;          /* a letter of sorts */
	bool all;           /* empty caches as well */
	bool per_cache;     /* prometheus: a series per cache */
};

/* sorts: the letters that --sort takes. Return: 0 or FAULT_USAGE, noted. */
enum fault_code options_parse(struct options *options, int argc, char **argv, const char *sorts,
			      struct fault *fault);

#endif
