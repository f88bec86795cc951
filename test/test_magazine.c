/*
 * test_magazine.c - where an object comes from and goes to: loaded, previous, depot, slab
 */
#include "test/unit.h"
#include "slab/slabpage.h"
#include "slab/depot.h"
#include "slab/list.h"
#include "slab/meta.h"
#include "slab/page.h"
#include "slab/slot.h"

#define FIRST 16 /* objects in the first magazine of a slot */

static struct slab_cache *c;
static struct slab__slot *s;
static void *objs[4096];

static void make(void)
{
	c = new_cache("magazines", 128);
	s = my_slot(c);
	slab_set(SLAB_RESERVE_BYTES, (size_t)8 << 20);
}

static void unmake(void)
{
	slab_page_fail_map_at = 0;
	figures_agree(c);
	end_cache(c);
	slab_set(SLAB_THREAD_BYTES, (size_t)1 << 20);
	slab_root.reserve.reserve_bytes = slab_root.reserve.min_bytes = (size_t)512 << 10;
	slab_root.reserve.max_bytes = (size_t)4 << 20;
}

TestSuite(magazine, .init = make, .fini = unmake);

static void take(int from, int n)
{
	for (int i = from; i < from + n; i++)
		cr_assert_not_null(objs[i] = slab_cache_alloc(c));
}

static void give(int from, int n)
{
	for (int i = from; i < from + n; i++)
		slab_cache_free(c, objs[i]);
}

Test(magazine, the_first_alloc_loads_a_small_magazine)
{
	take(0, 1);
	cr_assert_leq(s->cap, 2 * FIRST);
	cr_assert_eq(slab_slot_count(s) + 1, s->cap);
	take(1, FIRST - 1);
	for (int i = 1; i < FIRST; i++) /* neighbours in order of address */
		cr_assert_eq(objs[i], slab_object(slab_of(&c->geo, objs[0]), &c->geo, (uint32_t)i));
	give(0, FIRST);
}

/* The first of a run of frees waits outside of the magazine; the others are a stack. */
Test(magazine, of_a_run_of_frees_the_last_are_served_first)
{
	take(0, 4);
	give(0, 4);
	cr_assert_eq(slab_cache_alloc(c), objs[0]);
	for (int i = 4; i-- > 1;)
		cr_assert_eq(slab_cache_alloc(c), objs[i]);
	give(0, 4);
}

Test(magazine, magazines_double_with_use_up_to_what_the_cache_asks_for)
{
	uint32_t cap = FIRST / 2;

	for (int i = 0; i < 600; i++) {
		take(i, 1);
		cr_assert_geq(slab_slot_loaded(s)->cap, cap);
		cap = slab_slot_loaded(s)->cap;
	}
	cr_assert_eq(cap, c->magazine_cap);
	give(0, 600);
	cr_assert_leq(s->cap, c->magazine_cap);
}

Test(magazine, objects_of_more_bytes_have_smaller_magazines)
{
	static const struct {
		size_t size;
		uint32_t cap;
	} want[] = { { 8, 256 }, { 64, 256 }, { 256, 256 }, { 512, 64 }, { 1024, 32 },
		     { 4096, 16 }, { 65536, 8 } };

	for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
		struct slab_cache *sized = new_cache("sized", want[i].size);

		cr_assert_eq(sized->magazine_cap, want[i].cap);
		end_cache(sized);
	}
}

/* Objects that come back from all over a large cache are served out of order: few are parked. */
Test(magazine, a_large_cache_parks_few_once_it_is_scattered)
{
	enum { N = 40000 };
	static void *many[N];
	struct slab_cache *large = new_cache("large", 256);
	const struct slab__slot *slot = slab__slot_of(large);

	cr_assert_eq(slab_cache_alloc_bulk(large, N, many), N);
	cr_expect_gt(slot->cap, 64); /* it only grew */
	for (int i = 0; i < N; i += 10)
		slab_cache_free(large, many[i]);
	cr_expect_eq(slot->cap, 32);
	for (int i = 0; i < N; i++)
		if (i % 10 != 0)
			slab_cache_free(large, many[i]);
	slab_thread_flush();
	end_cache(large);
}

/* Two magazines: around an edge neither the depot nor a slab is touched. */
Test(magazine, swinging_around_an_edge_only_swaps)
{
	uint64_t generation, depot;
	uint32_t cap;

	take(0, 600);
	give(0, 300);
	cap = s->cap;
	generation = c->slabs.generation;
	depot = c->depot.generation;
	/* from wherever we are: two magazines' worth up and down stays inside */
	for (int round = 0; round < 100; round++) {
		take(0, (int)cap / 2);
		give(0, (int)cap / 2);
	}
	cr_assert_eq(c->slabs.generation, generation);
	cr_assert_eq(c->depot.generation, depot);
	give(300, 300);
}

Test(magazine, a_third_full_magazine_goes_to_the_depot_and_comes_back)
{
	uint64_t generation;
	uint32_t shelved;

	take(0, 1500);
	give(0, 1000);
	shelved = (uint32_t)c->depot.objects;
	cr_assert_gt(shelved, 0);
	cr_assert_eq(shelved % c->magazine_cap, 0);
	cr_assert_leq(slab_slot_count(s) + s->prev_count, 2 * c->magazine_cap);
	figures_agree(c);
	generation = c->slabs.generation;
	take(0, 1000);
	cr_assert_eq(c->slabs.generation, generation); /* magazines only */
	cr_assert_lt(c->depot.objects, shelved);
	give(0, 1500);
}

static void *free_all(void *arg)
{
	give(0, *(int *)arg);
	return NULL;
}

/* Who takes one over asks for its objects ahead if it was another thread. */
Test(magazine, on_the_shelf_it_names_the_thread_that_filled_it)
{
	struct slab_thread *t = slab_thread_lock();
	const struct slab_magazine *m;
	int n = 2000;
	pthread_t thread;

	slab_thread_unlock(t);
	take(0, n);
	give(0, n);
	cr_assert_not_null(c->depot.shelf);
	for (m = c->depot.shelf; m != NULL; m = m->next)
		cr_assert_eq(m->filler, (uint32_t)t->tid);
	take(0, n);
	while (c->depot.shelf != NULL)
		take(n++, 1);
	cr_assert_eq(pthread_create(&thread, NULL, free_all, &n), 0);
	pthread_join(thread, NULL);
	cr_assert_not_null(c->depot.shelf);
	for (m = c->depot.shelf; m != NULL; m = m->next)
		cr_assert_neq(m->filler, (uint32_t)t->tid);
}

/* 256 KiB fit into the reserve, whoever has them: no half of it is kept free for the depot, and
 * what slot and depot may both pin is not counted twice. */
Test(magazine, a_cache_that_fits_the_reserve_passes_magazines_only)
{
	struct slab_cache *fits = new_cache("fits", 256);
	const struct slab__slot *slot = slab__slot_of(fits);
	uint64_t generation = 0;

	slab_set(SLAB_RESERVE_BYTES, (size_t)512 << 10);
	for (int round = 0; round < 12; round++) {
		if (round == 2)
			generation = fits->slabs.generation;
		cr_assert_eq(slab_cache_alloc_bulk(fits, 1000, objs), 1000);
		slab_cache_free_bulk(fits, 1000, objs);
	}
	cr_assert_eq(fits->slabs.generation, generation);
	cr_assert_eq(slot->cap, fits->magazine_cap);
	slab_thread_flush();
	end_cache(fits);
}

Test(magazine, what_may_not_be_parked_goes_to_the_slabs)
{
	take(0, 4000);
	slab_set(SLAB_RESERVE_BYTES, 0);
	give(0, 4000);
	cr_assert_leq(figures(c).slabs, 4);
	cr_assert_eq(figures(c).objects_live, 0);
}

Test(magazine, a_smaller_budget_shrinks_what_is_there)
{
	take(0, 600);
	give(0, 100);
	cr_assert_gt(figures(c).objects_cached, 32);
	slab_set(SLAB_THREAD_BYTES, (size_t)64 << 10); /* 16 slabs */
	give(100, 500);
	cr_assert_leq(slab_slot_count(s), c->magazine_cap);
	cr_assert_leq(slab_slot_pin_bytes(s), (size_t)64 << 10);
}

/* 16 slabs, one of them for the hot object: two magazines of 7 would be exchanged all the time. */
Test(magazine, few_objects_have_one_magazine_that_is_exchanged_by_half)
{
	int next = 0;
	uint32_t seq;

	take(0, 4000);
	slab_set(SLAB_THREAD_BYTES, (size_t)64 << 10);
	for (; next < 3000; next++) {
		give(next, 1);
		cr_assert_leq(slab_slot_parked(s), 16);
	}
	cr_assert_eq(s->cap, 15);
	cr_assert_null(s->prev);
	while (slab_slot_count(s) < s->cap)
		give(next++, 1);
	give(next, 1); /* half goes to the slabs */
	cr_assert_eq(slab_slot_count(s), 8);
	seq = s->seq;
	give(next + 1, 7);
	take(0, 16); /* the hot one, too */
	cr_assert_eq(s->seq, seq, "no slow path, up or down");
	take(16, 1); /* half comes from there */
	cr_assert_eq(slab_slot_count(s), 7);
	give(0, 17);
	give(next + 8, 4000 - next - 8);
}

static void *lower(void *bytes)
{
	slab_set(SLAB_THREAD_BYTES, (size_t)bytes); /* flushes its caller alone */
	return NULL;
}

/* 99 objects in each of two magazines, then 127 in one: together they would be too many. */
Test(magazine, of_a_pair_one_magazine_goes_when_few_objects_are_granted)
{
	enum { MANY = 16000 };
	static void *many[MANY];
	pthread_t thread;
	int i = 0;

	slab_set(SLAB_THREAD_BYTES, (size_t)800 << 10); /* 200 slabs of 516 */
	cr_assert_eq(slab_cache_alloc_bulk(c, MANY, many), MANY);
	for (; i < 8000 || slab_slot_count(s) < s->cap - 1; i += 4) {
		slab_cache_free(c, many[i]);
		many[i] = NULL;
	}
	cr_assert_eq(s->prev_count, 99);
	cr_assert_eq(pthread_create(&thread, NULL, lower, (void *)((size_t)512 << 10)), 0);
	pthread_join(thread, NULL);
	for (; s->cap == 99; i += 4) {
		slab_cache_free(c, many[i]);
		many[i] = NULL;
	}
	cr_assert_eq(s->cap, 127);
	cr_assert_null(s->prev);
	cr_assert_leq(slab_slot_parked(s) * (size_t)4096, slab_slot_pin_bytes(s));
	slab_cache_free_bulk(c, MANY, many);
}

/* Without an alloc in between: two caches, so that neither has a hot object. */
Test(magazine, the_only_magazine_grows_as_objects_are_freed)
{
	struct slab_cache *other = new_cache("other", 64);
	void *one = slab_cache_alloc(other);

	take(0, 4000);
	slab_cache_free(other, one);
	slab_set(SLAB_THREAD_BYTES, (size_t)256 << 10);
	for (int i = 0; i < 4000; i += 8)
		give(i, 1);
	cr_assert_null(s->prev);
	cr_assert_gt(s->cap, 32);
	for (int i = 0; i < 4000; i++)
		if (i % 8 != 0)
			give(i, 1);
	end_cache(other);
}

Test(magazine, each_object_that_is_served_shows_at_the_next_sweep)
{
	struct slab__slot slot = { .word = 5 * SLAB__ONE_ALLOC + 100 };
	uint32_t before = slab_slot_tick(&slot);

	for (int i = 0; i < 100; i++) {
		slot.word += SLAB__ONE_ALLOC - 1;
		cr_assert_neq(slab_slot_tick(&slot), before);
	}
}

Test(magazine, without_memory_for_a_magazine_it_works_from_the_slabs)
{
	struct slab_magazine *hoard[2000];
	size_t n = 0;

	take(0, 1); /* a slab is there, and the thread has its struct */
	slab_thread_flush();
	slab_page_fail_map_at = -1;
	while (n < 2000 && (hoard[n] = slab_meta_get(SLAB_META_MAGAZINE)) != NULL)
		n++;
	take(1, 10);
	cr_assert_null(s->objs);
	cr_assert_eq(slab_slot_pin_bytes(s), 0); /* nobody would take the charge off */
	cr_assert_eq(slab_slot_fill_pin_bytes(s), 0);
	give(1, 10);
	cr_assert_eq(slab_slot_pin_bytes(s), 0);
	cr_assert_eq(figures(c).objects_live, 1);
	figures_agree(c);
	slab_page_fail_map_at = 0;
	while (n > 0)
		slab_meta_put(SLAB_META_MAGAZINE, hoard[--n]);
	give(0, 1);
}

/* Whether there is one is foreseen while a thread uses one cache, not with several in turn. */
Test(magazine, an_object_stays_outside_while_one_cache_is_used)
{
	struct slab_cache *other = new_cache("other", 64);
	void *obj;

	slab_thread_flush();
	take(0, 20);
	give(0, 10);
	cr_assert_eq(slab_slot_hot(s), objs[0]);
	obj = slab_cache_alloc(other);
	cr_assert_eq(s->hot, SLAB__NONE);
	cr_assert_eq(my_slot(other)->hot, SLAB__NONE);
	figures_agree(c);
	cr_assert_eq(slab_cache_verify(c), 0);
	slab_cache_free(other, obj);
	cr_assert_eq(my_slot(other)->hot, SLAB__NONE);
	give(10, 10);
	cr_assert_eq(s->hot, SLAB__NONE);
	slab_thread_flush();
	take(0, 1); /* alone again */
	give(0, 1);
	cr_assert_eq(slab_slot_hot(s), objs[0]);
	end_cache(other);
}

Test(magazine, contention_reaches_the_slots)
{
	c->magazine_cap = SLAB_MAGAZINE_MAX; /* as the depot would set it */
	take(0, 4000);
	cr_assert_eq(slab_slot_loaded(s)->cap, SLAB_MAGAZINE_MAX);
	give(0, 4000);
	cr_assert_leq(s->cap, SLAB_MAGAZINE_MAX);
}
