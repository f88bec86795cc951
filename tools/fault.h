/*
 * fault.h - exit codes, and the one sentence that says why                              Floor t0
 *
 * A lower floor that fails fills a struct fault and returns its code; only slabstat.c prints it.
 */
#ifndef SLABSTAT_FAULT_H
#define SLABSTAT_FAULT_H

/* What slabstat exits with; the numbers are part of its interface. */
enum fault_code {
	FAULT_NONE = 0,
	FAULT_FINDING = 1, /* what was asked for was found: a leak, a damage */
	FAULT_USAGE = 2,
	FAULT_MISSING = 3, /* no such process or file */
	FAULT_DENIED = 4,
	FAULT_FOREIGN = 5, /* does not embed the library */
	FAULT_LAYOUT = 6,  /* embeds it, but in a form that this slabstat cannot read */
	FAULT_PARTIAL = 7, /* the target ended, or part of its memory could not be read */
};

struct fault {
	enum fault_code code;
	char text[400]; /* one sentence: cause and, after a colon, what to do */
};

/* Notes a fault unless an earlier one is noted already. Return: code. */
__attribute__((format(printf, 3, 4))) enum fault_code
fault_set(struct fault *fault, enum fault_code code, const char *format, ...);

#endif
