/*
 * slabstat.c - looks into the slab caches of a program, alive or dead                   Floor t14
 *
 * Usage is in the text below and in docs/slabstat.1; exit codes are in fault.h. The floors of the
 * tool, from the roof down; a file includes only lower floors and its own header. It links nothing
 * of the library, stops a target only by leaks --stop, and believes nothing that it reads there.
 *
 *   t14  slabstat.c
 *   t13  top.c                                the figures again and again
 *   t12  top_screen.c                         keys of the full screen
 *   t11  record.c plot_svg.c                  readings over time, and a picture of them
 *        verbs.c top_view.c                   verbs that read once and print; the full screen
 *   t10  plot.c sources.c output.c report_diff.c     what a TARGET is
 *        top_detail.c                         one cache opened
 *   t9   report_table.c report_json.c         figures as text
 *        report_formats.c snapshot.c          and back from JSON
 *        report_full.c diff.c                 growth between two readings
 *        options.c top_model.c                the command line; histories, rates, order
 *        leaks.c                              objects that nothing reaches
 *   t8   report.h keys.c processes.c          list of the processes that embed the library
 *        inside.c map_picture.c               map, verify, whatis
 *        gate.c reach.c report_leaks.c        --fail-if; what pointers lead to
 *        users.c                              live bytes by who took them
 *   t7   figures.c                            a consistent whole, by reading again what changed
 *        each.c detail.c                      all caches with their memory; what keeps it
 *        objects.c stacks.c who.c             every slot by address; who took them
 *   t6   row.c slabs.c                        numbers of one cache -> its figures; its slabs
 *        own.c                                memory that is the library's own
 *   t5   slots.c parked.c spans.c tracks.c    what the threads hold; runs of slabs
 *   t4   walk.c copy.c                        lists of caches and threads; a copy to look at
 *   t3   table.c note.c                       the target's own field table; where its roots are
 *        registers.c hold.c symbols.c         of the threads; a process held for a while; names
 *   t2   target_live.c target_core.c          bytes of a live process, of a core file
 *        symbols_dwfl.c                       names by libdwfl, in a child
 *        picture.c                            boxes, words, cells as SVG or PNG (png.c, t1)
 *   t1   target.h access.c core_notes.c       "read n bytes at an address"; why it may not be
 *   t0   fault.c text.c progress.c font.c
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tools/plot_svg.h"
#include "tools/png.h"
#include "tools/processes.h"
#include "tools/record.h"
#include "tools/report.h"
#include "tools/symbols.h"
#include "tools/top.h"
#include "tools/verbs.h"
#include "slab/layout.h"

#ifndef SLAB_VERSION
#define SLAB_VERSION "unknown" /* the Makefile knows it */
#endif

static const char help[] =
    "Usage: slabstat [VERB] [TARGET...] [OPTION...]\n"
    "Look into a program's slab caches. TARGET T is a PID, a core file, a snapshot or\n"
    "- (a snapshot from standard input); without: list processes with the library.\n"
    "  table T...         figures of every cache (default)   snapshot T...  as JSON\n"
    "  full T [CACHE]     all about a cache: who parks what, why memory is kept\n"
    "  diff BEFORE AFTER  growth per cache\n"
    "  top T              the table again and again, each -i SECONDS (3); keys inside\n"
    "  map T              picture of the slabs; to a file: --format=svg|png -o FILE\n"
    "  record T -o FILE   a reading a line, each -i SECONDS (1)   plot FILE  as SVG\n"
    "  verify T           are the structures consistent?\n"
    "  whatis T ADDRESS   which cache, slab and slot\n"
    "  leaks T [--stop]   objects that nothing reaches; a process is held meanwhile\n"
    "  users T            live bytes by who took them (of caches under SLAB_DEBUG=U)\n"
    "  -a, --all              also caches without a slab or a change; map: every slot\n"
    "      --cache=GLOB,...   only caches whose name matches; * and ? are special\n"
    "      --fail-if=EXPR     exit 1 if it holds: 'live>1000 size>=1M cache=foo*'\n"
    "      --format=FORMAT    table json csv prometheus slabinfo umastat\n"
    "      --json             the same as --format=json\n"
    "      --per-cache        prometheus: a series per cache as well\n"
    "  -s, --sort=LETTER      a ACTIVE b OBJ/SLAB c CACHE SIZE k CACHED l SLABS m\n"
    "                         PEAK n NAME o OBJS s OBJ SIZE t STRANDED u USE w waste\n"
    "  -i, --interval=SECONDS of top, record;  -o, --output=FILE of map, record, plot\n"
    "--sort is of table, diff, top; --fail-if of table, snapshot, full, diff, record\n"
    "  -h, --help             this text             -V, --version\n"
    "Exit status: 0 done, 1 a finding, 2 usage, 3 no such process or file, 4 not\n"
    "permitted, 5 does not embed the library, 6 unreadable layout, 7 partial data.\n"
    "A cache marked ~ changed while it was read. Reading needs the same user as the\n"
    "target, or root; where Yama is on, also a prctl(PR_SET_PTRACER) by the target.\n";

/* What is optional, and whether it is there. */
static void version(void)
{
#ifdef SLAB_WITH_NCURSES
	const bool ncurses = true;
#else
	const bool ncurses = false;
#endif

	printf("slabstat %s, layout %u\n", SLAB_VERSION, SLAB_LAYOUT_VERSION);
	printf("built %s ncurses (top)\n", ncurses ? "with" : "without");
	if (symbols_library())
		printf("built with %s (names of functions)\n", symbols_library());
	else
		puts("built without elfutils (addresses stay bare)");
	printf("built %s zlib (small PNG files)\n", png_compresses() ? "with" : "without");
}

static enum fault_code run(int argc, char **argv, struct fault *fault)
{
	static struct options options;
	enum fault_code code;

	options = (struct options){ 0 };
	code = options_parse(&options, argc, argv, REPORT_SORTS, fault);

	if (code != FAULT_NONE)
		return code;
	switch (options.verb) {
	case VERB_HELP:
		fputs(help, stdout);
		return FAULT_NONE;
	case VERB_VERSION:
		version();
		return FAULT_NONE;
	case VERB_FULL:
		return verb_full(&options, fault);
	case VERB_DIFF:
		return verb_diff(&options, fault);
	case VERB_TOP:
		return verb_top(&options, fault);
	case VERB_RECORD:
		return verb_record(&options, fault);
	case VERB_PLOT:
		return verb_plot(&options, fault);
	case VERB_MAP:
		return verb_map(&options, fault);
	case VERB_INSIDE:
		return verb_inside(&options, fault);
	case VERB_USERS:
		return verb_users(&options, fault);
	case VERB_LEAKS:
		return verb_leaks(&options, fault);
	default:
		if (options.target_count > 0)
			return verb_table(&options, fault);
		return processes_list(stdout, options.format == FORMAT_JSON, fault);
	}
}

int main(int argc, char **argv)
{
	struct fault fault = { 0 };
	enum fault_code code = run(argc, argv, &fault);

	if ((fflush(stdout) != 0 || ferror(stdout)) && code <= FAULT_FINDING) {
		int error = errno;

		if (code == FAULT_FINDING) /* told as well, but what went wrong counts more */
			fprintf(stderr, "slabstat: %s\n", fault.text);
		fault.code = FAULT_NONE;
		code = fault_set(&fault, FAULT_PARTIAL, "the output could not be written (%s).",
				 strerror(error));
	}
	if (code != FAULT_NONE)
		fprintf(stderr, "slabstat: %s\n", fault.text);
	return code;
}
