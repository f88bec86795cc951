/*
 * test_fork_walk.c - fork while a cache is walked, by another thread or by the one that forks
 */
#define _GNU_SOURCE
#include <pthread.h>

#include "test/child.h"

#define N 500

static struct slab_cache *c;
static void *objs[N];
static pthread_barrier_t barrier;
static pthread_t walker;

static int wait_inside(void *obj, void *ctx)
{
	(void)obj, (void)ctx;
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	return 1;
}

static void *walk(void *arg)
{
	slab_cache_for_each_object(c, wait_inside, NULL);
	return arg;
}

/* A thread that stays inside of its walk until stop_walker(). */
static void start_walker(void)
{
	c = new_cache("walked", 256);
	fill(c, objs, N);
	pthread_barrier_init(&barrier, NULL, 2);
	cr_assert(pthread_create(&walker, NULL, walk, NULL) == 0);
	pthread_barrier_wait(&barrier);
}

static void stop_walker(void)
{
	pthread_barrier_wait(&barrier);
	pthread_join(walker, NULL);
	pthread_barrier_destroy(&barrier);
	drain(c, objs, N);
	EXPECT_SUMS(c);
	cr_expect(slab_cache_destroy(c) == 0);
}

TestSuite(fork_walk, .init = start_walker, .fini = stop_walker, .timeout = 240);

static int free_and_destroy(void *arg)
{
	size_t mapped = totals().mapped_bytes, held = figures(c).mapped_bytes;

	(void)arg;
	CHECK(held >= N * 256);
	drain(c, objs, N);
	slab_cache_shrink(c);
	CHECK(figures(c).slabs == 0);
	CHECK_SUMS(c);
	CHECK(slab_cache_destroy(c) == 0);
	slab_reap();
	CHECK(totals().mapped_bytes <= mapped - held);
	return 0;
}

Test(fork_walk, slabs_that_a_vanished_walk_had_pinned_leave_the_child)
{
	cr_expect(in_child(free_and_destroy, NULL));
}

static int fork_again(void *arg)
{
	CHECK(in_child(free_and_destroy, NULL));
	return free_and_destroy(arg);
}

Test(fork_walk, and_those_of_its_children)
{
	cr_expect(in_child(fork_again, NULL));
}

/* ---- the thread that forks is inside of a walk itself ---- */

struct forking {
	pid_t pid;      /* -1: not yet */
	int shown;      /* by this process */
	uint64_t slabs; /* that stayed when the child had freed everything */
};

static int fork_once(void *obj, void *ctx)
{
	struct forking *f = ctx;

	(void)obj;
	f->shown++;
	if (f->pid >= 0)
		return 0;
	f->pid = fork();
	if (f->pid > 0)
		return 0;
	alarm((unsigned)scaled(30, 240));
	drain(c, objs, N);
	slab_cache_shrink(c);
	f->slabs = figures(c).slabs;
	return 0;
}

static int look_back(const struct forking *f, uint64_t slabs)
{
	CHECK(f->slabs == slabs); /* its own walk kept them, */
	CHECK(f->shown == 1);     /* which went on and found nothing more */
	slab_cache_shrink(c);
	CHECK(figures(c).slabs == 0);
	CHECK_SUMS(c);
	CHECK(slab_cache_destroy(c) == 0);
	return 0;
}

Test(fork_walk, a_walk_whose_callback_forks_goes_on_in_both)
{
	struct forking f = { .pid = -1 };
	uint64_t slabs = figures(c).slabs;

	cr_expect(slab_cache_for_each_object(c, fork_once, &f) == 0);
	if (f.pid == 0)
		child_end(look_back(&f, slabs));
	cr_expect(f.shown == N);
	cr_expect(child_ended_well(f.pid));
}
