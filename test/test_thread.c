/*
 * test_thread.c - threads come and go: what they parked, what they counted, what they leave behind
 */
#define _GNU_SOURCE /* gettid, RTLD_NEXT */
#include <dlfcn.h>

#include "test/unit.h"
#include "slab/page.h"

static struct slab_cache *c;

static void make(void)
{
	c = new_cache("threads", 64);
}

static void unmake(void)
{
	figures_agree(c);
	end_cache(c);
}

TestSuite(thread, .init = make, .fini = unmake);

static void run(void *(*fn)(void *), void *arg)
{
	pthread_t id;

	cr_assert_eq(pthread_create(&id, NULL, fn, arg), 0);
	cr_assert_eq(pthread_join(id, NULL), 0);
}

static void *take_and_give(void *arg)
{
	void *objs[100];
	size_t n = slab_cache_alloc_bulk(c, 100, objs);

	slab_cache_free_bulk(c, n, objs);
	return arg;
}

Test(thread, one_is_counted_while_it_lives)
{
	struct slab_thread *t = slab_thread_lock();

	slab_thread_unlock(t);
	cr_assert_geq(totals().threads, 1);
	cr_assert_eq(t->tid, (uint64_t)gettid());
	cr_assert_eq(slab_thread_lock(), t);
	slab_thread_unlock(t);
}

Test(thread, its_end_folds_counters_and_frees_what_was_parked)
{
	uint64_t threads = totals().threads;

	run(take_and_give, NULL);
	cr_assert_eq(totals().threads, threads);
	cr_assert_eq(figures(c).allocs, 100);
	cr_assert_eq(figures(c).frees, 100);
	cr_assert_eq(figures(c).objects_cached, 0);
	cr_assert_eq(figures(c).slabs, 0);
	cr_assert_eq(c->slabs.retired_allocs, 100);
}

static void *take_three(void *arg)
{
	slab_cache_alloc_bulk(c, 3, arg);
	return NULL;
}

Test(thread, objects_outlive_the_thread_that_took_them)
{
	void *objs[3];

	run(take_three, objs);
	cr_assert_eq(figures(c).objects_live, 3);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(slab_cache_of(objs[i]), c);
		memset(objs[i], 7, 64);
		slab_cache_free(c, objs[i]);
	}
	cr_assert_eq(figures(c).objects_live, 0);
}

static void *whose_struct(void *arg)
{
	struct slab_thread *t = slab_thread_lock();

	slab_thread_unlock(t);
	*(struct slab_thread **)arg = t;
	return NULL;
}

Test(thread, a_struct_is_used_again)
{
	struct slab_thread *first, *second;
	uint64_t bytes;

	run(whose_struct, &first);
	bytes = totals().metadata_bytes;
	run(whose_struct, &second);
	cr_assert_eq(first, second);
	cr_assert_eq(totals().metadata_bytes, bytes);
}

Test(thread, ten_thousand_short_ones_leave_nothing)
{
	uint64_t metadata, mapped;
	int64_t maps; /* calls: an aligned mapping may take two, and three that unmap */
	long n = rounds(10000, 300);

	for (int i = 0; i < 20; i++)
		run(take_and_give, NULL);
	metadata = totals().metadata_bytes;
	mapped = totals().mapped_bytes;
	maps = (int64_t)(slab_page_calls.map - slab_page_calls.unmap);
	for (long i = 0; i < n; i++)
		run(take_and_give, NULL);
	cr_assert_eq(totals().metadata_bytes, metadata);
	cr_assert_leq(totals().mapped_bytes, mapped + SLAB_SPAN_MIN_BYTES);
	cr_assert_leq((int64_t)(slab_page_calls.map - slab_page_calls.unmap), maps + 1);
	cr_assert_eq(figures(c).allocs, (uint64_t)(n + 20) * 100);
}

#define AT_ONCE 24 /* more than the structs that are kept for reuse */

static pthread_barrier_t barrier;

static void *meet(void *arg)
{
	take_and_give(NULL);
	pthread_barrier_wait(&barrier);
	return arg;
}

Test(thread, more_than_are_kept_are_unmapped)
{
	pthread_t ids[AT_ONCE];
	uint64_t metadata[3], threads = totals().threads;
	int64_t maps[3];

	pthread_barrier_init(&barrier, NULL, AT_ONCE + 1);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < AT_ONCE; i++)
			cr_assert_eq(pthread_create(&ids[i], NULL, meet, NULL), 0);
		pthread_barrier_wait(&barrier);
		for (int i = 0; i < AT_ONCE; i++)
			pthread_join(ids[i], NULL);
		metadata[round] = totals().metadata_bytes;
		maps[round] = (int64_t)(slab_page_calls.map - slab_page_calls.unmap);
	}
	pthread_barrier_destroy(&barrier);
	cr_assert_eq(totals().threads, threads);
	/* a page at least for each that stayed; how many magazines there are at once differs */
	cr_assert_lt(metadata[2], metadata[1] + (AT_ONCE - 8) * slab_root.page_bytes);
	cr_assert_lt(maps[2], maps[1] + (AT_ONCE - 8) / 2);
	cr_assert_leq(slab_root.spare_thread_count, 8);
}

/* ---- a destructor of the thread that runs after the library's own ---- */

static pthread_key_t late_key;
static int late_rounds;
static bool late_worked;

static void late(void *arg)
{
	void *objs[10];

	if (--late_rounds > 0) { /* the C library calls again, after all other keys */
		pthread_setspecific(late_key, arg);
		return;
	}
	late_worked = slab_cache_alloc_bulk(c, 10, objs) == 10;
	slab_cache_free(c, arg);
	slab_cache_free_bulk(c, 10, objs);
	late_worked = late_worked && slab_thread_flush() == 0; /* nothing is parked any more */
}

static void *leave_work_for_later(void *arg)
{
	(void)arg;
	pthread_setspecific(late_key, slab_cache_alloc(c));
	return NULL;
}

Test(thread, works_in_a_destructor_that_runs_after_ours)
{
	uint64_t threads = totals().threads;

	cr_assert_eq(pthread_key_create(&late_key, late), 0);
	late_rounds = 3;
	late_worked = false;
	run(leave_work_for_later, NULL);
	pthread_key_delete(late_key);
	cr_assert(late_worked);
	cr_assert_eq(totals().threads, threads);
	cr_assert_eq(figures(c).allocs, 11);
	cr_assert_eq(figures(c).objects_live, 0);
	cr_assert_eq(figures(c).slabs, 0);
}

/* ---- a thread that only frees ---- */

struct given {
	void *objs[200];
	uint64_t after_one, after_all; /* threads counted by then */
};

static void *only_free(void *arg)
{
	struct given *given = arg;

	slab_cache_free(c, given->objs[0]);
	given->after_one = totals().threads;
	slab_cache_free_bulk(c, 199, given->objs + 1);
	given->after_all = totals().threads;
	return NULL;
}

/* The one free may be the C library's, behind the destructor that would give the struct back. */
Test(thread, a_few_frees_make_no_struct_but_many_do)
{
	struct given given;
	uint64_t threads;

	cr_assert_eq(slab_cache_alloc_bulk(c, 200, given.objs), 200);
	threads = totals().threads;
	run(only_free, &given);
	cr_assert_eq(given.after_one, threads);
	cr_assert_eq(given.after_all, threads + 1);
	cr_assert_eq(totals().threads, threads);
	cr_assert_eq(figures(c).objects_live, 0);
	cr_assert_eq(figures(c).frees, 200);
}

/* ---- no memory for a thread's struct ---- */

static void *without_a_struct(void *arg)
{
	void *objs[10];
	bool *worked = arg;

	slab_page_fail_map_at = -1;
	*worked = slab_cache_alloc_bulk(c, 10, objs) == 10;
	slab_cache_free_bulk(c, 10, objs);
	*worked = *worked && slab_thread_flush() == 0;
	slab_page_fail_map_at = 0;
	return NULL;
}

static void *hold_a_spare(void *arg)
{
	(void)arg;
	take_and_give(NULL);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	return NULL;
}

Test(thread, works_without_a_struct_of_its_own)
{
	pthread_t ids[8];
	void *kept = slab_cache_alloc(c); /* a slab with free slots is there */
	uint64_t allocs, frees;
	bool worked = false;

	pthread_barrier_init(&barrier, NULL, 9);
	for (int i = 0; i < 8; i++) /* so that no spare one is left */
		pthread_create(&ids[i], NULL, hold_a_spare, NULL);
	pthread_barrier_wait(&barrier);
	slab_thread_flush();
	cr_assert_null(slab_root.spare_threads);
	/* the eight, too, where others had parked all there was */
	allocs = c->slabs.direct_allocs;
	frees = c->slabs.direct_frees;
	run(without_a_struct, &worked);
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < 8; i++)
		pthread_join(ids[i], NULL);
	pthread_barrier_destroy(&barrier);
	cr_assert(worked);
	cr_assert_eq(c->slabs.direct_allocs, allocs + 10);
	cr_assert_eq(c->slabs.direct_frees, frees + 10);
	slab_cache_free(c, kept);
}

/* ---- fork ---- */

/* The C library's, but that it may allocate and then fail, as that one may without memory. */
static bool setspecific_fails;

#ifndef SLAB__ATOMIC_WORDS /* the thread sanitizer calls it before a thread may run such code */
int pthread_setspecific(pthread_key_t key, const void *value)
{
	int (*real)(pthread_key_t, const void *) =
	    (int (*)(pthread_key_t, const void *))dlsym(RTLD_NEXT, "pthread_setspecific");

	if (!setspecific_fails)
		return real(key, value);
	take_and_give(NULL);
	return ENOMEM;
}
#endif

Test(thread, one_whose_end_nobody_would_tell_of_leaves_nothing_parked)
{
	uint64_t threads = totals().threads;

	setspecific_fails = true;
	run(take_and_give, NULL);
	setspecific_fails = false;
	cr_assert_eq(totals().threads, threads);
	cr_assert_eq(figures(c).objects_live, 0);
	run(take_and_give, NULL); /* gets the same struct */
}

static void *park_and_wait(void *arg)
{
	slab_cache_alloc_bulk(c, 5, arg); /* these five stay live, the rest is parked */
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	slab_cache_free_bulk(c, 5, arg);
	return NULL;
}

static void child_checks(void *arg)
{
	struct slab_cache_stats st;
	void **objs = arg, *own;

	slab_cache_stats(c, &st, sizeof st);
	if (st.objects_live != 5 ||
	    st.objects_live + st.objects_cached + st.objects_free != st.objects_capacity)
		_exit(1);
	if (totals().threads != 1 || slab_cache_verify(c) != 0)
		_exit(2);
	own = slab_cache_alloc(c);
	slab_cache_free_bulk(c, 5, objs); /* of a thread that is not here any more */
	slab_cache_free(c, own);
	_exit(slab_cache_destroy(c) == 0 ? 0 : 3);
}

Test(thread, a_forked_child_takes_over_what_vanished_threads_had)
{
	pthread_t id;
	void *objs[5];

	cr_assert_not_null(my_slot(c)); /* this thread has a struct, which the child keeps */
	pthread_barrier_init(&barrier, NULL, 2);
	cr_assert_eq(pthread_create(&id, NULL, park_and_wait, objs), 0);
	pthread_barrier_wait(&barrier);
	cr_assert_eq(child_runs(child_checks, objs).status, 0);
	pthread_barrier_wait(&barrier);
	pthread_join(id, NULL);
	pthread_barrier_destroy(&barrier);
}
