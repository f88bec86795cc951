/* test_depot.c - the shelf: last in first out, counts and pins kept, contention noticed */
#define _GNU_SOURCE
#include "test/unit.h"
#include "slab/depot.h"
#include "slab/list.h"
#include "slab/meta.h"
#include "slab/release.h"
#include "slab/slot.h"
#include "slab/thread.h"

static struct slab_cache *c;

static void make(void)
{
	c = new_cache("shelved", 128);
	slab_write(&c->slabs.slabs, 3); /* as if it had some: what a shelf can pin at most */
}

static void unmake(void)
{
	struct slab_magazine *m;

	while ((m = slab_depot_get(c, NULL)) != NULL)
		slab_magazine_put(m);
	slab_depot_drop_spares(c);
	slab_write(&c->slabs.slabs, 0);
	end_cache(c);
}

TestSuite(depot, .init = make, .fini = unmake);

static struct slab_magazine *magazine_of(uint16_t count)
{
	struct slab_magazine *m = slab_magazine_get(64);

	cr_assert_not_null(m);
	m->count = count;
	return m;
}

Test(depot, a_bare_shelf_gives_nothing)
{
	cr_assert_null(slab_depot_get(c, NULL));
	cr_assert_eq(c->depot.objects, 0);
}

Test(depot, the_last_that_was_put_comes_first)
{
	struct slab_magazine *one = magazine_of(1), *two = magazine_of(2);

	slab_depot_put(c, one);
	slab_depot_put(c, two);
	cr_assert_eq(c->depot.objects, 3);
	cr_assert_eq(slab_depot_get(c, NULL), two);
	cr_assert_null(two->next);
	cr_assert_eq(two->count, 2);
	cr_assert_eq(c->depot.objects, 1);
	cr_assert_eq(slab_depot_get(c, NULL), one);
	cr_assert_null(slab_depot_get(c, NULL));
	slab_magazine_put(one);
	slab_magazine_put(two);
}

Test(depot, an_empty_magazine_waits_for_the_next_full_one)
{
	struct slab_magazine *full = magazine_of(7), *empty = magazine_of(0);

	cr_assert_null(slab_depot_get(c, empty)); /* a bare shelf leaves it with the caller */
	cr_assert_null(slab_depot_put(c, full));
	cr_assert_eq(slab_depot_get(c, empty), full);
	cr_assert_eq(c->depot.spares, 1);
	cr_assert_eq(slab_depot_put(c, full), empty);
	cr_assert_eq(empty->count, 0);
	cr_assert_null(empty->next);
	cr_assert_eq(c->depot.spares, 0);
	slab_magazine_put(empty);
}

Test(depot, only_so_many_empty_ones_wait)
{
	for (int i = 0; i < 100; i++)
		cr_assert_null(slab_depot_put(c, magazine_of(1)));
	for (int i = 0; i < 100; i++)
		slab_magazine_put(slab_depot_get(c, magazine_of(0)));
	cr_assert_eq(c->depot.spares, 64);
	slab_depot_drop_spares(c);
	cr_assert_eq(c->depot.spares, 0);
	cr_assert_null(c->depot.spare);
}

Test(depot, of_thin_slabs_each_object_may_pin_one_but_no_more_than_there_are)
{
	uint64_t before = slab_root.depot_pin_bytes;

	slab_write(&c->slabs.thin, 3);
	slab_depot_put(c, magazine_of(2));
	cr_assert_eq(slab_root.depot_pin_bytes, before + 2 * 4096);
	slab_depot_put(c, magazine_of(40));
	cr_assert_eq(slab_root.depot_pin_bytes, before + 3 * 4096);
	cr_assert_eq(c->depot.pin_bytes, 3 * 4096);
	slab_magazine_put(slab_depot_get(c, NULL));
	cr_assert_eq(slab_root.depot_pin_bytes, before + 2 * 4096);
	slab_magazine_put(slab_depot_get(c, NULL));
	cr_assert_eq(slab_root.depot_pin_bytes, before);
	cr_assert_eq(slab_pin_bytes(c, UINT64_MAX), 3 * 4096);
	slab_write(&c->slabs.thin, 0);
}

/* 31 objects in a slab: one of three is not thin, a full one has all. */
Test(depot, of_fuller_slabs_it_takes_more_to_pin_one)
{
	cr_assert_eq(c->geo.objects, 31);
	slab_write(&c->slabs.slabs, 100);
	slab_write(&c->slabs.full, 60);
	slab_write(&c->slabs.thin, 10);
	cr_assert_eq(slab_depot_may_pin(c, 10), 10 * 4096);
	cr_assert_eq(slab_depot_may_pin(c, 10 + 3 * 29), (10 + 29) * 4096);
	cr_assert_eq(slab_depot_may_pin(c, 10 + 3 * 30), (10 + 30) * 4096);
	cr_assert_eq(slab_depot_may_pin(c, 10 + 3 * 30 + 30), (10 + 30) * 4096);
	cr_assert_eq(slab_depot_may_pin(c, 10 + 3 * 30 + 31 * 7), (10 + 30 + 7) * 4096);
	cr_assert_eq(slab_depot_may_pin(c, UINT32_MAX), 100 * 4096);
	slab_write(&c->slabs.slabs, 3000); /* 12 MiB, of which few are to be parked */
	cr_assert_eq(slab_depot_may_pin(c, 200), 200 * 4096);
	slab_write(&c->slabs.full, 0);
	slab_write(&c->slabs.thin, 0);
}

/*
 * A cache of so many slabs of 31 objects, an object of each on the shelf, as if it had been freed
 * by way of a magazine. Then all others go back to their slabs, as when a slot is closed.
 */
static struct slab_cache *drain_around_the_shelf(size_t slabs)
{
	static void *objs[31 * 400];
	struct slab_cache *drained = new_cache("drained", 128);
	struct slab__slot *slot = my_slot(drained);
	struct slab_list empties;
	struct slab_thread *t;

	slab_set(SLAB_RESERVE_BYTES, 1 << 20);
	cr_assert_eq(slab_cache_alloc_bulk(drained, slabs * 31, objs), slabs * 31);
	slab_thread_flush();
	cr_assert_eq(drained->slabs.full, slabs);
	for (size_t i = 0; i < slabs; i++) {
		struct slab_magazine *m = magazine_of(1);

		m->objs[0] = objs[31 * i];
		cr_assert_null(slab_depot_put(drained, m));
	}
	slab_write(&slot->net, slot->net - (int64_t)slabs);
	cr_assert_eq(drained->depot.pin_bytes, slabs / 31 * 4096);
	slab_list_init(&empties);
	t = slab_thread_lock();
	for (size_t i = 0; i < slabs; i++)
		slab_slot_give(drained, slot, &objs[31 * i + 1], 30, &empties);
	slab_release(t, &empties);
	slab_thread_unlock(t);
	figures_agree(drained);
	return drained;
}

static void end_drained(struct slab_cache *drained)
{
	slab_root.reserve.reserve_bytes = slab_root.reserve.min_bytes = 512 << 10;
	slab_root.reserve.max_bytes = 4 << 20;
	slab_cache_shrink(drained);
	end_cache(drained);
}

Test(depot, is_reckoned_again_as_slabs_become_emptier)
{
	struct slab_cache *drained = drain_around_the_shelf(200);

	cr_assert_eq(drained->depot.objects, 200);
	cr_assert_eq(drained->depot.pin_bytes, 200 * 4096);
	end_drained(drained);
}

Test(depot, what_pins_too_much_by_then_goes_back_as_well)
{
	struct slab_cache *drained = drain_around_the_shelf(400);

	cr_assert_eq(drained->depot.objects, 0);
	cr_assert_eq(figures(drained).slabs, 0);
	end_drained(drained);
}

/* What may be put there must be charged as it was judged, or it is put and flushed in turn. */
Test(depot, what_one_cache_puts_there_does_not_empty_the_others)
{
	enum { MANY = 60 * 63 };
	static void *one[MANY], *two[MANY];
	struct slab_cache *first = new_cache("first", 64), *second = new_cache("second", 64);

	slab_set(SLAB_RESERVE_BYTES, 512 << 10);
	cr_assert_eq(slab_cache_alloc_bulk(first, MANY, one), MANY);
	cr_assert_eq(slab_cache_alloc_bulk(second, MANY, two), MANY);
	slab_cache_free_bulk(first, 1500, one);
	cr_assert_gt(first->depot.objects, 500);
	for (int round = 0; round < 10; round++) {
		uint64_t before = first->depot.objects;

		slab_cache_free_bulk(second, 1500, two);
		cr_assert_eq(first->depot.objects, before);
		cr_assert_eq(slab_cache_alloc_bulk(second, 1500, two), 1500);
	}
	slab_cache_free_bulk(first, MANY - 1500, one + 1500);
	slab_cache_free_bulk(second, MANY, two);
	slab_thread_flush();
	slab_root.reserve.reserve_bytes = slab_root.reserve.min_bytes = 512 << 10;
	slab_root.reserve.max_bytes = 4 << 20;
	end_cache(first);
	end_cache(second);
}

Test(depot, a_reader_sees_an_even_generation_at_rest)
{
	uint64_t before = c->depot.generation;

	slab_depot_put(c, magazine_of(1));
	cr_assert_eq(c->depot.generation, before + 2);
	cr_assert_eq(before % 2, 0);
}

/* One window of exchanges, in which the lock was found taken so many times. */
static void window(uint32_t contended)
{
	c->depot.exchanges = 0;
	c->depot.contended = contended;
	slab_depot_put(c, magazine_of(1));
	for (int i = 0; i < 63; i++) {
		struct slab_magazine *m = slab_depot_get(c, NULL);

		if (m != NULL)
			slab_depot_put(c, m);
	}
}

Test(depot, contention_makes_magazines_larger_up_to_the_largest)
{
	uint32_t cap = c->magazine_cap = 32; /* as of larger objects */

	window(0);
	cr_assert_eq(c->magazine_cap, cap);
	window(100);
	cr_assert_eq(c->magazine_cap, 2 * cap);
	for (int i = 0; i < 10; i++)
		window(100);
	cr_assert_eq(c->magazine_cap, SLAB_MAGAZINE_MAX);
}

/* Two threads that hand objects on: one magazine, however long, would not pass the depot. */
Test(depot, contention_makes_no_pair_one_magazine)
{
	enum { MANY = 3000 };
	static void *objs[MANY];
	struct slab_cache *wide = new_cache("wide", 1024);

	wide->magazine_cap = SLAB_MAGAZINE_MAX;
	cr_assert_eq(slab_cache_alloc_bulk(wide, MANY, objs), MANY);
	slab_cache_free_bulk(wide, 100, objs);
	cr_assert_not_null(my_slot(wide)->prev);
	slab_cache_free_bulk(wide, MANY - 100, objs + 100);
	end_cache(wide);
}

#ifdef PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP
static int kind(const pthread_mutex_t *lock)
{
	return lock->__data.__kind & 3;
}

/* Two threads that hand objects on sleep and wake each other at every other exchange otherwise. */
Test(depot, who_finds_a_short_lock_taken_looks_again_before_he_sleeps)
{
	cr_assert_eq(kind(&c->depot.lock), PTHREAD_MUTEX_ADAPTIVE_NP);
	cr_assert_eq(kind(&c->slabs.lock), PTHREAD_MUTEX_ADAPTIVE_NP);
	cr_assert_eq(kind(&slab_root.span_lock), PTHREAD_MUTEX_ADAPTIVE_NP);
	cr_assert_eq(kind(&slab_root.meta_lock), PTHREAD_MUTEX_ADAPTIVE_NP);
}
#endif
