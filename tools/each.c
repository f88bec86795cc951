/*
 * each.c - every cache of an open target, with what leads to its memory                  Floor t7
 *
 * Called by the verbs that look at slabs, not at figures alone.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/each.h"
#include "tools/note.h"
#include "tools/progress.h"
#include "tools/text.h"

#define TRIES 8 /* to read lists that a process changes meanwhile: 0.25 s in all */

static enum fault_code explain(struct target *target, int error, struct fault *fault)
{
	if (!target->alive(target))
		return fault_set(fault, FAULT_PARTIAL, "%s ended while it was looked at.",
				 target->label);
	if (error == ENOTSUP)
		return fault_set(fault, FAULT_LAYOUT,
				 "the library in %s is too old to show its slabs: its figures can "
				 "be read.",
				 target->label);
	return fault_set(fault, FAULT_PARTIAL, "not all slabs of %s could be looked at (%s).",
			 target->label,
			 error == EFAULT ? target->core ? "part of its memory is not in the file"
							: "part of its memory could not be read"
			 : error != EBADMSG ? strerror(error)
			 : target->core     ? "a list is damaged"
					    : "a list changed all the while, or is damaged");
}

/* The lists of caches and threads. Return: 0 or an errno. */
static int take_lists(struct walk *walk)
{
	int error = walk_take(walk);

	for (unsigned try = 0; try + 1 < TRIES && !walk->target->core &&
			       (error == EBADMSG || error == EFAULT); try++) {
		const struct timespec time = { .tv_nsec = 1000000L << try };

		nanosleep(&time, NULL);
		error = walk_take(walk);
	}
	return error;
}

/* All caches under one root. Return: 0 or the first errno. */
static int each_of_root(struct walk *walk, unsigned root, const char *globs, each_fn *fn, void *ctx)
{
	struct progress progress = { 0 };
	int error = take_lists(walk);

	for (size_t c = 0; c < walk->caches && error != ENOTSUP; c++) {
		int failed = 0;

		progress_tell(&progress, "caches looked at", c, walk->caches);
		if (!globs || text_matches(globs, walk->cache[c].name))
			failed = fn(ctx, walk, root, &walk->cache[c]);
		error = error ? error : failed;
	}
	progress_end(&progress);
	return error;
}

enum fault_code each_cache(struct target *target, const char *globs, each_fn *fn, void *ctx,
			   struct fault *fault)
{
	struct note_roots roots;
	enum fault_code code = note_find(target, &roots, fault);

	for (size_t i = 0; i < roots.count && code == FAULT_NONE; i++) {
		struct table table;
		struct walk walk;
		int error;

		code = table_load(&table, target, roots.addr[i], fault);
		if (code != FAULT_NONE)
			break;
		walk_begin(&walk, target, &table);
		error = each_of_root(&walk, (unsigned)i, globs, fn, ctx);
		walk_end(&walk);
		if (error || !target->alive(target))
			code = explain(target, error, fault);
	}
	return code;
}
