/*
 * output.h - the file that --output names                                               Floor t10
 */
#ifndef SLABSTAT_OUTPUT_H
#define SLABSTAT_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

#include "tools/fault.h"

/*
 * Opens it anew; NULL is standard output. from: the file that is read, which is refused; "-" is
 * standard input, NULL none. Return: NULL, with a fault noted.
 */
FILE *output_open(const char *path, const char *from, struct fault *fault);

/* Return: code, or that of the fault noted where not all could be written. */
enum fault_code output_close(FILE *out, const char *path, enum fault_code code,
			     struct fault *fault);

#endif
