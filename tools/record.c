/*
 * record.c - a reading a line, again and again                                          Floor t11
 *
 * Called by slabstat.c. Every line is a snapshot with the time of its making, and is written by
 * one call when it is whole: what is in the file is valid whenever one stops.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/output.h"
#include "tools/record.h"
#include "tools/report.h"
#include "tools/sources.h"

#define INTERVAL 1.0 /* seconds */
#define MISSES   20  /* in a row: a process that changes its lists may spoil a reading */

static volatile sig_atomic_t stopped;

static void on_stop(int number)
{
	(void)number;
	stopped = 1;
}

static uint64_t clock_ms(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

/* Counted on from the first call, which alone asks what time it is: the clock may be set back. */
static uint64_t time_ms(void)
{
	static uint64_t boot;

	if (boot == 0)
		boot = clock_ms(CLOCK_REALTIME) - clock_ms(CLOCK_BOOTTIME);
	return boot + clock_ms(CLOCK_BOOTTIME);
}

/* Waits for the next of equal steps, however long reading took. */
static void wait_for(struct timespec *due, double interval)
{
	long nanoseconds = due->tv_nsec + (long)((interval - (double)(time_t)interval) * 1e9);
	struct timespec now;

	due->tv_sec += (time_t)interval + nanoseconds / 1000000000;
	due->tv_nsec = nanoseconds % 1000000000;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec > due->tv_sec || (now.tv_sec == due->tv_sec && now.tv_nsec > due->tv_nsec))
		*due = now; /* a step was missed */
	if (!stopped)
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, due, NULL);
}

static bool write_whole(int fd, const char *text, size_t bytes)
{
	for (size_t done = 0; done < bytes;) {
		ssize_t n = write(fd, text + done, bytes - done);

		if (n < 0 && errno != EINTR)
			return false;
		done += n > 0 ? (size_t)n : 0;
	}
	return true;
}

static enum fault_code write_reading(FILE *out, struct figures *figures, const char *path,
				     struct fault *fault)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *line = open_memstream(&text, &bytes);
	bool whole = line != NULL;

	if (whole) {
		report_json(line, figures, true, time_ms());
		whole = fclose(line) == 0;
	}
	if (whole && !write_whole(fileno(out), text, bytes)) {
		free(text);
		return fault_set(fault, FAULT_PARTIAL, "%.200s could not be written (%s).",
				 path ? path : "the output", strerror(errno));
	}
	free(text);
	return whole ? FAULT_NONE : fault_set(fault, FAULT_PARTIAL, "slabstat ran out of memory.");
}

struct record {
	const struct options *options;
	struct source source;
	FILE *out;
	struct fault found; /* what --fail-if said first */
	bool judged;        /* by --fail-if, which warns the first time */
	bool missed;        /* the last reading failed, and nothing was written of it */
	unsigned misses;    /* in a row */
};

/* One line. Return: 0, or the code of the fault noted. */
static enum fault_code take_reading(struct record *record, struct fault *fault)
{
	const struct options *options = record->options;
	struct figures figures;
	enum fault_code code = source_figures(&record->source, &figures, fault);

	record->missed = code != FAULT_NONE;
	record->misses = record->missed ? record->misses + 1 : 0;
	if (figures.roots > 0 && code == FAULT_NONE) {
		if (options->globs)
			figures_keep(&figures, options->globs);
		code = write_reading(record->out, &figures, options->output, fault);
		if (record->found.code == FAULT_NONE)
			gate_judge_figures(options->gates, options->gate_count, &figures,
					   record->source.label, record->judged, &record->found);
		record->judged = true;
	}
	figures_free(&figures);
	return code;
}

/*
 * Another line, after the first. A reading that fails may be luck, and the next one may succeed.
 * Return: whether to go on; if not, code is set.
 */
static bool take_another(struct record *record, enum fault_code *code, struct fault *fault)
{
	struct target *target = &record->source.target;
	struct fault late = { 0 };

	*code = take_reading(record, &late);
	if (*code == FAULT_NONE)
		return true;
	if (record->missed && !target->alive(target)) {
		*code = FAULT_NONE; /* the end of the target is that of the record */
		return false;
	}
	if (record->missed && *code == FAULT_PARTIAL && record->misses < MISSES)
		return true;
	*fault = late;
	return false;
}

enum fault_code verb_record(const struct options *options, struct fault *fault)
{
	const struct sigaction act = { .sa_handler = on_stop };
	double interval = options->interval > 0 ? options->interval : INTERVAL;
	struct record record = { .options = options };
	struct timespec due;
	enum fault_code code = source_open(&record.source, options->targets[0], fault);
	const char *from = record.source.kind == SOURCE_LIVE ? NULL : options->targets[0];

	record.out = code == FAULT_NONE ? output_open(options->output, from, fault) : NULL;
	if (!record.out) {
		source_close(&record.source);
		return fault->code;
	}
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	clock_gettime(CLOCK_MONOTONIC, &due);
	code = take_reading(&record, fault);
	while (code == FAULT_NONE && record.source.kind == SOURCE_LIVE && !stopped) {
		wait_for(&due, interval);
		if (stopped || !take_another(&record, &code, fault))
			break;
		code = FAULT_NONE; /* one that failed is borne */
	}
	source_close(&record.source);
	code = output_close(record.out, options->output, code, fault);
	if (code == FAULT_NONE && record.found.code != FAULT_NONE)
		code = fault_set(fault, record.found.code, "%s", record.found.text);
	return code;
}
