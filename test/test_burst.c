/* test_burst.c - when a burst of frees ends, and what goes back to the slabs then */
#include <pthread.h>
#include <sched.h>

#include "test/burst.h"
#include "slab/meta.h"

#define LONG (16 * SLAB_MAGAZINE_MAX) /* objects, of which magazines are short: as in budget.c */

TestSuite(burst, .init = make, .fini = unmake);

/* What goes back costs a small part of what the burst has cost: a shorter one ends nothing. */
Test(burst, one_that_is_eight_times_what_is_parked_is_long_enough)
{
	for (uint64_t less = 0; less < 2; less++) {
		const struct slab__slot *s;
		uint32_t count;

		take(0, N);
		shuffle();
		give(0, N / 2);
		s = slot();
		count = slab_slot_count(s);
		cr_assert_gt(count, 1);
		cr_assert_gt(s->prev_count, 0);
		slab_write(&c->slabs.given, 8 * parked() - less);
		take(0, 1);
		if (less > 0) { /* nothing was given, nothing taken */
			cr_expect_eq(c->slabs.given, 8 * (parked() + 1) - less);
			cr_expect_eq(slab_slot_count(s), count - 1);
		} else {
			cr_expect_eq(c->slabs.given, 0);
			cr_expect_eq(s->prev_count, 0);
		}
		give(0, 1);
		give(N / 2, N / 2);
	}
}

/* Where few are left alive what is parked stays, as there is no order to keep. */
Test(burst, that_leaves_few_ends_nothing)
{
	for (size_t left = 0; left <= N / 100; left += N / 100) {
		const struct slab__slot *s;

		take(0, N);
		shuffle();
		give(0, N - left);
		s = slot();
		cr_assert_gt(parked(), 1);
		cr_assert_lt(parked(), N / 100);
		cr_expect_eq(slab_slot_is_stopped(s), left > 0);
		take(0, 1);
		cr_expect_eq(c->slabs.given == 0, left > 0);
		give(0, 1);
		give(N - left, left);
	}
}

/* The slot sends the next alloc to the slow path, and has no object outside meanwhile. */
Test(burst, stops_the_next_alloc_only)
{
	const struct slab__slot *s;
	size_t at = N / 4;

	take(0, N);
	s = slot();
	shuffle();
	give(0, 1);
	cr_assert_not_null(slab_slot_hot(s));
	give(1, at - 1);
	cr_expect(slab_slot_is_stopped(s));
	figures_agree(c);
	for (; at < N / 2; at++) {
		slab_write(&c->slabs.given, 0);
		give(at, 1);
	}
	cr_expect_not(slab_slot_is_stopped(s));
	give(at, N / 4);
	cr_expect(slab_slot_is_stopped(s));
	take(0, 1);
	cr_expect_not(slab_slot_is_stopped(s));
	give(0, 1);
	at += N / 4;
	give(at, N - at);
}

/* Nor does a first object of another cache, from which on no slot has one outside, undo that. */
Test(burst, goes_on_where_a_second_cache_is_opened)
{
	struct slab_cache *other = new_cache("second", 64);

	take(0, N);
	shuffle();
	give(0, N / 2);
	cr_assert(slab_slot_is_stopped(slot()));
	slab_cache_free(other, slab_cache_alloc(other));
	cr_expect(slab_slot_is_stopped(slot()));
	take(0, 1);
	cr_expect_eq(c->depot.objects, 0);
	give(0, 1);
	give(N / 2, N / 2);
	end_cache(other);
}

/* Magazines are short in it: two of them pass the depot, and little goes back at its end. */
Test(burst, its_magazines_are_short_and_long_again_behind_it)
{
	size_t at;

	take(0, N);
	cr_expect_gt(slot()->cap, 64);
	shuffle();
	give(0, N / 2);
	cr_expect_eq(slot()->cap, 32);
	for (at = N / 2; at < N / 2 + 2000; at++) { /* it holds for seven exchanges */
		slab_write(&c->slabs.given, LONG - 1);
		give(at, 1);
	}
	cr_expect_gt(slot()->cap, 64);
	for (; at < N / 2 + 8000; at++) {
		slab_write(&c->slabs.given, LONG);
		give(at, 1);
	}
	cr_expect_eq(slot()->cap, 32);
	for (at = 0; at < 2000; at++)
		take(at, 1);
	cr_expect_gt(slot()->cap, 64);
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
	cr_expect_not(slab_slot_is_stopped(slot()));
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
	slab_write(&slot()->net, slot()->net - SHELVED * EACH);
	other.done = 0;
	other.ready = other.stop = false;
}

/* One alloc gives back what stood there when it came, not all that others free meanwhile. */
Test(burst, an_alloc_leaves_what_others_park_meanwhile)
{
	pthread_t thread;

	take(0, N);
	shuffle();
	give(0, N / 2);
	prepare(N / 2);
	cr_assert_gt(c->depot.objects, 0);
	cr_assert_eq(pthread_create(&thread, NULL, shelve, NULL), 0);
	while (!__atomic_load_n(&other.ready, __ATOMIC_RELAXED))
		sched_yield();
	take(0, 1);
	__atomic_store_n(&other.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	cr_expect_eq(c->slabs.given, 0);
	cr_expect_eq(c->depot.objects, other.done * EACH, "%zu came", other.done);
	for (; other.done < SHELVED; other.done++)
		slab_magazine_put(slab_depot_put(c, other.m[other.done]));
	give(0, 1);
	give(N / 2 + SHELVED * EACH, N / 2 - SHELVED * EACH);
}

/* A thread that may park nothing has nothing to give back, though the depot has. */
Test(burst, leaves_a_closed_slot_alone)
{
	size_t thread_bytes = slab_root.thread_bytes;

	take(0, N);
	shuffle();
	prepare(0);
	cr_assert_eq(slab_set(SLAB_THREAD_BYTES, 0), 0);
	slab_magazine_put(slab_depot_put(c, other.m[0]));
	give(SHELVED * EACH, N / 2);
	cr_expect(slab_slablist_is_draining(c, 8 * EACH));
	cr_expect_eq(c->depot.objects, EACH);
	cr_expect_null(slot()->objs);
	cr_expect_eq(slot()->hot, 0);
	for (size_t i = 1; i < SHELVED; i++)
		slab_magazine_put(slab_depot_put(c, other.m[i]));
	cr_assert_eq(slab_set(SLAB_THREAD_BYTES, thread_bytes), 0);
	give(SHELVED * EACH + N / 2, N / 2 - SHELVED * EACH);
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

	c = inner = slab_cache_create("inner", 64, &in);
	take(0, N);
	shuffle();
	give(0, N - 100);
	deepest = 0;
	released = c->slabs.released_slabs;
	slab_cache_free(outer, slab_cache_alloc(outer));
	slab_cache_shrink(outer);
	cr_expect_gt(c->slabs.released_slabs, released);
	cr_expect_eq(deepest, 1);
	slab_thread_flush();
	cr_expect_eq(figures(inner).objects_live, 100);
	give(N - 100, 100);
	end_cache(outer);
	end_cache(inner);
	c = plain;
}
