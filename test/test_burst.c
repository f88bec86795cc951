/* test_burst.c - after a burst of frees objects are served in the order of their addresses */
#include "test/unit.h"
#include "slab/slablist.h"

#define N 60000 /* of 64 bytes: 3.7 MiB, less than what counts as scattered */

static struct slab_cache *c;
static void *objs[N];

static void make(void)
{
	c = new_cache("burst", 64);
	slab_set(SLAB_RESERVE_BYTES, (size_t)512 << 10);
}

static void unmake(void)
{
	slab_thread_flush();
	end_cache(c);
	slab_root.reserve.max_bytes = (size_t)4 << 20; /* it may grow again */
}

TestSuite(burst, .init = make, .fini = unmake);

static void take(size_t from, size_t n)
{
	for (size_t i = from; i < from + n; i++)
		objs[i] = slab_cache_alloc(c);
}

static void give(size_t from, size_t n)
{
	for (size_t i = from; i < from + n; i++)
		slab_cache_free(c, objs[i]);
}

/* The same order for each run, so that every slab loses some. */
static void shuffle(void)
{
	uint32_t x = 1;

	for (size_t n = N; n > 1; n--) {
		size_t at;
		void *p = objs[n - 1];

		x = x * 1664525 + 1013904223;
		at = x % n;
		objs[n - 1] = objs[at];
		objs[at] = p;
	}
}

/* Takes what the loaded magazine holds, and one more, into objs[at] and on. Returns the next. */
static size_t take_loaded_and_one(size_t at)
{
	size_t n = slab_slot_count(my_slot(c)) + (slab_slot_hot(my_slot(c)) != NULL) + 1;

	take(at, n);
	return at + n;
}

Test(burst, what_is_parked_goes_back_before_more_is_loaded)
{
	const struct slab__slot *s;
	size_t at, after, lower = 0;

	take(0, N);
	shuffle();
	give(0, N / 2);
	s = my_slot(c);
	cr_assert_gt(s->prev_count, 0);
	cr_assert_gt(c->depot.objects, 0);
	at = take_loaded_and_one(0);
	cr_expect_eq(s->prev_count, 0);
	cr_expect_eq(c->depot.objects, 0);
	figures_agree(c);
	after = at + 2000;
	take(at, after - at);
	for (size_t i = at; i < after; i++)
		lower += (uintptr_t)objs[i] < (uintptr_t)objs[i - 1];
	cr_expect_lt(lower, (after - at) / 50, "%zu are lower", lower); /* where a span begins */
	give(0, after);
	give(N / 2, N / 2);
}

/* That is to cost a small part of what the burst has cost: a shorter one leaves all where it is. */
Test(burst, one_that_is_four_times_what_is_parked_is_long_enough)
{
	for (uint64_t less = 0; less < 2; less++) {
		const struct slab__slot *s;
		uint64_t parked;
		uint32_t count;
		size_t at;

		take(0, N);
		shuffle();
		give(0, N / 2);
		s = my_slot(c);
		count = s->prev_count;
		parked = count + c->depot.objects;
		cr_assert_gt(count, 0);
		slab_write(&c->slabs.given, 4 * parked - less);
		at = take_loaded_and_one(0);
		if (less > 0) { /* nothing was given, nothing taken */
			cr_expect_eq(c->slabs.given, 4 * parked - less);
			cr_expect_eq(slab_slot_count(s), count - 1);
		} else {
			cr_expect_eq(c->slabs.given, 0);
			cr_expect_eq(s->prev_count, 0);
		}
		give(0, at);
		give(N / 2, N / 2);
	}
}

/* Magazines are short in it, as what the loaded one holds is served first. */
Test(burst, its_magazines_are_short_and_long_again_behind_it)
{
	size_t at;

	take(0, N);
	cr_expect_gt(my_slot(c)->cap, 64);
	shuffle();
	give(0, N / 2);
	cr_expect_eq(my_slot(c)->cap, 32);
	for (at = 0; at < 2000; at++)
		take(at, 1);
	cr_expect_gt(my_slot(c)->cap, 64);
	give(0, at);
	give(N / 2, N / 2);
}

/* Slabs that are emptied one by one leave the others full: there is no order to keep. */
Test(burst, one_in_order_is_none)
{
	take(0, N);
	give(0, N / 2);
	cr_expect_gt(c->slabs.given, 4 * SLAB_MAGAZINE_MAX);
	cr_expect_not(slab_slablist_is_draining(c, 1));
	cr_expect_gt(my_slot(c)->cap, 64);
	give(N / 2, N / 2);
}

Test(burst, ends_with_the_next_object_from_a_slab)
{
	size_t at = N / 2;

	take(0, N);
	shuffle();
	give(0, at);
	cr_assert(slab_slablist_is_draining(c, 4 * SLAB_MAGAZINE_MAX));
	take(0, 600);
	cr_expect_eq(c->slabs.given, 0);
	cr_expect_not(slab_slablist_is_draining(c, 1));
	give(0, 600);
	give(at, N - at);
}
