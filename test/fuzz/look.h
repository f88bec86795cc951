/*
 * look.h - slabstat with all its verbs, called in this process; for core.c and smash.c
 *
 * Built with tools/slabstat.c and -Dmain=slabstat_main. What it prints goes to standard output and
 * standard error: whoever calls this sends them elsewhere.
 */
#include <getopt.h>
#include <stddef.h>

int slabstat_main(int argc, char **argv);

/* Verb, the address that whatis needs, options. */
static const char *const look_verbs[][4] = {
	{ "table", "--json" },
	{ "leaks" },
	{ "full" },
	{ "map" },
	{ "verify" },
	{ "whatis", "0x7f0000000000" },
	{ "leaks", "--json" },
	{ "users" },
	{ "map", "--all" },
	{ "table", "--format=prometheus", "--per-cache" },
	{ "table", "--format=umastat", "--all" },
	{ "full", "--json" },
};
#define LOOK_VERBS (sizeof look_verbs / sizeof look_verbs[0])

/* A verb that this slabstat does not know is refused, and no harm done. */
static void look(const char *path, size_t verb)
{
	const char *const *words = look_verbs[verb % LOOK_VERBS];
	char *argv[8] = { "slabstat", (char *)words[0], (char *)path };
	int argc = 3;

	for (size_t i = 1; i < 4 && words[i]; i++)
		argv[argc++] = (char *)words[i];
	optind = 0; /* getopt begins anew */
	slabstat_main(argc, argv);
}
