/*
 * inside.c - verbs that look at slabs: map, verify, whatis                               Floor t8
 *
 * Called by verbs.c. Nothing is changed in the target. One that runs on may show faults that are
 * none, where an object moved while it was read; so verify believes in a fault only if no pass out
 * of several is free of faults.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <inttypes.h>
#include <time.h>

#include "tools/each.h"
#include "tools/inside.h"
#include "tools/slabs.h"
#include "tools/spans.h"
#include "tools/text.h"
#include "tools/who.h"

#define PASSES         8
#define ROW_CELLS      64
#define SLOT_BY_SLOT   256 /* slabs up to which map shows each slot */
#define CELLS          ".o#!"

struct inside {
	FILE *out;
	const struct inside_ask *ask;
	struct walk *walk;
	bool by_slab;         /* map: a cell per slab */
	bool headed;          /* map: its legend is printed */
	unsigned column;      /* of the next cell */
	bool looked;          /* at a cache */
	bool found;           /* whatis */
	unsigned roots;       /* whatis: those whose large blocks were looked through */
	uint64_t faults, missing;
	uint64_t unjudged;    /* verify: caches that changed in every pass */
	uint64_t foreign;     /* caches whose objects are blocks of malloc */
};

static void end_row(struct inside *inside)
{
	if (inside->column > 0)
		fputc('\n', inside->out);
	inside->column = 0;
}

static void print_slots(struct inside *inside, const struct walk_cache *cache,
			const struct slabs_slab *slab)
{
	fprintf(inside->out, "  %#14" PRIx64 " ", slab->base);
	for (uint64_t i = 0; i < cache->objects_per_slab; i++) {
		if (i > 0 && i % ROW_CELLS == 0)
			fprintf(inside->out, "\n%17s", "");
		fputc(CELLS[slab->state[i]], inside->out);
	}
	fprintf(inside->out, "  %u/%" PRIu64 "%s\n", slab->live, cache->objects_per_slab,
		slab->damaged ? "  damaged" : "");
}

/* A cell: how many tenths of the slots are live. */
static void print_cell(struct inside *inside, const struct walk_cache *cache,
		       const struct slabs_slab *slab)
{
	uint64_t tenths = (uint64_t)slab->live * 10 / cache->objects_per_slab;
	char cell = slab->live == 0 ? (slab->parked ? 'o' : '.')
				    : "0123456789#"[tenths > 10 ? 10 : tenths];

	if (inside->column == 0)
		fprintf(inside->out, "  %#14" PRIx64 " ", slab->base);
	fputc(slab->missing ? '?' : slab->damaged ? '!' : cell, inside->out);
	if (++inside->column == ROW_CELLS)
		end_row(inside);
}

static void map_slab(void *ctx, const struct walk_cache *cache, const struct slabs_slab *slab)
{
	struct inside *inside = ctx;

	if (slab->hole_before) {
		end_row(inside);
		fprintf(inside->out, "%17s(hole of %" PRIu64 " bytes)\n", "", slab->hole_before);
	}
	if (inside->by_slab)
		print_cell(inside, cache, slab);
	else if (slab->missing)
		fprintf(inside->out, "  %#14" PRIx64 " could not be read\n", slab->base);
	else
		print_slots(inside, cache, slab);
}

static int map_cache(struct inside *inside, const struct walk_cache *cache)
{
	const struct slabs_visit visit = { map_slab, inside };
	struct slabs_sum sum;
	int error;

	if (cache->slabs == 0)
		return 0;
	if (!inside->headed)
		fprintf(inside->out, "# live  o parked  . free  ! damaged  ? not read; where a "
				     "cell is a slab: tenths of its slots that are live\n\n");
	inside->headed = true;
	inside->by_slab = !inside->ask->all && cache->slabs > SLOT_BY_SLOT;
	fprintf(inside->out, "%s: %" PRIu64 " slab%s of %" PRIu64 " object%s\n", cache->name,
		cache->slabs, text_plural(cache->slabs), cache->objects_per_slab,
		text_plural(cache->objects_per_slab));
	error = slabs_each(inside->walk, cache, &visit, &sum);
	end_row(inside);
	fprintf(inside->out,
		"  %" PRIu64 " live, %" PRIu64 " parked, %" PRIu64 " free", sum.live, sum.parked,
		sum.free);
	if (sum.missing)
		fprintf(inside->out, "; %" PRIu64 " slab%s %s", sum.missing,
			text_plural(sum.missing),
			inside->walk->target->core ? "not in core" : "could not be read");
	fprintf(inside->out, "%s\n\n", sum.damaged ? "; some are damaged" : "");
	inside->missing += sum.missing;
	return error;
}

static void pass_slab(void *ctx, const struct walk_cache *cache, const struct slabs_slab *slab)
{
	(void)ctx;
	(void)cache;
	(void)slab;
}

static unsigned wrong(FILE *out, const char *name, const char *what, uint64_t is, uint64_t should)
{
	if (is == should)
		return 0;
	if (out)
		fprintf(out, "%s: %s: %" PRIu64 ", should be %" PRIu64 "\n", name, what, is,
			should);
	return 1;
}

/* Slabs that the cache has, by count; one whose destructors run is there and its no more. */
static uint64_t counted(const struct walk_cache *cache, const struct slabs_sum *sum)
{
	uint64_t leaving = sum->empty > cache->empty ? sum->empty - cache->empty : 0;
	uint64_t more = sum->slabs > cache->slabs ? sum->slabs - cache->slabs : 0;

	return sum->slabs - (more < leaving ? more : leaving);
}

/* Counts what is wrong with one reading of a cache; tells it where out is not NULL. */
static unsigned judge(FILE *out, const struct walk_cache *cache, const struct slabs_sum *sum,
		      int error)
{
	unsigned faults = 0;

	if (error == EBADMSG) {
		if (out)
			fprintf(out, "%s: a list of spans or magazines is damaged\n", cache->name);
		return 1;
	}
	faults += wrong(out, cache->name, "slabs that contradict themselves", sum->damaged, 0);
	faults += wrong(out, cache->name, "slabs counted", cache->slabs,
			counted(cache, sum));
	if (sum->missing > 0) /* who knows what is in there */
		return faults;
	faults += wrong(out, cache->name, "parked objects that are none", sum->parked_nowhere, 0);
	faults += wrong(out, cache->name, "slots in use counted", cache->used,
			sum->live + sum->parked);
	return faults;
}

static void pause_ms(unsigned ms)
{
	const struct timespec time = { .tv_nsec = 1000000L * ms };

	nanosleep(&time, NULL);
}

/* Reads a cache's counters anew. Return: 0; ENOENT: it was destroyed; or the errno of the read. */
static int refresh(struct walk *walk, struct walk_cache *cache)
{
	unsigned char image[TABLE_IMAGE_MAX];
	uint64_t id = cache->id;
	int error =
	    target_read(walk->target, cache->addr, image, walk->table->image_bytes[TABLE_CACHE]);

	if (error)
		return error;
	walk_decode_cache(walk->table, image, cache->addr, cache);
	/* there may be another one in its place, and others may have its number and its slabs */
	if (cache->id != id || cache->state != walk->table->constant[SLAB_K_STATE_LIVE])
		return ENOENT;
	return 0;
}

/* Whether nothing moved between slabs and magazines between two readings of the counters. */
static bool was_steady(const struct walk_cache *before, const struct walk_cache *after)
{
	return after->generation == before->generation &&
	       after->depot_generation == before->depot_generation && before->generation % 2 == 0 &&
	       before->depot_generation % 2 == 0;
}

static int verify_cache(struct inside *inside, struct walk_cache *cache)
{
	const struct slabs_visit visit = { pass_slab, NULL };
	bool core = inside->walk->target->core;
	unsigned passes = core ? 1 : PASSES, steady = 0;
	struct slabs_sum sum = { 0 }, last = { 0 };
	struct walk_cache judged = *cache;
	int error = 0, last_error = 0, now = 0;

	for (unsigned pass = 0; pass < passes; pass++) {
		struct walk_cache before = *cache;

		error = slabs_each(inside->walk, cache, &visit, &sum);
		if (error && error != EBADMSG)
			return core ? error : 0;
		if (!core)
			now = refresh(inside->walk, cache);
		if (now == ENOENT)
			return 0; /* nothing is left of it to be judged */
		if (!core && (now != 0 || !was_steady(&before, cache)))
			continue;
		steady++;
		last = sum;
		last_error = error;
		judged = before;
		if (judge(NULL, &judged, &last, last_error) == 0)
			break;
		if (!core && pass + 1 < passes) /* it may be at work and without a processor */
			pause_ms(1u << pass);
	}
	inside->unjudged += steady == 0;
	if (steady > 0) {
		inside->faults += judge(inside->out, &judged, &last, last_error);
		inside->missing += last.missing;
	}
	return 0;
}

static void whatis_slab(void *ctx, const struct walk_cache *cache, const struct slabs_slab *slab)
{
	static const char *const words[] = { "free", "parked", "live", "damaged" };
	struct inside *inside = ctx;
	uint64_t addr = inside->ask->addr, i;
	struct tracks tracks;

	if (addr - slab->base >= cache->slab_bytes)
		return;
	inside->found = true;
	fprintf(inside->out, "%#" PRIx64 ": cache %s, slab %#" PRIx64 ", ", addr, cache->name,
		slab->base);
	if (slab->missing) {
		fprintf(inside->out, "which could not be read\n");
		return;
	}
	i = slabs_slot_at(cache, slab, addr);
	if (i >= cache->objects_per_slab) {
		fprintf(inside->out, "no object: its header or its slack\n");
		return;
	}
	addr -= slabs_object(cache, slab, i);
	fprintf(inside->out, "slot %" PRIu64 " of %" PRIu64 ", byte %" PRIu64 " of %" PRIu64
			     ", %s\n",
		i, cache->objects_per_slab, addr, cache->object_bytes, words[slab->state[i]]);
	tracks_of(&tracks, inside->walk, cache);
	who_print_track(inside->out, inside->walk->target, &tracks, inside->ask->addr - addr);
}

/* In a process a list may have changed while it was followed. */
static int find(struct inside *inside, struct walk *walk, const struct walk_cache *cache)
{
	const struct slabs_visit visit = { whatis_slab, inside };
	unsigned passes = walk->target->core ? 1 : PASSES;
	struct slabs_sum sum;
	int error = EBADMSG;

	for (; !inside->found && error == EBADMSG && passes > 0; passes--)
		error = slabs_each(walk, cache, &visit, &sum);
	return inside->found ? 0 : error;
}

/* Blocks that are a mapping each are in no cache: one is called as leaks calls it. */
static void find_block(struct inside *inside, struct walk *walk)
{
	uint64_t addr = inside->ask->addr;
	struct spans spans;

	if (spans_begin(&spans, walk) == 0)
		spans_take(&spans, walk, SPANS_LARGE);
	for (size_t i = 0; i < spans.count && !inside->found; i++) {
		const struct spans_span *block = &spans.span[i];

		inside->found = addr - block->base < block->bytes;
		if (inside->found)
			fprintf(inside->out, "%#" PRIx64 ": large-blocks, a mapping at %#" PRIx64
					     ", byte %" PRIu64 " of %" PRIu64 "\n",
				addr, block->base, addr - block->base, block->bytes);
	}
	spans_free(&spans);
}

static int look(void *ctx, struct walk *walk, unsigned root, struct walk_cache *cache)
{
	struct inside *inside = ctx;

	inside->looked = true;
	inside->walk = walk;
	if (inside->ask->verb == INSIDE_WHATIS && inside->roots <= root) {
		inside->roots = root + 1;
		find_block(inside, walk);
	}
	if (walk_on_malloc(walk, cache)) {
		inside->foreign++;
		return 0;
	}
	switch (inside->ask->verb) {
	case INSIDE_MAP:
		return map_cache(inside, cache);
	case INSIDE_VERIFY:
		return verify_cache(inside, cache);
	default:
		return inside->found ? 0 : find(inside, walk, cache);
	}
}

static enum fault_code conclude(const struct inside *inside, const struct target *target,
				struct fault *fault)
{
	if (inside->ask->verb == INSIDE_VERIFY && inside->faults > 0)
		return fault_set(fault, FAULT_FINDING, "%s has %" PRIu64 " fault%s.",
				 target->label, inside->faults, text_plural(inside->faults));
	if (inside->missing > 0)
		return fault_set(fault, FAULT_PARTIAL, "%" PRIu64 " slab%s %s.", inside->missing,
				 text_plural(inside->missing),
				 target->core ? "not in core" : "could not be read");
	if (inside->ask->verb != INSIDE_WHATIS && !inside->looked)
		fprintf(inside->out, "There is no %scache.\n", inside->ask->globs ? "such " : "");
	else if (inside->ask->verb == INSIDE_VERIFY && inside->unjudged > 0)
		fprintf(inside->out, "No fault found; not judged, for changing all the while: "
				     "%" PRIu64 " cache%s.\n",
			inside->unjudged, text_plural(inside->unjudged));
	else if (inside->ask->verb == INSIDE_VERIFY)
		fprintf(inside->out, "No fault found.\n");
	if (inside->foreign > 0 && !inside->found)
		fprintf(inside->out,
			"Not looked at: %" PRIu64 " cache%s whose objects are blocks of malloc.\n",
			inside->foreign, text_plural(inside->foreign));
	if (inside->ask->verb == INSIDE_WHATIS && !inside->found) {
		fprintf(inside->out, "%#" PRIx64 ": in no slab of a cache\n", inside->ask->addr);
		return fault_set(fault, FAULT_FINDING, "%#" PRIx64 " is in no slab of %s.",
				 inside->ask->addr, target->label);
	}
	return FAULT_NONE;
}

enum fault_code inside_run(FILE *out, struct target *target, const struct inside_ask *ask,
			   struct fault *fault)
{
	struct inside inside = { .out = out, .ask = ask };
	enum fault_code code;

	code = each_cache(target, ask->globs, look, &inside, fault);
	return code != FAULT_NONE ? code : conclude(&inside, target, fault);
}
