/*
 * options.c - what the command line asks for                                             Floor t1
 *
 * Called by slabstat.c. Options and operands may come in any order; the first operand is a verb
 * if it is spelled like one.
 */
#include <getopt.h>
#include <string.h>

#include "tools/options.h"

static const struct option long_options[] = {
	{ "all", no_argument, NULL, 'a' },          { "cache", required_argument, NULL, 'C' },
	{ "format", required_argument, NULL, 'F' }, { "help", no_argument, NULL, 'h' },
	{ "json", no_argument, NULL, 'J' },         { "sort", required_argument, NULL, 's' },
	{ "version", no_argument, NULL, 'V' },      { NULL, 0, NULL, 0 },
};

static enum fault_code take_format(struct options *options, const char *name, struct fault *fault)
{
	if (strcmp(name, "table") == 0)
		options->format = FORMAT_TABLE;
	else if (strcmp(name, "json") == 0)
		options->format = FORMAT_JSON;
	else
		return fault_set(fault, FAULT_USAGE,
				 "there is no format '%.40s': use table or json.", name);
	return FAULT_NONE;
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
		if (optopt && !strchr("CFJ", optopt) && argv[optind - 1][1] != '-')
			return fault_set(fault, FAULT_USAGE,
					 "there is no option -%c: see slabstat --help.", optopt);
		return fault_set(fault, FAULT_USAGE, "%.40s is no option: see slabstat --help.",
				 argv[optind - 1]);
	}
}

static enum fault_code take_operands(struct options *options, int count, char **operand,
				     struct fault *fault)
{
	if (count > 0 && strcmp(operand[0], "table") == 0) {
		count--;
		operand++;
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
		if (options->verb != VERB_TABLE)
			return FAULT_NONE;
	}
	return take_operands(options, argc - optind, argv + optind, fault);
}
