/*
 * top.h - the figures again and again                                                   Floor t13
 */
#ifndef SLABSTAT_TOP_H
#define SLABSTAT_TOP_H

#include "tools/options.h"

/* A full screen on a terminal; else plain tables. Return: 0, or the code of the fault noted. */
enum fault_code verb_top(const struct options *options, struct fault *fault);

#endif
