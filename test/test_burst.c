/* test_burst.c - after a burst of frees objects are served in the order of their addresses */
#include "test/unit.h"
#include "slab/depot.h"
#include "slab/meta.h"
#include "slab/slablist.h"

#include <pthread.h>
#include <sched.h>

#define N    60000 /* of 64 bytes: 3.7 MiB, less than what counts as scattered */
#define LONG (16 * SLAB_MAGAZINE_MAX) /* objects, of which magazines are short: as in budget.c */

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

/* The first n, in the same order at each run, so that every slab of theirs loses some. */
static void shuffle_first(size_t n)
{
	uint32_t x = 1;

	for (; n > 1; n--) {
		size_t at;
		void *p = objs[n - 1];

		x = x * 1664525 + 1013904223;
		at = x % n;
		objs[n - 1] = objs[at];
		objs[at] = p;
	}
}

static void shuffle(void)
{
	shuffle_first(N);
}

/* Takes what the loaded magazine holds into objs[at] and on. Returns what comes next. */
static size_t take_loaded(size_t at)
{
	size_t n = slab_slot_count(my_slot(c)) + (slab_slot_hot(my_slot(c)) != NULL);

	take(at, n);
	return at + n;
}

static size_t take_loaded_and_one(size_t at)
{
	at = take_loaded(at);
	take(at, 1);
	return at + 1;
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
Test(burst, one_that_is_eight_times_what_is_parked_is_long_enough)
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
		slab_write(&c->slabs.given, 8 * parked - less);
		at = take_loaded_and_one(0);
		if (less > 0) { /* nothing was given, nothing taken */
			cr_expect_eq(c->slabs.given, 8 * parked - less);
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
	for (at = N / 2; at < N / 2 + 2000; at++) { /* it holds for seven exchanges */
		slab_write(&c->slabs.given, LONG - 1);
		give(at, 1);
	}
	cr_expect_gt(my_slot(c)->cap, 64);
	for (; at < N / 2 + 8000; at++) {
		slab_write(&c->slabs.given, LONG);
		give(at, 1);
	}
	cr_expect_eq(my_slot(c)->cap, 32);
	for (at = 0; at < 2000; at++)
		take(at, 1);
	cr_expect_gt(my_slot(c)->cap, 64);
	give(0, at);
	give(N / 2 + 8000, N / 2 - 8000);
}

/* Slabs that are emptied one by one leave the others full: there is no order to keep. */
Test(burst, one_in_order_is_none)
{
	take(0, N);
	give(0, N / 2);
	cr_expect_gt(c->slabs.given, LONG);
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
	cr_assert(slab_slablist_is_draining(c, LONG));
	take(0, 600);
	cr_expect_eq(c->slabs.given, 0);
	cr_expect_not(slab_slablist_is_draining(c, 1));
	give(0, 600);
	give(at, N - at);
}

/* Nor is one that leaves most slabs full. */
Test(burst, goes_through_most_slabs)
{
	for (size_t part = 2; part <= 3; part++) {
		size_t n = N * part / 5;

		take(0, N);
		shuffle_first(n);
		give(0, n / 2);
		cr_expect_gt(c->slabs.given, LONG);
		cr_expect_eq(slab_slablist_is_draining(c, 1), part == 3);
		give(n / 2, N - n / 2);
	}
}

/* ---- another thread, which frees meanwhile ---- */

enum { SHELVED = 200, EACH = 32 };

static struct {
	struct slab_magazine *m[SHELVED];
	size_t done; /* so many stand in the depot, or have */
	bool ready, stop;
} other;

/* As soon as the depot is bare one more magazine comes. */
static void *shelve(void *arg)
{
	struct slab_thread *t = slab_thread_lock();

	(void)arg;
	__atomic_store_n(&other.ready, true, __ATOMIC_RELAXED);
	while (other.done < SHELVED && !__atomic_load_n(&other.stop, __ATOMIC_RELAXED)) {
		if (slab_read(&c->depot.objects) > 0)
			continue;
		slab_magazine_put(slab_depot_put(c, other.m[other.done]));
		slab_write(&other.done, other.done + 1);
	}
	slab_thread_unlock(t);
	return NULL;
}

/* Puts objs[n] and on into magazines, to be parked by the other thread. */
static void prepare(size_t n)
{
	for (size_t i = 0; i < SHELVED; i++) {
		struct slab_magazine *m = slab_magazine_get(EACH);

		cr_assert_not_null(m);
		for (m->count = 0; m->count < EACH; m->count++)
			m->objs[m->count] = objs[n + i * EACH + m->count];
		other.m[i] = m;
	}
	slab_write(&my_slot(c)->net, my_slot(c)->net - SHELVED * EACH);
	other.done = 0;
	other.ready = other.stop = false;
}

/* One alloc gives back what stood there when it came, not all that others free meanwhile. */
Test(burst, an_alloc_leaves_what_others_park_meanwhile)
{
	pthread_t thread;
	size_t at;

	take(0, N);
	shuffle();
	give(0, N / 2);
	prepare(N / 2);
	at = take_loaded(0);
	cr_assert_gt(c->depot.objects, 0);
	cr_assert_eq(pthread_create(&thread, NULL, shelve, NULL), 0);
	while (!__atomic_load_n(&other.ready, __ATOMIC_RELAXED))
		sched_yield();
	take(at, 1);
	__atomic_store_n(&other.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	cr_expect_eq(c->slabs.given, 0);
	cr_expect_eq(c->depot.objects, other.done * EACH, "%zu came", other.done);
	for (; other.done < SHELVED; other.done++)
		slab_magazine_put(slab_depot_put(c, other.m[other.done]));
	give(0, at + 1);
	give(N / 2 + SHELVED * EACH, N / 2 - SHELVED * EACH);
}

/* ---- destructors ---- */

static struct slab_cache *inner;
static int depth, deepest;

static void end_inner(void *obj, void *ctx)
{
	(void)obj, (void)ctx;
	if (++depth > deepest)
		deepest = depth;
	depth--;
}

static void end_outer(void *obj, void *ctx)
{
	end_inner(obj, ctx);
	depth++;
	slab_cache_free(inner, slab_cache_alloc(inner));
	depth--;
}

/* What an alloc in a destructor lets go is destructed behind it, as with free. */
Test(burst, destructors_do_not_run_within_each_other)
{
	struct slab_cache_args in = { .dtor = end_inner }, out = { .dtor = end_outer };
	struct slab_cache *plain = c, *outer = slab_cache_create("outer", 2048, &out);
	uint64_t released;
	size_t taken;

	c = inner = slab_cache_create("inner", 64, &in);
	take(0, N);
	shuffle();
	give(0, N - 100);
	taken = take_loaded(0);
	deepest = 0;
	released = c->slabs.released_slabs;
	slab_cache_free(outer, slab_cache_alloc(outer));
	slab_cache_shrink(outer);
	cr_expect_gt(c->slabs.released_slabs, released);
	cr_expect_eq(deepest, 1);
	slab_thread_flush();
	cr_expect_eq(figures(inner).objects_live, 100 + taken);
	give(0, taken);
	give(N - 100, 100);
	end_cache(outer);
	end_cache(inner);
	c = plain;
}
