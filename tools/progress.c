/*
 * progress.c - how far something long has come, for people                               Floor t0
 *
 * Called by whatever may take longer than a second.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "tools/progress.h"

#define FIRST_MS 1000
#define EVERY_MS 500

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000 + 1;
}

void progress_tell(struct progress *progress, const char *what, uint64_t done, uint64_t all)
{
	uint64_t now = now_ms();

	if (progress->began_ms == 0)
		progress->began_ms = now;
	if (now - progress->began_ms < FIRST_MS || now - progress->told_ms < EVERY_MS ||
	    !isatty(STDERR_FILENO))
		return;
	progress->told_ms = now;
	fprintf(stderr, "\r%s: %llu %%\033[K", what,
		(unsigned long long)(all ? (done < all ? done : all) * 100 / all : 0));
}

void progress_end(struct progress *progress)
{
	if (progress->told_ms)
		fputs("\r\033[K", stderr);
	*progress = (struct progress){ 0 };
}
