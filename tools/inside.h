/*
 * inside.h - verbs that look at slabs, not at figures alone                              Floor t8
 */
#ifndef SLABSTAT_INSIDE_H
#define SLABSTAT_INSIDE_H

#include <stdio.h>

#include "tools/fault.h"
#include "tools/target.h"

enum inside_verb { INSIDE_MAP, INSIDE_VERIFY, INSIDE_WHATIS };

struct inside_ask {
	enum inside_verb verb;
	const char *globs; /* caches to look at; NULL: all */
	uint64_t addr;     /* whatis */
	bool all;          /* map: every slot, however many slabs there are */
};

/* Return: 0, FAULT_FINDING, or the code of another fault noted. */
enum fault_code inside_run(FILE *out, struct target *target, const struct inside_ask *ask,
			   struct fault *fault);

#endif
