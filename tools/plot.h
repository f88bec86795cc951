/*
 * plot.h - a record as lines over time                                                  Floor t10
 */
#ifndef SLABSTAT_PLOT_H
#define SLABSTAT_PLOT_H

#include "tools/figures.h"

#define PLOT_SERIES 8 /* the largest caches; the last one is all others */

struct plot_point {
	double seconds;                               /* since the first reading */
	double bytes[PLOT_SERIES], live[PLOT_SERIES]; /* slabs' memory; live objects */
	double all_bytes, used_bytes;                 /* of all slabs; of all live objects */
};

struct plot {
	char name[PLOT_SERIES][64];
	size_t series; /* with the others */
	size_t others; /* caches that are one series */
	struct plot_point *point;
	size_t points;
	size_t readings;   /* of which points are chosen */
	uint64_t began_ms; /* since 1970 */
	int pid;
};

/*
 * Reads what slabstat record has written; fd is closed. Return: 0; FAULT_PARTIAL: the last line is
 * cut, the others are there; or the code of another fault noted. plot_free() in each case.
 */
enum fault_code plot_read(struct plot *plot, int fd, const char *path, struct fault *fault);
void plot_free(struct plot *plot);

#endif
