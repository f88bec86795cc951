/*
 * slabdemo_show.h - progress, memory, and the look from outside                          Floor t0
 */
#ifndef SLABDEMO_SHOW_H
#define SLABDEMO_SHOW_H

#include <stdbool.h>
#include <stdint.h>

double show_seconds(void); /* since the first call */
double show_mib(uint64_t bytes);

/* One line that is redrawn on a terminal; elsewhere plain lines, about one a second. */
struct show_line {
	double next; /* not before this second */
	bool terminal;
};

void show_begin(struct show_line *l);
void show_progress(struct show_line *l, uint64_t files, uint64_t words, uint64_t bytes,
                   uint64_t total_bytes);
void show_end(const struct show_line *l); /* clears the redrawn line */

/* Resident bytes of this process (Rss of smaps_rollup), 0 when the kernel does not tell. */
uint64_t show_resident_bytes(void);
void show_memory(uint64_t before_bytes, uint64_t peak_bytes, uint64_t after_bytes);

/*
 * Run `slabstat PID-of-this-process` and let it read this process, which Yama's default would
 * refuse to a child. @path NULL: the program beside this one. Says so when there is none.
 */
void show_outside(const char *path);

#endif
