/*
 * progress.h - how far something long has come, for people                               Floor t0
 */
#ifndef SLABSTAT_PROGRESS_H
#define SLABSTAT_PROGRESS_H

#include <stdint.h>

struct progress {
	uint64_t began_ms, told_ms; /* 0: not yet */
};

/* Says so on standard error if that is a terminal, from the first second on, twice a second. */
void progress_tell(struct progress *progress, const char *what, uint64_t done, uint64_t all);

/* Takes the line away again. */
void progress_end(struct progress *progress);

#endif
