/*
 * test_span.c - memory for one slab at a time: warm slabs first, whoever had them; holes may be
 * lost
 *
 * The caches here only say which order of slab is wanted; their own lists of slabs stay empty.
 */
#include "test/unit.h"
#include "slab/list.h"
#include "slab/map.h"
#include "slab/page.h"
#include "slab/return.h"
#include "slab/span.h"
#include "slab/take.h"

#define MANY 64

static struct slab_cache *a, *b;
static struct slab *slabs[MANY];

static void make(void)
{
	slab_return_all(-1);
	a = new_cache("a", 64);
	b = new_cache("b", 100);
	cr_assert_eq(a->geo.order, b->geo.order);
}

static void unmake(void)
{
	slab_return_all(-1);
	end_cache(a);
	end_cache(b);
}

TestSuite(span, .init = make, .fini = unmake);

static void take_many(struct slab_cache *c, int n)
{
	for (int i = 0; i < n; i++) {
		slabs[i] = slab_span_take(c);
		cr_assert_not_null(slabs[i]);
		slabs[i]->cookie = 1; /* as if it had a header */
	}
}

/* Headers of two caches stand at different places of the same slab. */
static bool same_slab(const struct slab *s, const struct slab *t)
{
	return slab_base(&a->geo, s) == slab_base(&a->geo, t);
}

Test(span, what_is_taken_is_held_until_it_is_put)
{
	size_t held = slab_root.reserve.held_bytes, warm = slab_root.reserve.warm_bytes;

	take_many(a, 3);
	cr_assert_eq(slab_root.reserve.held_bytes, held + 3 * 4096);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(slab_of(&a->geo, slabs[i]), slabs[i]);
		cr_assert_eq(held_at((void *)(slab_base(&a->geo, slabs[i]) + 4095)), slabs[i]);
	}
	cr_assert(slabs[0] != slabs[1] && slabs[1] != slabs[2] && slabs[0] != slabs[2]);
	for (int i = 0; i < 3; i++)
		slab_span_put(a, slabs[i]);
	cr_assert_eq(slab_root.reserve.held_bytes, held);
	cr_assert_eq(slab_root.reserve.warm_bytes, warm + 3 * 4096);
	cr_assert_null(held_at(slabs[0]));
	cr_assert_eq(slabs[0]->cookie, 0); /* nobody's: a late free is seen */
}

Test(span, another_cache_of_the_order_gets_the_warm_one)
{
	struct slab *s = slab_span_take(a), *t;
	uint64_t calls;

	slab_span_put(a, s);
	calls = slab_page_calls.map + slab_page_calls.populate;
	cr_assert(same_slab(t = slab_span_take(b), s));
	cr_assert_eq(slab_page_calls.map + slab_page_calls.populate, calls);
	slab_span_put(b, t);
}

Test(span, another_order_does_not)
{
	struct slab_cache *wide = new_cache("wide", 5000);
	struct slab *s = slab_span_take(a), *kept = slab_span_take(a), *w;

	slab_span_put(a, s);
	w = slab_span_take(wide);
	cr_assert_neq(slab_map_span(w), slab_map_span(s));
	cr_assert_eq(slab_of(&wide->geo, w), w);
	slab_span_put(wide, w);
	slab_span_put(a, kept);
	end_cache(wide);
}

static void warm_is_counted(void)
{
	size_t bytes = 0;

	for (uint32_t order = 0; order < SLAB_ORDERS; order++) {
		struct slab_list *pos;
		uint64_t slabs_warm = 0;

		slab_list_for_each(pos, &slab_root.spans[order])
			slabs_warm += slab_container(pos, struct slab_span, all_link)->n_warm;
		bytes += slabs_warm * ((size_t)4096 << order);
		slab_list_for_each(pos, &slab_root.warm[order])
			slabs_warm -= slab_container(pos, struct slab_span, warm_link)->n_warm;
		cr_assert_eq(slabs_warm, 0); /* the list has them all */
	}
	cr_assert_eq(slab_root.reserve.warm_bytes, bytes);
}

Test(span, an_empty_span_is_cut_anew_for_another_order)
{
	struct slab_cache *wide = new_cache("wide", 5000);
	struct slab *s = slab_span_take(a), *w;
	struct slab_span *span = slab_map_span(s);
	uint64_t calls, mapped = slab_root.mapped_bytes;

	slab_span_put(a, s);
	warm_is_counted();
	calls = slab_page_calls.map + slab_page_calls.populate;
	w = slab_span_take(wide);
	cr_assert_eq(slab_map_span(w), span);
	cr_assert_eq(slab_base(&wide->geo, w), span->base);
	cr_assert_eq(span->order, wide->geo.order);
	cr_assert_eq(span->slabs * (size_t)wide->geo.slab_bytes, span->bytes);
	cr_assert_eq(slab_map_order1(w), wide->geo.order + 1);
	cr_assert_eq(slab_page_calls.map + slab_page_calls.populate, calls);
	cr_assert_eq(slab_root.mapped_bytes, mapped);
	warm_is_counted();
	slab_span_put(wide, w);
	w = slab_span_take(a); /* and back */
	cr_assert_eq(slab_map_span(w), span);
	cr_assert_eq(span->order, 0);
	warm_is_counted();
	slab_span_put(a, w);
	end_cache(wide);
}

Test(span, spans_grow_with_what_is_taken)
{
	uint64_t mapped = slab_root.mapped_bytes, calls = slab_page_calls.map;
	enum { LOTS = 2048 };
	static struct slab *lots[LOTS];

	for (int i = 0; i < LOTS; i++)
		cr_assert_not_null(lots[i] = slab_span_take(a));
	cr_assert_leq(slab_root.mapped_bytes - mapped, 2 * LOTS * (size_t)4096);
	cr_assert_leq(slab_page_calls.map - calls, 30);
	cr_assert_gt(slab_map_span(lots[LOTS - 1])->bytes, SLAB_SPAN_MIN_BYTES);
	for (int i = 0; i < LOTS; i++)
		slab_span_put(a, lots[i]);
	slab_return_all(-1);
	cr_assert_eq(slab_root.mapped_bytes, mapped);
}

Test(span, a_hole_is_mapped_again)
{
	uint64_t mapped;

	take_many(a, MANY);
	mapped = slab_root.mapped_bytes;
	for (int i = 0; i < MANY; i += 2)
		slab_span_put(a, slabs[i]);
	cr_assert_gt(slab_return_all(0), 0);
	cr_assert_geq(slab_root.holes, MANY / 2 - 4);
	cr_assert_leq(slab_root.mapped_bytes, mapped - MANY / 2 * 4096);
	cr_assert_null(held_at(slabs[0])); /* a hole is not ours */
	for (int i = 0; i < MANY; i += 2) {
		cr_assert_not_null(slabs[i] = slab_span_take(a));
		cr_assert_eq(slabs[i]->cookie, 0); /* fresh */
	}
	cr_assert_leq(slab_root.holes, 4); /* of the tail of the last span at most */
	cr_assert_eq(slab_root.lost_holes, 0);
	for (int i = 0; i < MANY; i++)
		slab_span_put(a, slabs[i]);
	slab_return_all(-1);
	cr_assert_eq(slab_root.holes, 0);
}

Test(span, a_hole_that_somebody_took_is_lost_and_left_alone)
{
	uintptr_t stranger;

	take_many(a, MANY);
	for (int i = 0; i < MANY; i += 2)
		slab_span_put(a, slabs[i]);
	slab_return_all(0);
	stranger = slab_base(&a->geo, slabs[10]);
	cr_assert_eq(slab_page_map_at(stranger, 4096), 0);
	*(uint64_t *)stranger = 4711;
	for (int i = 0; i < MANY; i += 2) {
		slabs[i] = slab_span_take(a);
		cr_assert(slabs[i] != NULL && slab_base(&a->geo, slabs[i]) != stranger);
	}
	cr_assert_eq(totals().lost_holes, 1);
	cr_assert_null(held_at((void *)stranger));
	cr_assert_eq(slab_cache_verify(a), 0); /* the span's counters agree */
	for (int i = 0; i < MANY; i++)
		slab_span_put(a, slabs[i]);
	slab_return_all(-1);
	cr_assert_eq(totals().lost_holes, 0); /* gone with its span */
	cr_assert_eq(totals().holes, 0);
	cr_assert_eq(*(uint64_t *)stranger, 4711);
	slab_page_unmap(stranger, 4096);
}

/* In a hole of a whole granule another span of ours has been put, and has a hole there itself. */
Test(span, a_granule_of_another_span_is_lost_even_where_nothing_is_mapped)
{
	static struct slab_span another;
	struct slab_span *span;
	uintptr_t granule;

	take_many(a, MANY);
	span = slab_map_span(slabs[MANY - 1]);
	cr_assert_geq(span->bytes, 2 * SLAB_GRANULE_BYTES);
	granule = span->base;
	for (int i = 0; i < MANY; i++)
		if ((uintptr_t)slabs[i] - granule < SLAB_GRANULE_BYTES)
			slab_span_put(a, slabs[i]);
	slab_return_all(0);
	cr_assert(slab_map_enter(granule, SLAB_GRANULE_BYTES, &another, 3));
	for (int i = 0; i < MANY; i++) {
		if ((uintptr_t)slabs[i] - granule >= SLAB_GRANULE_BYTES)
			continue;
		cr_assert_not_null(slabs[i] = slab_span_take(a));
		cr_assert_eq(held_at(slabs[i]), slabs[i]);
		cr_assert_neq(slab_map_span(slabs[i]), span);
	}
	cr_assert_eq(span->n_lost, SLAB_GRANULE_BYTES / 4096);
	slab_map_leave(granule, SLAB_GRANULE_BYTES, &another);
	for (int i = 0; i < MANY; i++)
		slab_span_put(a, slabs[i]);
}

Test(span, without_memory_it_gives_none_and_loses_nothing)
{
	uint64_t mapped = slab_root.mapped_bytes;
	int n = 0;

	slab_page_fail_map_at = -1;
	while (n < MANY && (slabs[n] = slab_span_take(a)) != NULL)
		n++;
	cr_assert_lt(n, MANY);
	cr_assert_eq(slab_root.mapped_bytes, mapped);
	slab_page_fail_map_at = 1; /* one failure: a smaller span will do */
	take_many(a, 1);
	slab_page_fail_map_at = 0;
	slab_span_put(a, slabs[0]);
}

/* A cache of a mebibyte or more takes whole spans of its own. */
static struct slab *take_as_large(struct slab_cache *c)
{
	struct slab *s;

	slab_write(&c->slabs.slabs, 1000);
	s = slab_span_take(c);
	slab_write(&c->slabs.slabs, 0);
	cr_assert_not_null(s);
	return s;
}

Test(span, a_large_cache_has_spans_of_its_own)
{
	struct slab *other = slab_span_take(b), *s = take_as_large(a);
	struct slab_span *span = slab_map_span(s);

	cr_assert_eq(span->owner, a);
	cr_assert_null(slab_map_span(other)->owner);
	slab_span_put(a, s);
	for (uint32_t i = 0; i < span->slabs; i++)
		cr_assert(slab_bit_test(span->free, i));
	cr_assert_null(span->owner); /* empty: anybody's */
	slab_span_put(b, other);
}

Test(span, a_span_outlives_the_cache_that_owned_it)
{
	struct slab_cache *large = new_cache("large", 64);
	struct slab *kept = take_as_large(large), *lent = take_as_large(large), *s;
	struct slab_span *span = slab_map_span(lent);

	slab_span_put(large, lent);
	while (!same_slab(s = slab_span_take(b), lent) && slab_map_span(s) == span)
		slab_span_put(b, s);
	cr_assert(same_slab(s, lent)); /* no other warm one: b gets it */
	slab_span_put(large, kept);
	end_cache(large);
	cr_assert_null(span->owner, "a span belongs to a destroyed cache");
	slab_span_put(b, s);
}

Test(span, a_huge_span_goes_back_whole_or_not_at_all)
{
	struct slab *one, *two;

	cr_assert_eq(slab_set(SLAB_HUGEPAGES, 1), 0);
	one = slab_span_take(a);
	two = slab_span_take(a);
	cr_assert_eq(slab_set(SLAB_HUGEPAGES, 0), 0);
	cr_assert(slab_map_span(one)->huge);
	cr_assert_eq(slab_map_span(one)->bytes, SLAB_SPAN_MAX_BYTES);
	cr_assert_eq(slab_map_span(one)->base % SLAB_SPAN_MAX_BYTES, 0);
	slab_span_put(a, one);
	cr_assert_eq(slab_return_all(0), 0);
	slab_span_put(a, two);
	cr_assert_eq(slab_return_all(0), 2 * 4096);
	cr_assert_eq(slab_map_order1(one), 0);
}
