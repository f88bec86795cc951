/*
 * record.h - a reading a line, again and again                                          Floor t11
 */
#ifndef SLABSTAT_RECORD_H
#define SLABSTAT_RECORD_H

#include "tools/options.h"

/* Return: 0, or the code of the fault noted. */
enum fault_code verb_record(const struct options *options, struct fault *fault);

#endif
