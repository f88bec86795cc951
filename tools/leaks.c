/*
 * leaks.c - objects that nothing reaches                                                 Floor t9
 *
 * Called by verbs.c. A core, or a copy of a process that was held meanwhile, is looked at once. Of
 * a process that runs on several copies are looked at, and only what no look has reached is told:
 * an object that moves from place to place, or is in a register, may escape one look.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "tools/copy.h"
#include "tools/leaks.h"
#include "tools/note.h"
#include "tools/reach.h"
#include "tools/report_leaks.h"
#include "tools/text.h"

#define TRIES      8 /* to read lists of a process that changes them meanwhile */
#define LOOKS_MIN  3
#define LOOKS_MAX  12
#define LOOKS_MS   2000 /* no further look after this long */
#define CORE_SPEND 4    /* a core is looked at so many times at most: its bytes, all told */

/* Everything that one look has found. */
struct look {
	struct objects objects;
	struct own own;
	struct registers registers;
	struct reach reach;
};

struct leaks {
	FILE *out;
	const struct leaks_ask *ask;
	struct target *live;   /* NULL: a core was named */
	struct target *target; /* what is looked at: that core, or a copy of the process */
	struct target copy;
	struct note_roots roots;
	struct leak_sum sum;
};

/* Nothing moved while it was copied. */
static bool is_exact(const struct leaks *leaks)
{
	return !leaks->live || leaks->ask->stop;
}

static void look_end(struct look *look)
{
	objects_free(&look->objects);
	own_free(&look->own);
	registers_free(&look->registers);
	reach_free(&look->reach);
	*look = (struct look){ 0 };
}

static bool is_asked_for(const struct leaks *leaks, const char *name)
{
	return !leaks->ask->globs || text_matches(leaks->ask->globs, name);
}

/* ---- one look ---- */

static int take_root(struct leaks *leaks, struct look *look, unsigned root,
		     enum fault_code *code, struct fault *fault)
{
	struct table table;
	struct walk walk;
	int error;

	*code = table_load(&table, leaks->target, leaks->roots.addr[root], fault);
	if (*code != FAULT_NONE)
		return 0;
	if (!table_has(&table, SLAB_F_ROOT_META_CHUNKS, 8, 8))
		return ENOTSUP;
	walk_begin(&walk, leaks->target, &table);
	error = walk_take(&walk);
	if (!error)
		error = objects_take(&look->objects, &walk, root);
	if (!error)
		error = own_add(&look->own, &walk);
	leaks->sum.named |= is_asked_for(leaks, "large-blocks");
	for (size_t i = 0; i < walk.caches; i++) {
		if (!is_asked_for(leaks, walk.cache[i].name))
			continue;
		leaks->sum.named = true;
		look->objects.foreign += walk_on_malloc(&walk, &walk.cache[i]);
	}
	walk_end(&walk);
	return error;
}

/* Return: 0 or an errno; code: what is noted already. */
static int take(struct leaks *leaks, struct look *look, enum fault_code *code, struct fault *fault)
{
	int error = 0;

	*look = (struct look){ 0 };
	for (size_t i = 0; i < leaks->roots.count && !error && *code == FAULT_NONE; i++)
		error = take_root(leaks, look, (unsigned)i, code, fault);
	if (!error && *code == FAULT_NONE)
		error = objects_index(&look->objects);
	if (!error && *code == FAULT_NONE)
		error = registers_take(&look->registers, leaks->target);
	own_sort(&look->own);
	return error;
}

/* A copy of the process as it is now, and where the library is in it. */
static enum fault_code copy_now(struct leaks *leaks, struct fault *fault)
{
	struct fault late = { 0 };
	enum fault_code code;

	if (!leaks->live)
		return note_find(leaks->target, &leaks->roots, fault);
	if (leaks->target)
		target_close_core(leaks->target);
	leaks->target = NULL;
	code = copy_take(&leaks->copy, leaks->live, leaks->ask->stop, &leaks->sum.held_us, fault);
	if (code != FAULT_NONE)
		return code;
	leaks->target = &leaks->copy;
	code = note_find(leaks->target, &leaks->roots, fault);
	/* of one that ended meanwhile the copy has a part, perhaps nothing of the library */
	if (code == FAULT_FOREIGN && target_refresh(leaks->live, &late) != FAULT_NONE)
		code = fault_set(fault, FAULT_PARTIAL, "%s ended before it could be copied.",
				 leaks->live->label);
	return code;
}

static int take_and_mark(struct leaks *leaks, struct look *look, enum fault_code *code,
			 struct fault *fault)
{
	int error = 0;

	for (unsigned try = 0; try < TRIES; try++) {
		*code = copy_now(leaks, fault);
		if (*code == FAULT_NONE)
			error = take(leaks, look, code, fault);
		if (is_exact(leaks) || *code != FAULT_NONE ||
		    (error != EBADMSG && error != EFAULT))
			break;
		look_end(look);
	}
	if (error || *code != FAULT_NONE)
		return error;
	error = reach_begin(&look->reach, leaks->target, &look->objects);
	if (error)
		return error;
	look->reach.mapped = leaks->live != NULL;
	look->reach.bytes_left = CORE_SPEND * target_core_bytes(leaks->target);
	reach_mark(&look->reach, &look->own, &look->registers, is_exact(leaks));
	leaks->sum.looks++;
	return 0;
}

/* Clears what an earlier look has reached, or knew not to be live. Return: whether any is left. */
static bool confirm(struct look *now, const struct look *before)
{
	bool left = false;

	for (size_t i = 0; i < now->objects.slabs; i++) {
		struct objects_slot slot = { &now->objects.slab[i], 0 }, then;
		uint32_t slots = now->objects.cache[slot.slab->cache].slots;

		for (; slot.slot < slots; slot.slot++) {
			uint64_t n = slot.slab->first + slot.slot, bytes;

			if (!reach_leaked(&now->reach, n))
				continue;
			if (before &&
			    (!objects_find(&before->objects,
					   objects_at(&now->objects, &slot, &bytes), &then) ||
			     !reach_leaked(&before->reach, then.slab->first + then.slot)))
				objects_set(now->reach.seen, n);
			else
				left = true;
		}
	}
	return left;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int look_until_sure(struct leaks *leaks, struct look *look, enum fault_code *code,
			   struct fault *fault)
{
	uint64_t began = now_ms();
	int error = take_and_mark(leaks, look, code, fault);

	while (!error && *code == FAULT_NONE && !is_exact(leaks) &&
	       leaks->sum.looks < LOOKS_MAX && confirm(look, NULL) &&
	       (leaks->sum.looks < LOOKS_MIN || now_ms() - began < LOOKS_MS)) {
		const struct timespec pause = { .tv_nsec = 1000000L * (3 + 7 * leaks->sum.looks) };
		struct look before = *look;

		before.reach.objects = &before.objects;
		*look = (struct look){ 0 }; /* whatever comes, each frees its own */
		nanosleep(&pause, NULL);
		error = take_and_mark(leaks, look, code, fault);
		if (!error && *code == FAULT_NONE)
			confirm(look, &before);
		look_end(&before);
	}
	return error;
}

/* ---- what it comes to ---- */

/* Counts one that is leaked with those of its cache, and where that is known of its backtrace. */
static bool count_one(struct leaks *leaks, const struct objects *objects,
		      const struct objects_slot *slot, bool direct)
{
	const struct objects_cache *cache = &objects->cache[slot->slab->cache];
	uint64_t bytes, addr = objects_at(objects, slot, &bytes);
	struct stacks_group *group;
	struct tracks_event event;
	bool tracked = tracks_event(&cache->tracks, leaks->target, addr, false, &event) == 0;

	group = stacks_group(&leaks->sum.stacks, cache->name, cache->id, cache->root,
			     tracked ? &event : NULL);
	if (!group)
		return false;
	stacks_count(group, addr, bytes, direct);
	leaks->sum.objects++;
	leaks->sum.bytes += bytes;
	return true;
}

static int count(struct leaks *leaks, struct look *look)
{
	const struct objects *objects = &look->objects;
	uint64_t *held = malloc((objects->slots / 64 + 1) * sizeof *held);
	bool room = held != NULL;

	if (held)
		reach_among_leaked(&look->reach, held);
	for (size_t i = 0; i < objects->slabs && room; i++) {
		struct objects_slot slot = { &objects->slab[i], 0 };
		const struct objects_cache *cache = &objects->cache[slot.slab->cache];

		if (!is_asked_for(leaks, cache->name))
			continue;
		for (; slot.slot < cache->slots && room; slot.slot++) {
			uint64_t n = slot.slab->first + slot.slot;

			leaks->sum.alive += objects_bit(objects->live, n);
			if (reach_leaked(&look->reach, n))
				room = count_one(leaks, objects, &slot, !objects_bit(held, n));
		}
	}
	free(held);
	stacks_sort(&leaks->sum.stacks);
	return room ? 0 : ENOMEM;
}

static enum fault_code explain(const struct leaks *leaks, int error, struct fault *fault)
{
	const struct target *target = leaks->live ? leaks->live : leaks->target;
	const char *label = target->label;

	if (error == ENOTSUP)
		return fault_set(fault, FAULT_LAYOUT,
				 "the library in %s is too old to look for leaks: its figures can "
				 "be read.",
				 label);
	if (error == ENOMEM || error == E2BIG)
		return fault_set(fault, FAULT_PARTIAL, "%s has more objects than can be held here.",
				 label);
	return fault_set(fault, FAULT_PARTIAL, "%s could not be looked at whole: %s.", label,
			 error != EBADMSG ? "part of its memory could not be read"
			 : is_exact(leaks)
			     ? "one of its lists is damaged"
			     : "its caches changed too fast; --stop holds it meanwhile");
}

static enum fault_code conclude(const struct leaks *leaks, const struct look *look,
				struct fault *fault)
{
	const struct target *target = leaks->target;

	if (look->objects.missing_slabs > 0)
		return fault_set(fault, FAULT_PARTIAL, "%" PRIu64 " slab%s %s.",
				 look->objects.missing_slabs,
				 text_plural(look->objects.missing_slabs),
				 target->core ? "not in core" : "could not be read");
	if (look->reach.unread_bytes > 0 && !leaks->live)
		return fault_set(fault, FAULT_PARTIAL,
				 "%" PRIu64 " bytes of objects are not in core: what only they "
				 "point to is among the leaks.",
				 look->reach.unread_bytes);
	if (target->truncated_bytes > 0)
		return fault_set(fault, FAULT_PARTIAL,
				 "%s is truncated, %" PRIu64 " bytes are missing: what only they "
				 "point to is among the leaks.",
				 target->label, target->truncated_bytes);
	if (leaks->sum.objects > 0)
		return fault_set(fault, FAULT_FINDING, "%s leaks %" PRIu64 " object%s.",
				 target->label, leaks->sum.objects,
				 text_plural(leaks->sum.objects));
	return FAULT_NONE;
}

static void report(const struct leaks *leaks)
{
	struct symbols symbols;

	symbols_open(&symbols, leaks->live ? leaks->live : leaks->target);
	if (leaks->ask->json)
		report_leaks_json(leaks->out, &symbols, leaks->target, &leaks->sum);
	else
		report_leaks(leaks->out, &symbols, &leaks->sum);
	symbols_close(&symbols);
}

static enum fault_code search(struct leaks *leaks, struct fault *fault)
{
	struct look look = { 0 };
	enum fault_code code = FAULT_NONE;
	int error;

	error = look_until_sure(leaks, &look, &code, fault);
	if (!error && code == FAULT_NONE)
		error = count(leaks, &look);
	if (!error && code == FAULT_NONE) {
		leaks->sum.unseen = look.objects.foreign;
		leaks->sum.exact = is_exact(leaks);
		report(leaks);
		code = conclude(leaks, &look, fault);
	} else if (error && code == FAULT_NONE) {
		code = explain(leaks, error, fault);
	}
	stacks_free(&leaks->sum.stacks);
	look_end(&look);
	return code;
}

enum fault_code leaks_run(FILE *out, struct target *target, const struct leaks_ask *ask,
			  struct fault *fault)
{
	struct leaks leaks = { .out = out, .ask = ask };
	enum fault_code code;

	if (target->foreign) /* elsewhere another register is the stack pointer */
		return fault_set(fault, FAULT_LAYOUT,
				 "%s is of another kind of machine: look for its leaks on such a "
				 "one; its figures can be read.",
				 target->label);
	if (target->core)
		leaks.target = target;
	else
		leaks.live = target;
	code = search(&leaks, fault);
	if (leaks.live && leaks.target)
		target_close_core(leaks.target);
	return code;
}
