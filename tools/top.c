/*
 * top.c - the figures again and again                                                   Floor t13
 *
 * Called by slabstat.c. Not on a terminal: plain text once. Built without ncurses, or on a
 * terminal that can only write lines: a table at each interval.
 */
#define _GNU_SOURCE 1
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "tools/report.h"
#include "tools/top.h"
#include "tools/top_screen.h"

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

static void pause_for(double seconds)
{
	const struct timespec time = { .tv_sec = (time_t)seconds,
				       .tv_nsec =
					   (long)((seconds - (double)(time_t)seconds) * 1e9) };

	nanosleep(&time, NULL);
}

static void print(struct figures *figures, const struct options *options)
{
	if (options->globs)
		figures_keep(figures, options->globs);
	report_table(stdout, figures, options->sort ? options->sort : REPORT_SORT_DEFAULT,
		     options->all);
}

/* Tables until the target ends or ^C. */
static enum fault_code run_plain(struct source *source, const struct options *options,
				 struct fault *fault)
{
	const struct sigaction act = { .sa_handler = on_interrupt };
	enum fault_code code = FAULT_NONE;

	sigaction(SIGINT, &act, NULL);
	for (bool first = true; !interrupted; first = false) {
		struct figures figures;
		struct fault late = { 0 };

		code = source_figures(source, &figures, first ? fault : &late);
		if (figures.roots > 0 && (first || code == FAULT_NONE)) {
			if (!first)
				putchar('\n');
			print(&figures, options);
			fflush(stdout);
		}
		figures_free(&figures);
		if (first && code != FAULT_NONE)
			return code;
		if (code != FAULT_NONE && !source->target.alive(&source->target)) {
			printf("\nThe target has ended: the figures above are its last.\n");
			return FAULT_NONE;
		}
		if (code != FAULT_NONE && code != FAULT_PARTIAL) {
			*fault = late;
			return code;
		}
		if (code != FAULT_NONE) { /* the next one may have better luck */
			printf("\nNo new figures: %s\n", late.text);
			fflush(stdout);
		}
		pause_for(options->interval > 0 ? options->interval : TOP_SCREEN_INTERVAL);
	}
	return FAULT_NONE;
}

static enum fault_code run_once(struct source *source, const struct options *options,
				struct fault *fault)
{
	struct figures figures;
	enum fault_code code = source_figures(source, &figures, fault);

	if (figures.roots > 0)
		print(&figures, options);
	figures_free(&figures);
	return code;
}

enum fault_code verb_top(const struct options *options, struct fault *fault)
{
	bool terminal = isatty(STDOUT_FILENO) && isatty(STDIN_FILENO);
	struct source source;
	enum fault_code code = source_open(&source, options->targets[0], fault);

	if (code != FAULT_NONE)
		return code;
	if (source.kind != SOURCE_LIVE || !terminal)
		code = run_once(&source, options, fault);
	else if (top_screen_possible())
		code = top_screen(&source, options, fault);
	else
		code = run_plain(&source, options, fault);
	source_close(&source);
	return code;
}
