/*
 * test_return.c - giving pages back: whole spans, long runs, short runs, and a kernel that refuses
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/syscall.h>

#include "test/unit.h"
#include "slab/map.h"
#include "slab/meta.h"
#include "slab/page.h"
#include "slab/return.h"
#include "slab/span.h"
#include "slab/take.h"

#define MANY 256
#define PAGE ((size_t)4096)

static struct slab_cache *c;
static struct slab *slabs[MANY];
static struct slab_span *last; /* the largest span: 64 slabs at least */

static void make(void)
{
	slab_return_all(SLAB_ALL_ORDERS);
	c = new_cache("returns", 64);
	cr_assert_eq(c->geo.slab_bytes, PAGE);
	for (int i = 0; i < MANY; i++) {
		cr_assert_not_null(slabs[i] = slab_span_take(c));
		slabs[i]->cookie = 1;
	}
	last = slab_map_span(slabs[MANY - 1]);
	cr_assert_geq(last->slabs, 128);
}

static bool is_held(const struct slab *s)
{
	struct slab *held;

	pthread_mutex_lock(&slab_root.span_lock);
	held = slab_span_held_locked(s);
	pthread_mutex_unlock(&slab_root.span_lock);
	return held == s;
}

static uintptr_t page_of_last(uint32_t i)
{
	return last->base + i * PAGE;
}

static struct slab *in_last(uint32_t i)
{
	return slab_of(&c->geo, (void *)page_of_last(i));
}

static void put(uint32_t first, uint32_t n)
{
	for (uint32_t i = first; i < first + n; i++)
		slab_span_put(c, in_last(i));
}

static void unmake(void)
{
	for (int i = 0; i < MANY; i++)
		if (is_held(slabs[i]))
			slab_span_put(c, slabs[i]);
	slab_return_all(SLAB_ALL_ORDERS);
	cr_assert_eq(slab_root.reserve.warm_bytes, 0);
	cr_assert_eq(slab_root.holes, 0);
	end_cache(c);
}

TestSuite(returning, .init = make, .fini = unmake);

Test(returning, keeps_what_it_is_told_to_keep)
{
	size_t left;

	for (int i = 0; i < MANY; i++)
		slab_span_put(c, slabs[i]);
	cr_assert_eq(slab_root.reserve.warm_bytes, MANY * PAGE);
	cr_assert_eq(slab_return_excess(MANY * PAGE), 0);
	cr_assert_gt(slab_return_excess(100 * PAGE), 0);
	cr_assert_leq(slab_root.reserve.warm_bytes, 100 * PAGE);
	left = slab_root.reserve.warm_bytes;
	cr_assert_eq(slab_return_excess(0), left);
	cr_assert_eq(slab_root.reserve.warm_bytes, 0);
}

Test(returning, empty_spans_go_first_and_leave_no_hole)
{
	size_t bytes = last->bytes, mapped = slab_root.mapped_bytes;
	uintptr_t base = last->base;

	put(0, last->slabs);
	slab_span_put(c, slabs[0]); /* of another span, which is not empty */
	cr_assert_eq(slab_return_excess(PAGE), bytes);
	cr_assert_eq(slab_root.holes, 0);
	cr_assert_eq(slab_root.mapped_bytes, mapped - bytes);
	cr_assert_eq(slab_map_order1((void *)base), 0);
}

Test(returning, long_runs_are_unmapped_and_short_ones_dropped)
{
	struct slab_page_calls before = slab_page_calls;

	put(0, 70);
	put(80, 10);
	cr_assert_eq(slab_return_excess(0), 80 * PAGE);
	cr_assert_eq(slab_page_calls.unmap, before.unmap + 1);
	cr_assert_eq(slab_page_calls.drop, before.drop + 1);
	cr_assert_eq(slab_root.holes, 1);
	cr_assert_eq(slab_page_map_at(page_of_last(0), PAGE), 0); /* it is free indeed */
	slab_page_unmap(page_of_last(0), PAGE);
	cr_assert_eq(slab_page_map_at(page_of_last(80), PAGE), EEXIST);
	cr_assert_eq(((uint64_t *)in_last(80))[1], 0); /* its page is a new one */
	cr_assert_eq(in_last(75)->cookie, 1);          /* what is held is untouched */
}

Test(returning, many_spans_give_in_one_call)
{
	struct slab_page_calls before = slab_page_calls;

	/* an empty span, one with much to give, one with little: each is a pass of its own */
	for (int i = 0; i < MANY; i++)
		if (slab_map_span(slabs[i]) != last && i % 2 == 0)
			slab_span_put(c, slabs[i]);
	put(3, 1);
	slab_return_excess(0);
	cr_assert_eq(slab_page_calls.drop, before.drop + 1);
	cr_assert_eq(slab_root.reserve.warm_bytes, 0);
}

Test(returning, all_unmaps_whatever_the_length)
{
	put(10, 1);
	put(20, 2);
	cr_assert_eq(slab_return_all(0), 3 * PAGE);
	cr_assert_eq(slab_root.holes, 2);
	cr_assert_eq(slab_return_all(0), 0);
	cr_assert_eq(slab_return_all(1), 0);
}

Test(returning, without_room_for_holes_pages_are_dropped)
{
	struct slab_page_calls before = slab_page_calls;
	uint64_t holes = slab_root.holes;

	put(0, 70);
	slab_root.holes = 1000000;
	cr_assert_eq(slab_return_excess(0), 70 * PAGE);
	cr_assert_eq(slab_root.holes, 1000000);
	slab_root.holes = holes;
	cr_assert_eq(slab_page_calls.unmap, before.unmap);
	cr_assert_eq(slab_page_calls.drop, before.drop + 1);
	cr_assert_eq(slab_page_map_at(page_of_last(0), PAGE), EEXIST);
}

Test(returning, a_refusing_kernel_costs_nothing_but_memory)
{
	uint64_t failures = totals().unmap_failures;

	put(0, 70);
	slab_page_fail_unmap = ENOMEM;
	cr_assert_eq(slab_return_excess(0), 0);
	slab_page_fail_unmap = 0;
	cr_assert_gt(totals().unmap_failures, failures);
	cr_assert_eq(slab_root.reserve.warm_bytes, 70 * PAGE);
	cr_assert_eq(last->n_warm, 70);
	cr_assert_eq(slab_root.holes, 0);
	cr_assert_eq(slab_return_excess(0), 70 * PAGE);
}

Test(returning, an_empty_span_that_cannot_be_unmapped_is_used_again)
{
	uintptr_t base = last->base;
	struct slab *s;

	put(0, last->slabs);
	slab_page_fail_unmap = ENOMEM;
	cr_assert_eq(slab_return_all(0), 0);
	slab_page_fail_unmap = 0;
	cr_assert_eq(slab_map_span((void *)base), last);
	s = slab_span_take(c);
	cr_assert_eq(slab_map_span(s), last);
	slab_span_put(c, s);
	cr_assert_eq(slab_cache_verify(c), 0);
}

/* In a hole of ours the kernel has put another span of ours: its granule stays its own. */
Test(returning, a_granule_that_went_to_another_span_stays_there)
{
	static struct slab_span another;
	uintptr_t granule = last->base + SLAB_GRANULE_BYTES;

	put(16, 16); /* one whole granule */
	cr_assert_eq(slab_return_all(0), 16 * PAGE);
	pthread_mutex_lock(&slab_root.span_lock);
	cr_assert(slab_map_enter(granule, SLAB_GRANULE_BYTES, &another, 3));
	pthread_mutex_unlock(&slab_root.span_lock);
	put(0, 16);
	put(32, last->slabs - 32);
	slab_page_fail_unmap = ENOMEM;
	slab_return_all(0);
	slab_page_fail_unmap = 0;
	cr_assert_eq(slab_map_span((void *)granule), &another);
	cr_assert_eq(slab_map_order1((void *)granule), 3);
	cr_assert_eq(slab_map_span((void *)last->base), last);
	slab_return_all(0);
	cr_assert_eq(slab_map_span((void *)granule), &another);
	pthread_mutex_lock(&slab_root.span_lock);
	slab_map_leave(granule, SLAB_GRANULE_BYTES, &another);
	pthread_mutex_unlock(&slab_root.span_lock);
}

/* Puts a span of ours, warm and of order 1, into a hole of one granule. */
static struct slab_span *span_in_hole(uintptr_t granule)
{
	struct slab_span *span, *run;

	pthread_mutex_lock(&slab_root.span_lock);
	cr_assert_not_null(span = slab_meta_get(SLAB_META_SPAN));
	cr_assert_not_null(run = slab_meta_run(granule, SLAB_GRANULE_BYTES, 0));
	cr_assert_eq(slab_page_map_at(granule, SLAB_GRANULE_BYTES), 0);
	slab_root.mapped_bytes += SLAB_GRANULE_BYTES;
	slab_span_adopt(span, run, NULL, 1);
	pthread_mutex_unlock(&slab_root.span_lock);
	return span;
}

/* Both are on their way when the kernel refuses, and come back, the outer one first. */
Test(returning, a_span_that_comes_back_leaves_its_holes_to_one_that_lives_there)
{
	uintptr_t granule = last->base + SLAB_GRANULE_BYTES;
	uint64_t mapped = slab_root.mapped_bytes;
	struct slab_span *inner;

	put(16, 16); /* one whole granule */
	cr_assert_eq(slab_return_all(0), 16 * PAGE);
	inner = span_in_hole(granule);
	cr_assert_eq(slab_root.mapped_bytes, mapped);
	put(0, 16);
	put(32, last->slabs - 32);
	slab_page_fail_unmap = ENOMEM;
	cr_assert_eq(slab_return_all(SLAB_ALL_ORDERS), 0);
	slab_page_fail_unmap = 0;
	cr_assert_eq(slab_map_span((void *)granule), inner, "its granule is another span's");
	cr_assert_eq(slab_map_order1((void *)granule), 2);
	cr_assert_eq(slab_map_span((void *)(granule - PAGE)), last);
	cr_assert_eq(slab_map_span((void *)(granule + SLAB_GRANULE_BYTES)), last);
	mapped -= last->bytes; /* what goes: all of last but its hole, and the span in there */
	slab_return_all(SLAB_ALL_ORDERS);
	cr_assert_eq(slab_map_order1((void *)granule), 0);
	cr_assert_eq(slab_root.mapped_bytes, mapped);
}

/* ---- what others may do while the kernel's calls run ---- */

static void (*meanwhile)(void); /* in the first munmap from now on */

/* In place of the C library's, in the whole program. */
int munmap(void *p, size_t bytes)
{
	void (*now)(void) = meanwhile;

	meanwhile = NULL;
	if (now != NULL)
		now();
	return (int)syscall(SYS_munmap, p, bytes);
}

#define SMALL_SPANS 140 /* more than one return plans in one go */
#define WIDE_MOST 1000

static struct slab_cache *wide;
static struct slab *wides[WIDE_MOST];
static int n_wides;

/* Slabs of another order, until each empty span that is to be had has been cut anew for them. */
static void cut_anew_all_that_is_left(void)
{
	bool more = true;

	while (more && n_wides < WIDE_MOST) {
		cr_assert_not_null(wides[n_wides++] = slab_span_take(wide));
		pthread_mutex_lock(&slab_root.span_lock);
		more = slab_span_find_whole(wide->geo.order) != NULL;
		pthread_mutex_unlock(&slab_root.span_lock);
	}
}

static void add_empty_span(void)
{
	struct slab_span *span;

	pthread_mutex_lock(&slab_root.span_lock);
	cr_assert_not_null(span = slab_span_new(NULL, 0, SLAB_SPAN_MIN_BYTES));
	for (uint32_t i = 0; i < span->slabs; i++)
		slab_span_set_warm(span, i);
	slab_span_place(span);
	pthread_mutex_unlock(&slab_root.span_lock);
}

/* The span at which the sweep would go on is of another order by then; what comes behind it is
 * found all the same. */
Test(returning, spans_may_be_cut_anew_while_others_go)
{
	struct slab_cache *last_order = new_cache("last order", SLAB_OBJECT_MAX / 4);
	struct slab *held = slab_span_take(last_order);

	slab_span_put(last_order, slab_span_take(last_order));
	wide = new_cache("wide", 5000);
	cr_assert(wide->geo.order > 0 && wide->geo.order < last_order->geo.order);
	n_wides = 0;
	for (int i = 0; i < SMALL_SPANS; i++)
		add_empty_span();
	meanwhile = cut_anew_all_that_is_left;
	cr_assert_gt(slab_return_excess(0), 0);
	cr_assert_gt(n_wides, 0);
	cr_assert_eq(slab_map_span(held)->n_warm, 0);
	while (n_wides > 0)
		slab_span_put(wide, wides[--n_wides]);
	slab_span_put(last_order, held);
	slab_return_all(SLAB_ALL_ORDERS);
	end_cache(wide);
	end_cache(last_order);
}
