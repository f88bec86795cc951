/*
 * leaks.h - objects that nothing reaches                                                 Floor t9
 */
#ifndef SLABSTAT_LEAKS_H
#define SLABSTAT_LEAKS_H

#include <stdio.h>

#include "tools/fault.h"
#include "tools/target.h"

struct leaks_ask {
	const char *globs; /* caches to tell of; NULL: all */
	bool json;
	bool stop; /* a live process is held while its memory is copied */
};

/* Return: 0, FAULT_FINDING where there are leaks, or the code of another fault noted. */
enum fault_code leaks_run(FILE *out, struct target *target, const struct leaks_ask *ask,
			  struct fault *fault);

#endif
