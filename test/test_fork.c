/*
 * test_fork.c - fork while other threads are anywhere in the library; the child has it all
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "test/child.h"

TestSuite(fork, .timeout = 240);

#define CACHES 4
#define HELD 300

static struct slab_cache *caches[CACHES];
static const size_t sizes[CACHES] = { 64, 200, 1024, 4000 };
static atomic_bool stop;
static void *shared_objs[CACHES][HELD]; /* live in the parent, inherited by each child */

static int constructor(void *obj, void *ctx)
{
	(void)ctx;
	*(uint64_t *)obj = 0xc0c0;
	return 0;
}

static void destructor(void *obj, void *ctx)
{
	(void)ctx;
	*(uint64_t *)obj = 0xdddd;
}

static void set_up(void)
{
	struct slab_cache_args constructed = { .ctor = constructor, .dtor = destructor };

	atomic_store(&stop, false);
	for (int k = 0; k < CACHES; k++) {
		caches[k] = slab_cache_create("forked", sizes[k], k == 1 ? &constructed : NULL);
		cr_assert(caches[k] != NULL);
		fill(caches[k], shared_objs[k], HELD);
		for (int i = 0; i < HELD; i++)
			memset(shared_objs[k][i], 0x77, sizes[k]);
	}
}

static void tear_down(void)
{
	for (int k = 0; k < CACHES; k++) {
		drain(caches[k], shared_objs[k], HELD);
		EXPECT_SUMS(caches[k]);
		cr_expect(figures(caches[k]).objects_live == 0);
		cr_expect(slab_cache_destroy(caches[k]) == 0);
	}
}

/* Bursts over all caches, so that slabs, spans and magazines come and go; flushes now and then. */
static void *churn(void *arg)
{
	uint64_t state = 99 + (uintptr_t)arg;
	void *objs[400];

	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		uint64_t random = next_random(&state);
		struct slab_cache *c = caches[random % CACHES];
		size_t n = 1 + random / 16 % 400;

		for (size_t i = 0; i < n; i++) {
			objs[i] = slab_cache_alloc(c);
			if (objs[i] == NULL)
				abort();
		}
		for (size_t i = 0; i < n; i++)
			slab_cache_free(c, objs[i]);
		if (random >> 40 == 0)
			slab_reap();
		else if (random / 4096 % 16 == 0)
			slab_thread_flush();
		else if (random / 4096 % 64 == 1)
			slab_cache_shrink(c);
	}
	return NULL;
}

/* What a child must be able to do; its parent's other threads have vanished in the middle. */
static int use_everything(void *arg)
{
	void *objs[HELD];

	(void)arg;
	CHECK(totals().threads <= 1);
	for (int k = 0; k < CACHES; k++) {
		uint64_t live;

		CHECK_SUMS(caches[k]);
		for (int i = 0; i < HELD; i++)
			CHECK(((unsigned char *)shared_objs[k][i])[sizes[k] - 1] == 0x77);
		live = figures(caches[k]).objects_live;
		for (int i = 0; i < HELD; i++)
			CHECK((objs[i] = slab_cache_alloc(caches[k])) != NULL);
		/* of what comes from the depot, more than may be parked goes to the slabs */
		CHECK(figures(caches[k]).objects_live == live + HELD);
		CHECK_SUMS(caches[k]);
		slab_cache_free_bulk(caches[k], HELD, shared_objs[k]);
		slab_cache_free_bulk(caches[k], HELD, objs);
		CHECK_SUMS(caches[k]);
		slab_cache_shrink(caches[k]);
		/* nothing is parked: what vanished threads had in magazines came to the depot */
		CHECK(figures(caches[k]).objects_cached == 0);
		CHECK_SUMS(caches[k]);
		/* objects in the hands of vanished threads stay live */
		if (figures(caches[k]).objects_live == 0)
			CHECK(slab_cache_destroy(caches[k]) == 0);
	}
	CHECK(new_cache("of-the-child", 96) != NULL);
	slab_reap();
	return 0;
}

static int fork_again(void *arg)
{
	CHECK(in_child(use_everything, NULL));
	CHECK(in_child(use_everything, NULL));
	return use_everything(arg);
}

static void quiet(const char *text, size_t len, void *ctx)
{
	(void)text, (void)len, (void)ctx;
}

static void forks_under_load(int threads, size_t forks, int (*body)(void *arg))
{
	pthread_t ids[8];
	size_t good = 0;

	set_up();
	for (int i = 0; i < threads; i++)
		cr_assert(pthread_create(&ids[i], NULL, churn, (void *)(uintptr_t)i) == 0);
	for (size_t i = 0; i < forks && good == i; i++)
		good += in_child(body, NULL);
	atomic_store(&stop, true);
	for (int i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	cr_expect(good == forks, "child %zu of %zu failed", good + 1, forks);
	tear_down();
}

Test(fork, many_while_four_threads_churn)
{
	forks_under_load(4, scaled(120, 12), use_everything);
}

Test(fork, many_while_eight_threads_churn)
{
	forks_under_load(8, scaled(80, 4), use_everything);
}

Test(fork, children_of_children)
{
	forks_under_load(3, scaled(20, 3), fork_again);
}

/* ---- who forks ---- */

static void *fork_without_slots(void *arg)
{
	*(bool *)arg = in_child(use_everything, NULL);
	return NULL;
}

Test(fork, from_a_thread_without_slots)
{
	bool good = false;
	pthread_t id;

	set_up();
	cr_assert(pthread_create(&id, NULL, fork_without_slots, &good) == 0);
	pthread_join(id, NULL);
	cr_expect(good);
	tear_down();
}

static int fork_in_ctor(void *obj, void *ctx)
{
	pid_t *pid = ctx;

	(void)obj;
	if (*pid == 0)
		*pid = fork(); /* both go on from here */
	return 0;
}

static int alloc_that_forks(void *arg)
{
	struct slab_cache_args args = { .ctor = fork_in_ctor, .ctx = arg };
	struct slab_cache *c = slab_cache_create("forking", 64, &args);
	void *obj = slab_cache_alloc(c);

	CHECK(obj != NULL);
	CHECK_SUMS(c);
	slab_cache_free(c, obj);
	CHECK_SUMS(c);
	CHECK(slab_cache_destroy(c) == 0);
	return 0;
}

Test(fork, in_a_constructor)
{
	pid_t child = 0, self = getpid();
	int line = alloc_that_forks(&child);

	if (getpid() != self)
		child_end(line);
	cr_expect(line == 0, "the check at line %d failed", line);
	cr_expect(child_ended_well(child));
}

static pid_t forked_by_dtor;

static void fork_in_dtor(void *obj, void *ctx)
{
	(void)obj, (void)ctx;
	if (forked_by_dtor == 0) {
		forked_by_dtor = fork();
		if (forked_by_dtor == 0) {
			alarm((unsigned)scaled(30, 240));
			forked_by_dtor = -1;
		}
	}
}

static void *park_objects(void *arg)
{
	void *objs[40];

	fill(arg, objs, 40);
	drain(arg, objs, 40);
	return NULL; /* the thread's end gives the slabs back, whose destructors fork */
}

Test(fork, in_a_destructor_that_destroy_runs)
{
	struct slab_cache_args args = { .dtor = fork_in_dtor };
	struct slab_cache *c = slab_cache_create("forking", 1000, &args);
	pid_t self = getpid();

	forked_by_dtor = 0;
	park_objects(c);
	cr_expect(slab_cache_destroy(c) == 0); /* in the child, too, which has an alarm */
	if (getpid() != self)
		_exit(0);
	cr_expect(child_ended_well(forked_by_dtor));
}

Test(fork, in_a_destructor_at_the_end_of_a_thread)
{
	struct slab_cache_args args = { .dtor = fork_in_dtor };
	pid_t self = getpid();
	pthread_t id;
	bool good;

	forked_by_dtor = 0;
	set_up();
	slab_set(SLAB_RESERVE_BYTES, 0); /* else the slab may stay */
	for (int i = 0; i < 20; i++) { /* spare thread structs are used up, too */
		struct slab_cache *c = slab_cache_create("forking", 1000, &args);

		cr_assert(pthread_create(&id, NULL, park_objects, c) == 0);
		pthread_join(id, NULL);
		if (getpid() != self)
			_exit(1); /* the thread that forked is alone in the child */
		cr_expect(slab_cache_destroy(c) == 0);
	}
	slab_set(SLAB_RESERVE_BYTES, 512 * KIB);
	cr_expect(forked_by_dtor > 0, "no destructor ran");
	good = child_ended_well(forked_by_dtor); /* its last thread ended, so it did */
	cr_expect(good || is_watched(), "the child did not end well");
	tear_down();
}

/* ---- what the child finds ---- */

static void *park_and_wait(void *barrier)
{
	void *objs[30];

	for (int k = 0; k < CACHES; k++) {
		fill(caches[k], objs, 30);
		drain(caches[k], objs, 30);
	}
	pthread_barrier_wait(barrier);
	pthread_barrier_wait(barrier);
	return NULL;
}

static int find_parked(void *arg)
{
	uint64_t *cached = arg;
	void *objs[64];

	CHECK(totals().threads <= 1); /* what is cached is this thread's or the depot's */
	for (int k = 0; k < CACHES; k++) {
		CHECK(figures(caches[k]).objects_cached == cached[k]);
		CHECK(figures(caches[k]).objects_live == HELD);
	}
	for (int k = 0; k < CACHES; k++) {
		struct slab_cache_stats st = figures(caches[k]);
		size_t n = st.objects_cached < 64 ? st.objects_cached : 64;

		for (size_t i = 0; i < n; i++)
			CHECK((objs[i] = slab_cache_alloc(caches[k])) != NULL);
		CHECK(figures(caches[k]).slabs == st.slabs);
		slab_cache_free_bulk(caches[k], n, objs);
		CHECK_SUMS(caches[k]);
	}
	return 0;
}

Test(fork, what_vanished_threads_have_parked_is_usable)
{
	uint64_t cached[CACHES];
	pthread_barrier_t barrier;
	pthread_t ids[4];

	slab_set(SLAB_RESERVE_BYTES, 16 * MIB); /* room to park for all */
	set_up();
	pthread_barrier_init(&barrier, NULL, 5);
	for (int i = 0; i < 4; i++)
		cr_assert(pthread_create(&ids[i], NULL, park_and_wait, &barrier) == 0);
	pthread_barrier_wait(&barrier);
	for (int k = 0; k < CACHES; k++) {
		cached[k] = figures(caches[k]).objects_cached;
		cr_expect(cached[k] >= 4, "the threads have parked nothing");
	}
	cr_expect(in_child(find_parked, cached));
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < 4; i++)
		pthread_join(ids[i], NULL);
	pthread_barrier_destroy(&barrier);
	tear_down();
	slab_set(SLAB_RESERVE_BYTES, 512 * KIB);
}

static int destroy_with_live(void *arg)
{
	(void)arg;
	slab_set_reporter(quiet, NULL);
	errno = 0;
	CHECK(slab_cache_destroy(caches[0]) == -1 && errno == EBUSY);
	slab_cache_free_bulk(caches[0], HELD, shared_objs[0]);
	CHECK(slab_cache_destroy(caches[0]) == 0);
	return 0;
}

Test(fork, the_childs_destroy_is_its_own)
{
	set_up();
	cr_expect(in_child(destroy_with_live, NULL));
	cr_expect(in_child(destroy_with_live, NULL));
	tear_down(); /* the parent has everything still */
}
