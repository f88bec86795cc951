/*
 * options.c - what the command line asks for                                             Floor t9
 *
 * Called by slabstat.c. Options and operands may come in any order; the first operand is a verb
 * if it is spelled like one.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "tools/options.h"

static const struct option long_options[] = {
	{ "all", no_argument, NULL, 'a' },          { "cache", required_argument, NULL, 'C' },
	{ "format", required_argument, NULL, 'F' }, { "help", no_argument, NULL, 'h' },
	{ "json", no_argument, NULL, 'J' },         { "sort", required_argument, NULL, 's' },
	{ "version", no_argument, NULL, 'V' },      { "per-cache", no_argument, NULL, 'P' },
	{ NULL, 0, NULL, 0 },
};

static enum fault_code take_format(struct options *options, const char *name, struct fault *fault)
{
	static const char *const names[] = { "table",      "json",     "csv",
					     "prometheus", "slabinfo", "umastat" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (strcmp(name, names[i]) == 0) {
			options->format = (enum options_format)i;
			return FAULT_NONE;
		}
	}
	return fault_set(fault, FAULT_USAGE,
			 "there is no format '%.40s': use table, json, csv, prometheus, slabinfo "
			 "or umastat.",
			 name);
}

static enum fault_code take_sort(struct options *options, const char *letter, const char *sorts,
				 struct fault *fault)
{
	if (letter[0] == '\0' || letter[1] != '\0' || !strchr(sorts, letter[0]))
		return fault_set(fault, FAULT_USAGE,
				 "there is no sort key '%.40s': use one letter of %s.", letter,
				 sorts);
	options->sort = letter[0];
	return FAULT_NONE;
}

static enum fault_code take_option(struct options *options, int letter, char **argv,
				   const char *sorts, struct fault *fault)
{
	switch (letter) {
	case 'a':
		options->all = true;
		return FAULT_NONE;
	case 'C':
		options->globs = optarg;
		return FAULT_NONE;
	case 'F':
		return take_format(options, optarg, fault);
	case 'J':
		options->format = FORMAT_JSON;
		return FAULT_NONE;
	case 'P':
		options->per_cache = true;
		return FAULT_NONE;
	case 's':
		return take_sort(options, optarg, sorts, fault);
	case 'h':
		options->verb = VERB_HELP;
		return FAULT_NONE;
	case 'V':
		options->verb = VERB_VERSION;
		return FAULT_NONE;
	case ':':
		return fault_set(fault, FAULT_USAGE, "%.40s needs a value: see slabstat --help.",
				 argv[optind - 1]);
	default:
		if (optopt && !strchr("CFJP", optopt) && argv[optind - 1][1] != '-')
			return fault_set(fault, FAULT_USAGE,
					 "there is no option -%c: see slabstat --help.", optopt);
		return fault_set(fault, FAULT_USAGE, "%.40s is no option: see slabstat --help.",
				 argv[optind - 1]);
	}
}

/* map, verify and whatis. Return: whether the verb is one of them. */
static bool take_inside(struct options *options, const char *verb)
{
	if (strcmp(verb, "map") == 0)
		options->ask.verb = INSIDE_MAP;
	else if (strcmp(verb, "verify") == 0)
		options->ask.verb = INSIDE_VERIFY;
	else if (strcmp(verb, "whatis") == 0)
		options->ask.verb = INSIDE_WHATIS;
	else
		return false;
	options->verb = VERB_INSIDE;
	options->ask.globs = options->globs;
	options->ask.all = options->all;
	return true;
}

static enum fault_code take_address(struct options *options, const char *text, struct fault *fault)
{
	char *end;

	errno = 0;
	options->ask.addr = strtoull(text, &end, 0);
	if (errno || end == text || *end != '\0')
		return fault_set(fault, FAULT_USAGE,
				 "'%.40s' is no address: write it as 0x7f0012345678.", text);
	return FAULT_NONE;
}

static enum fault_code take_operands(struct options *options, int count, char **operand,
				     struct fault *fault)
{
	if (count > 0 && strcmp(operand[0], "table") == 0) {
		count--;
		operand++;
	} else if (count > 0 && strcmp(operand[0], "snapshot") == 0) {
		options->verb = VERB_SNAPSHOT;
		options->format = FORMAT_JSON;
		count--;
		operand++;
		if (count == 0)
			return fault_set(fault, FAULT_USAGE,
					 "snapshot needs a target: name a PID or a core file.");
	} else if (count > 0 && take_inside(options, operand[0])) {
		count--;
		operand++;
		if (count < (options->ask.verb == INSIDE_WHATIS ? 2 : 1))
			return fault_set(fault, FAULT_USAGE, "%s needs %s: see slabstat --help.",
					 operand[-1], count ? "an address" : "a target");
		if (options->ask.verb == INSIDE_WHATIS && count-- == 2 &&
		    take_address(options, operand[1], fault) != FAULT_NONE)
			return FAULT_USAGE;
	} else if (count > 1) {
		return fault_set(fault, FAULT_USAGE,
				 "there is no verb '%.40s': see slabstat --help.", operand[0]);
	}
	if (count > 1)
		return fault_set(
		    fault, FAULT_USAGE,
		    "one target at a time, and '%.40s' is one too many: see slabstat --help.",
		    operand[1]);
	if (count == 1)
		options->target = operand[0];
	return FAULT_NONE;
}

enum fault_code options_parse(struct options *options, int argc, char **argv, const char *sorts,
			      struct fault *fault)
{
	enum fault_code code;
	int letter;

	opterr = 0; /* one sentence of ours instead */
	while ((letter = getopt_long(argc, argv, ":ahs:V", long_options, NULL)) != -1) {
		code = take_option(options, letter, argv, sorts, fault);
		if (code != FAULT_NONE)
			return code;
		if (options->verb == VERB_HELP || options->verb == VERB_VERSION)
			return FAULT_NONE;
	}
	return take_operands(options, argc - optind, argv + optind, fault);
}
