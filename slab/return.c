/*
 * return.c - giving pages back to the kernel                                             Floor 5
 *
 * Called by reserve.c (too much is kept), reap.c and destroy.c. The only place that takes pages
 * away from a span. Under span_lock it decides and marks (the span is busy and on no pool's list,
 * so nobody takes from it); the kernel's calls run without that lock; then what came of them is
 * marked. A hole is no longer ours: it is never unmapped again, nor is a run across it.
 *
 * munmap may fail with ENOMEM at the kernel's limit on mappings. Then the pages are dropped
 * instead; nothing is lost, a statistic counts it.
 */
#include <string.h>

#include "slab/return.h"
#include "slab/bitmap.h"
#include "slab/check.h"
#include "slab/list.h"
#include "slab/meta.h"
#include "slab/page.h"
#include "slab/span.h"

#define UNMAP_RUN_PAGES 64 /* shorter ones share a call; the kernel flushes by page up to 33 */
#define PLAN_SPANS 128
#define PLAN_RUNS 1024     /* a plan with so many is carried out */
#define YIELD_MOST 512     /* pages of a span of small slabs */
#define SPAN_RUNS (SLAB_SPAN_SLABS / 2 + 1)

/* What is to happen to a run of slabs of a busy span. */
struct run {
	uint32_t first, n;
	bool unmap;
};

/* The runs of one span. */
struct part {
	struct slab_span *span;
	uint32_t first_run, n_runs;
	size_t warm_bytes; /* resident in the runs */
	bool whole;        /* the span is empty and goes */
};

/* What is given back in one go: the kernel's calls for many spans cost little more than for one. */
struct plan {
	struct run runs[PLAN_RUNS + SPAN_RUNS];
	struct part parts[PLAN_SPANS];
	uint32_t n_runs, n_parts;
};

static struct plan plan; /* under return_lock: too large for a small thread's stack */

static size_t hole_limit(void)
{
	static size_t limit; /* under return_lock */

	if (limit == 0)
		limit = slab_page_hole_limit();
	return limit;
}

static void plan_run(struct part *part, uint32_t first, uint32_t n, bool unmap)
{
	struct slab_span *span = part->span;
	uint32_t warm = slab_bit_count_run(span->warm, first, n);
	size_t warm_bytes = warm * slab_span_slab_bytes(span);

	plan.runs[plan.n_runs++] = (struct run){ first, n, unmap };
	part->n_runs++;
	part->warm_bytes += warm_bytes;
	span->n_warm -= warm;
	slab_add(&slab_root.reserve.warm_bytes, -warm_bytes);
	slab_bit_clear_run(span->warm, first, n);
}

/* The warm stretches of a run that stays mapped. */
static void plan_drops(struct part *part, uint32_t first, uint32_t n)
{
	const uint64_t *warm = part->span->warm;
	uint32_t end = first + n, i = slab_bit_next(warm, end, first);

	while (i < end) {
		uint32_t stop = slab_bit_next_zero(warm, end, i);

		plan_run(part, i, stop - i, false);
		i = slab_bit_next(warm, end, stop);
	}
}

/* Runs of slabs that are free and mapped; an empty span's go whatever their length. For the bound
 * on holes every run that is planned counts as one. */
static void plan_runs(struct part *part, bool thorough)
{
	struct slab_span *span = part->span;
	size_t slab_bytes = slab_span_slab_bytes(span);
	size_t least = thorough ? 1 : UNMAP_RUN_PAGES * slab_root.page_bytes;
	uint64_t mapped[SLAB_SPAN_WORDS];
	uint32_t i, end;

	for (uint32_t w = 0; w < SLAB_SPAN_WORDS; w++)
		mapped[w] = span->free[w] & ~span->hole[w];
	for (i = slab_bit_next(mapped, span->slabs, 0); i < span->slabs;
	     i = slab_bit_next(mapped, span->slabs, end)) {
		end = slab_bit_next_zero(mapped, span->slabs, i);
		if (part->whole) {
			plan_run(part, i, end - i, true);
		} else if (span->huge) {
			continue; /* part of a huge page given back is cosmetic */
		} else if (slab_root.whole_spans == 0 && (end - i) * slab_bytes >= least &&
		           (thorough || slab_bit_count_run(span->warm, i, end - i) > 0) &&
		           slab_root.holes + plan.n_runs < hole_limit()) {
			plan_run(part, i, end - i, true);
		} else {
			plan_drops(part, i, end - i);
		}
	}
}

/* Adds what one span has to give; it is busy from then on. */
static void plan_span(struct slab_span *span, bool thorough)
{
	struct part *part = &plan.parts[plan.n_parts];

	*part = (struct part){
		.span = span,
		.first_run = plan.n_runs,
		.whole = slab_span_is_empty(span),
	};
	plan_runs(part, thorough);
	if (part->n_runs == 0 && !part->whole)
		return;
	plan.n_parts++;
	span->busy = true;
	slab_span_place(span);
	if (part->whole)
		slab_span_unlink(span); /* first: the address may be somebody's again at once */
}

/* Unmaps what is to be unmapped; a run that the kernel refuses to unmap is dropped instead.
 * Returns whether it refused that as well. */
static bool carry_out(void)
{
	static struct slab_range drops[PLAN_RUNS + SPAN_RUNS]; /* likewise */
	size_t n = 0;

	for (uint32_t p = 0; p < plan.n_parts; p++) {
		const struct part *part = &plan.parts[p];
		size_t slab_bytes = slab_span_slab_bytes(part->span);

		for (uint32_t k = 0; k < part->n_runs; k++) {
			struct run *run = &plan.runs[part->first_run + k];
			struct slab_range range = { part->span->base + run->first * slab_bytes,
				                    run->n * slab_bytes };

			if (run->unmap && slab_page_unmap(range.base, range.bytes) == 0)
				continue;
			run->unmap = false;
			drops[n++] = range;
		}
	}
	return n > 0 && slab_page_drop(drops, n) != 0;
}

/* Marks what came of it: holes, clean slabs, or warm ones again where the kernel kept the pages.
 * Returns the bytes that are gone; *all: every run was unmapped. */
static size_t settle(const struct part *part, bool drop_failed, bool *all)
{
	struct slab_span *span = part->span;
	size_t slab_bytes = slab_span_slab_bytes(span), kept = 0;

	*all = true;
	for (uint32_t k = 0; k < part->n_runs; k++) {
		const struct run *run = &plan.runs[part->first_run + k];

		if (run->unmap) {
			slab_span_set_holes(span, run->first, run->n, true);
			continue;
		}
		*all = false;
		for (uint32_t i = run->first; drop_failed && i < run->first + run->n; i++) {
			slab_span_set_warm(span, i);
			kept += slab_bytes;
		}
	}
	return part->warm_bytes > kept ? part->warm_bytes - kept : 0;
}

static void forget(struct slab_span *span)
{
	/* every slab is a hole or lost by now: neither counts any longer */
	slab_root.holes -= slab_bit_runs(span->hole, SLAB_SPAN_WORDS);
	slab_root.lost_holes -= span->n_lost;
	slab_meta_put(SLAB_META_SPAN, span);
}

/* Does what is planned; under span_lock, which it drops in between. Returns bytes given back. */
static size_t execute(void)
{
	size_t returned = 0;
	bool drop_failed, all;

	if (plan.n_parts == 0)
		return 0;
	pthread_mutex_unlock(&slab_root.span_lock);
	drop_failed = carry_out();
	pthread_mutex_lock(&slab_root.span_lock);
	for (uint32_t p = 0; p < plan.n_parts; p++) {
		const struct part *part = &plan.parts[p];

		returned += settle(part, drop_failed, &all);
		part->span->busy = false;
		if (part->whole && all)
			forget(part->span);
		else if (part->whole)
			slab_span_relink(part->span); /* at the head: this sweep is past it */
		else
			slab_span_place(part->span);
	}
	plan.n_runs = plan.n_parts = 0;
	return returned;
}

/* Plans one span; carries out the plan when that is full. Others may cut spans anew meanwhile, and
 * take them off the list, but not the next one: the sweep goes on there. */
static size_t return_span(struct slab_span *span, struct slab_list *after, bool thorough)
{
	struct slab_span *next = slab_container(after, struct slab_span, all_link);
	bool is_last = after == &slab_root.spans[span->order];
	size_t returned;

	plan_span(span, thorough);
	if (plan.n_runs < PLAN_RUNS && plan.n_parts < PLAN_SPANS)
		return 0;
	if (!is_last)
		next->busy = true;
	returned = execute();
	if (!is_last) {
		next->busy = false;
		slab_span_place(next);
	}
	return returned;
}

/* What a span has to give, in pages; the more of it lies together, the cheaper: a call pays for
 * each 2 MiB that it touches as for a dozen pages. An empty one comes before all others. */
static size_t yield_pages(const struct slab_span *span)
{
	size_t pages = span->n_warm * slab_span_slab_bytes(span) / slab_root.page_bytes;

	return slab_span_is_empty(span) || pages > YIELD_MOST ? YIELD_MOST : pages;
}

/* The yield from which on spans together have so much to give. */
static size_t least_yield(size_t bytes)
{
	static size_t by_yield[YIELD_MOST + 1]; /* warm bytes; under return_lock */
	size_t yield = YIELD_MOST, sum;
	struct slab_list *pos;

	memset(by_yield, 0, sizeof by_yield);
	for (int order = 0; order < SLAB_ORDERS; order++) {
		slab_list_for_each(pos, &slab_root.spans[order]) {
			struct slab_span *span = slab_container(pos, struct slab_span, all_link);

			by_yield[yield_pages(span)] += span->n_warm * slab_span_slab_bytes(span);
		}
	}
	for (sum = by_yield[yield]; sum < bytes && yield > 1; sum += by_yield[yield])
		yield--;
	return yield;
}

static size_t return_spans(size_t least, size_t keep_bytes)
{
	struct slab_list *pos, *after;
	size_t returned = 0;

	for (int order = 0; order < SLAB_ORDERS; order++) {
		slab_list_for_each_safe(pos, after, &slab_root.spans[order]) {
			struct slab_span *span = slab_container(pos, struct slab_span, all_link);

			if (slab_root.reserve.warm_bytes <= keep_bytes)
				return returned;
			if (span->n_warm > 0 && yield_pages(span) >= least)
				returned += return_span(span, after, false);
		}
	}
	return returned;
}

/* Much has gone back and little of it was wanted again: keep less. */
static void note_returned(size_t bytes)
{
	struct slab_reserve *r = &slab_root.reserve;
	size_t smaller;

	r->returned_bytes += bytes;
	r->gone_bytes += bytes;
	if (r->returned_bytes < 8 * r->reserve_bytes || r->reserve_bytes == 0)
		return;
	smaller = r->reserve_bytes / 2;
	slab_write(&r->reserve_bytes, smaller > r->min_bytes ? smaller : r->min_bytes);
	r->returned_bytes = r->reserve_bytes; /* still worth noticing when it is wanted again */
	r->refault_bytes = 0;
}

size_t slab_return_excess(size_t keep_bytes)
{
	size_t returned = 0;

	pthread_mutex_lock(&slab_root.return_lock);
	pthread_mutex_lock(&slab_root.span_lock);
	if (slab_root.reserve.warm_bytes > keep_bytes)
		returned = return_spans(least_yield(slab_root.reserve.warm_bytes - keep_bytes),
		                        keep_bytes);
	returned += execute();
	note_returned(returned);
	pthread_mutex_unlock(&slab_root.span_lock);
	pthread_mutex_unlock(&slab_root.return_lock);
	return returned;
}

size_t slab_return_all(int order)
{
	struct slab_list *pos, *after;
	size_t returned = 0;

	pthread_mutex_lock(&slab_root.return_lock);
	pthread_mutex_lock(&slab_root.span_lock);
	for (int o = 0; o < SLAB_ORDERS; o++) {
		if (order != SLAB_ALL_ORDERS && order != o)
			continue;
		slab_list_for_each_safe(pos, after, &slab_root.spans[o]) {
			struct slab_span *span = slab_container(pos, struct slab_span, all_link);

			returned += return_span(span, after, true);
		}
	}
	returned += execute();
	pthread_mutex_unlock(&slab_root.span_lock);
	pthread_mutex_unlock(&slab_root.return_lock);
	return returned;
}
