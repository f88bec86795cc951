/*
 * each.h - every cache of an open target, with what leads to its memory                  Floor t7
 */
#ifndef SLABSTAT_EACH_H
#define SLABSTAT_EACH_H

#include "tools/walk.h"

/* Looks at one cache; root is the number of its copy of the library. Return: 0 or an errno. */
typedef int each_fn(void *ctx, struct walk *walk, unsigned root, struct walk_cache *cache);

/*
 * Calls fn for each cache whose name matches globs (NULL: all). Return: 0, or the code of the fault
 * noted; what could be read has been shown then.
 */
enum fault_code each_cache(struct target *target, const char *globs, each_fn *fn, void *ctx,
			   struct fault *fault);

#endif
