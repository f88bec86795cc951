/*
 * plot_svg.h - a record as an SVG                                                       Floor t11
 */
#ifndef SLABSTAT_PLOT_SVG_H
#define SLABSTAT_PLOT_SVG_H

#include "tools/options.h"

/* Return: 0, or the code of the fault noted. */
enum fault_code verb_plot(const struct options *options, struct fault *fault);

#endif
