/*
 * options.c - what the command line asks for                                             Floor t9
 *
 * Called by slabstat.c. Options and operands may come in any order; the first operand is a verb
 * if it is spelled like one. What a verb takes is in one table.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/options.h"

#define INTERVAL_MIN 0.1 /* seconds */
#define INTERVAL_MAX 86400.0
#define ANY_COUNT    ((size_t)-1)

static const struct option long_options[] = {
	{ "all", no_argument, NULL, 'a' },           { "cache", required_argument, NULL, 'C' },
	{ "fail-if", required_argument, NULL, 'I' }, { "format", required_argument, NULL, 'F' },
	{ "help", no_argument, NULL, 'h' },          { "interval", required_argument, NULL, 'i' },
	{ "json", no_argument, NULL, 'J' },          { "output", required_argument, NULL, 'o' },
	{ "per-cache", no_argument, NULL, 'P' },     { "sort", required_argument, NULL, 's' },
	{ "stop", no_argument, NULL, 'S' },          { "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static const char *const format_names[] = { "table",    "json",    "csv", "prometheus",
					    "slabinfo", "umastat", "svg", "png" };
#define FORMATS (sizeof format_names / sizeof format_names[0])

#define BIT(format) (1u << FORMAT_##format)
#define TEXTS       (BIT(SVG) - 1) /* all formats before the pictures */

static const struct verb {
	const char *name;
	enum options_verb verb;
	enum inside_verb inside;
	size_t least, most;   /* targets */
	const char *operands; /* for sentences */
	unsigned formats;
	bool gates, output, interval, sort, caches;
} verbs[] = {
	{ "table", VERB_TABLE, 0, 0, ANY_COUNT, "targets", TEXTS, .gates = true, .sort = true,
	  .caches = true },
	{ "snapshot", VERB_SNAPSHOT, 0, 1, ANY_COUNT, "a target", BIT(JSON), .gates = true,
	  .caches = true },
	{ "full", VERB_FULL, 0, 1, 2, "a target", BIT(TABLE) | BIT(JSON), .gates = true,
	  .caches = true },
	{ "diff", VERB_DIFF, 0, 2, 2, "two targets", BIT(TABLE) | BIT(JSON) | BIT(CSV),
	  .gates = true, .sort = true, .caches = true },
	{ "top", VERB_TOP, 0, 1, 1, "a target", BIT(TABLE), .interval = true, .sort = true,
	  .caches = true },
	{ "record", VERB_RECORD, 0, 1, 1, "a target", BIT(JSON), .gates = true, .output = true,
	  .interval = true, .caches = true },
	{ "plot", VERB_PLOT, 0, 1, 1, "a file", BIT(SVG), .output = true },
	{ "map", VERB_MAP, INSIDE_MAP, 1, 1, "a target", BIT(TABLE) | BIT(SVG) | BIT(PNG),
	  .output = true, .caches = true },
	{ "verify", VERB_INSIDE, INSIDE_VERIFY, 1, 1, "a target", BIT(TABLE), .caches = true },
	{ "users", VERB_USERS, 0, 1, 1, "a target", BIT(TABLE) | BIT(JSON), .caches = true },
	{ "leaks", VERB_LEAKS, 0, 1, 1, "a target", BIT(TABLE) | BIT(JSON), .caches = true },
	{ "whatis", VERB_INSIDE, INSIDE_WHATIS, 2, 2, "a target and an address", BIT(TABLE),
	  .caches = true },
};
#define VERBS (sizeof verbs / sizeof verbs[0])

static enum fault_code take_format(struct options *options, const char *name, struct fault *fault)
{
	for (size_t i = 0; i < FORMATS; i++) {
		if (strcmp(name, format_names[i]) == 0) {
			options->format = (enum options_format)i;
			options->format_given = true;
			return FAULT_NONE;
		}
	}
	return fault_set(fault, FAULT_USAGE,
			 "there is no format '%.40s': use table, json, csv, prometheus, slabinfo "
			 "or umastat, and for pictures svg or png.",
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

static enum fault_code take_interval(struct options *options, const char *text, struct fault *fault)
{
	char *end;

	options->interval = strtod(text, &end);
	if (end == text || *end != '\0' || !(options->interval >= INTERVAL_MIN) ||
	    options->interval > INTERVAL_MAX)
		return fault_set(fault, FAULT_USAGE,
				 "'%.40s' is no interval: use seconds from 0.1 to 86400.", text);
	return FAULT_NONE;
}

static enum fault_code take_gate(struct options *options, const char *text, struct fault *fault)
{
	if (options->gate_count == OPTIONS_GATES)
		return fault_set(fault, FAULT_USAGE, "--fail-if is there more than %d times.",
				 OPTIONS_GATES);
	return gate_parse(&options->gates[options->gate_count++], text, fault);
}

/* Whether a word is --NAME=VALUE, of an option that takes none and has this letter. */
static bool has_vain_value(const char *word, int letter)
{
	for (const struct option *option = long_options; option->name; option++)
		if (option->val == letter && option->has_arg == no_argument)
			return strncmp(word, "--", 2) == 0 && strchr(word, '=');
	return false;
}

/* The word before the next one; among letters that stand together optind is still at them. */
static enum fault_code refuse(int letter, char **argv, struct fault *fault)
{
	const char *word = argv[optind - 1];

	if (letter == ':')
		return fault_set(fault, FAULT_USAGE, "%.40s needs a value: see slabstat --help.",
				 word);
	if (optopt && !has_vain_value(word, optopt))
		return fault_set(fault, FAULT_USAGE, "there is no option -%c: see slabstat --help.",
				 optopt);
	return fault_set(fault, FAULT_USAGE, "%.40s is no option: see slabstat --help.", word);
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
	case 'I':
		return take_gate(options, optarg, fault);
	case 'J':
		return take_format(options, "json", fault);
	case 'P':
		options->per_cache = true;
		return FAULT_NONE;
	case 'i':
		return take_interval(options, optarg, fault);
	case 'o':
		options->output = optarg;
		return FAULT_NONE;
	case 's':
		return take_sort(options, optarg, sorts, fault);
	case 'h':
		options->verb = VERB_HELP;
		return FAULT_NONE;
	case 'S':
		options->stop = true;
		return FAULT_NONE;
	case 'V':
		options->verb = VERB_VERSION;
		return FAULT_NONE;
	default:
		return refuse(letter, argv, fault);
	}
}

/* What the verb cannot do anything with. */
static enum fault_code check_options(struct options *options, const struct verb *verb,
				     struct fault *fault)
{
	const char *wrong = NULL, *alone = NULL;

	if (options->gate_count > 0 && !verb->gates)
		wrong = "--fail-if";
	else if (options->output && !verb->output)
		wrong = "--output";
	else if (options->interval > 0 && !verb->interval)
		wrong = "--interval";
	else if (options->stop && verb->verb != VERB_LEAKS)
		wrong = "--stop";
	else if (options->sort && !verb->sort)
		wrong = "--sort";
	else if (options->globs && !verb->caches)
		wrong = "--cache";
	else if (options->target_count == 0 && options->gate_count > 0)
		alone = "--fail-if";
	else if (options->target_count == 0 && (options->globs || options->sort))
		alone = options->globs ? "--cache" : "--sort";
	else if (options->target_count == 0 && options->format > FORMAT_JSON)
		alone = format_names[options->format];
	if (wrong)
		return fault_set(fault, FAULT_USAGE, "%s does not go with %s: see slabstat --help.",
				 wrong, verb->name);
	if (alone)
		return fault_set(fault, FAULT_USAGE,
				 "%s needs a target: the list of processes has none of it.", alone);
	if (!options->format_given && !(verb->formats & BIT(TABLE)))
		options->format = verb->formats & BIT(SVG) ? FORMAT_SVG : FORMAT_JSON;
	if (!(verb->formats >> options->format & 1))
		return fault_set(fault, FAULT_USAGE, "%s has no format %s: see slabstat --help.",
				 verb->name, format_names[options->format]);
	if (options->per_cache && options->format != FORMAT_PROMETHEUS)
		return fault_set(fault, FAULT_USAGE,
				 "--per-cache goes with --format=prometheus alone.");
	if (options->format == FORMAT_PROMETHEUS && options->target_count > 1)
		return fault_set(fault, FAULT_USAGE,
				 "prometheus takes one target at a time: its series may stand in "
				 "a text once only.");
	return FAULT_NONE;
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

/* Operands behind the target: full TARGET CACHE, whatis TARGET ADDRESS. */
static enum fault_code take_argument(struct options *options, const struct verb *verb,
				     struct fault *fault)
{
	if (verb->verb != VERB_FULL && verb->inside != INSIDE_WHATIS)
		return FAULT_NONE;
	if (options->target_count < 2)
		return FAULT_NONE;
	options->target_count = 1;
	if (verb->inside == INSIDE_WHATIS)
		return take_address(options, options->targets[1], fault);
	if (options->globs)
		return fault_set(fault, FAULT_USAGE,
				 "full has '%.40s' and --cache to choose by: join the globs by "
				 "commas.",
				 options->targets[1]);
	options->globs = options->targets[1];
	return FAULT_NONE;
}

static enum fault_code take_operands(struct options *options, int count, char **operand,
				     struct fault *fault)
{
	const struct verb *verb = &verbs[0];
	enum fault_code code;
	bool named = false;

	for (size_t i = 0; count > 0 && !named && i < VERBS; i++) {
		named = strcmp(operand[0], verbs[i].name) == 0;
		if (named)
			verb = &verbs[i];
	}
	if (!named && count > 1 &&
	    operand[0][strspn(operand[0], "abcdefghijklmnopqrstuvwxyz")] == '\0' &&
	    access(operand[0], F_OK) != 0)
		return fault_set(fault, FAULT_USAGE,
				 "there is no verb '%.40s': see slabstat --help.", operand[0]);
	options->verb = verb->verb;
	options->targets = operand + named;
	options->target_count = (size_t)count - named;
	if (options->target_count < verb->least)
		return fault_set(fault, FAULT_USAGE, "%s needs %s: see slabstat --help.",
				 verb->name, verb->operands);
	if (options->target_count > verb->most)
		return fault_set(fault, FAULT_USAGE,
				 "%s takes %s, and '%.40s' is too much: see slabstat --help.",
				 verb->name, verb->operands, options->targets[verb->most]);
	code = take_argument(options, verb, fault);
	options->ask.verb = verb->inside;
	options->ask.globs = options->globs;
	options->ask.all = options->all;
	return code != FAULT_NONE ? code : check_options(options, verb, fault);
}

enum fault_code options_parse(struct options *options, int argc, char **argv, const char *sorts,
			      struct fault *fault)
{
	enum fault_code code;
	int letter;

	opterr = 0; /* one sentence of ours instead */
	while ((letter = getopt_long(argc, argv, ":ahi:o:s:V", long_options, NULL)) != -1) {
		code = take_option(options, letter, argv, sorts, fault);
		if (code != FAULT_NONE)
			return code;
		if (options->verb == VERB_HELP || options->verb == VERB_VERSION)
			return FAULT_NONE;
	}
	return take_operands(options, argc - optind, argv + optind, fault);
}
