/*
 * top_screen.h - top on a whole terminal                                                Floor t12
 */
#ifndef SLABSTAT_TOP_SCREEN_H
#define SLABSTAT_TOP_SCREEN_H

#include "tools/options.h"
#include "tools/sources.h"

#define TOP_SCREEN_INTERVAL 3.0 /* seconds, as slabtop */

/* Whether it was built with ncurses, and the terminal can move its cursor, as "dumb" cannot. */
bool top_screen_possible(void);

/* Until q, or the end of the target and a key. Return: 0, or the code of the fault noted. */
enum fault_code top_screen(struct source *source, const struct options *options,
			   struct fault *fault);

#endif
