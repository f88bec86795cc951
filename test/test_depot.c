/* test_depot.c - the shelf: last in first out, counts and pins kept, contention noticed */
#define _GNU_SOURCE
#include "test/unit.h"
#include "slab/depot.h"
#include "slab/meta.h"

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

Test(depot, pins_as_many_slabs_as_objects_but_no_more_than_there_are)
{
	uint64_t before = slab_root.depot_pin_bytes;

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
