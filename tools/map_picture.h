/*
 * map_picture.h - the slabs of caches as a picture                                       Floor t8
 */
#ifndef SLABSTAT_MAP_PICTURE_H
#define SLABSTAT_MAP_PICTURE_H

#include <stdbool.h>
#include <stdio.h>

#include "tools/target.h"

/* As SVG or PNG. Return: 0, or the code of the fault noted; the picture is made all the same. */
enum fault_code map_picture(FILE *out, struct target *target, const char *globs, bool svg,
			    struct fault *fault);

#endif
