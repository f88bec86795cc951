/*
 * test_atfork.c - a program's own handlers of fork, from before the library's, use it
 *
 * They run while the library's hold every lock.
 */
#define _GNU_SOURCE
#include <pthread.h>

#include "test/child.h"

TestSuite(atfork, .timeout = 60);

#define OBJS 700

static struct slab_cache *cache;
static bool armed;
static int used; /* handlers that came to their end */

static void use(void)
{
	static void *objs[OBJS], *blocks[OBJS];

	if (!armed)
		return;
	alarm((unsigned)scaled(10, 100)); /* for whoever waits for a lock */
	for (size_t i = 0; i < OBJS; i++) {
		objs[i] = slab_cache_alloc(cache);
		blocks[i] = slab_malloc(i * 150);
	}
	for (size_t i = 0; i < OBJS; i++) {
		slab_cache_free(cache, objs[i]);
		slab_free(blocks[i]);
	}
	slab_cache_shrink(cache);
	slab_reap();
	slab_free(slab_malloc(100));
	used++;
	alarm(0);
}

/* ---- a handler that forks itself ---- */

enum handler { NONE, PREPARE, PARENT, CHILD };

static enum handler nests; /* the one that does, once */
static bool goes_on;       /* the child that it makes: it comes back from the handler */
static bool nested_well;
static bool is_nested;     /* in such a child, and in all of its own */

static void nest(enum handler here)
{
	pid_t pid;

	if (nests != here)
		return;
	nests = NONE;
	armed = false;
	alarm((unsigned)scaled(10, 100));
	pid = fork();
	if (pid == 0) {
		armed = is_nested = true;
		use();
		armed = false;
		if (!goes_on)
			child_end(0);
		return;
	}
	nested_well = child_ended_well(pid);
	armed = true;
	use(); /* as before */
	armed = false;
}

static void nest_in_prepare(void)
{
	nest(PREPARE);
}

static void nest_in_parent(void)
{
	nest(PARENT);
}

static void nest_in_child(void)
{
	nest(CHILD);
}

static void before_everything(void)
{
	pthread_atfork(nest_in_prepare, nest_in_parent, nest_in_child);
	pthread_atfork(use, use, use);
}
__attribute__((section(".preinit_array"), used)) static void (*preinit)(void) = before_everything;

static int used_twice(void *arg)
{
	(void)arg;
	CHECK(used == 2);
	CHECK_SUMS(cache);
	use();
	CHECK_SUMS(cache);
	return 0;
}

static void *fork_once(void *arg)
{
	(void)arg;
	armed = true;
	used = 0;
	cr_expect(in_child(used_twice, NULL));
	armed = false;
	cr_expect_eq(used, 2);
	return NULL;
}

static int used_by_all(void *arg)
{
	(void)arg;
	armed = true;
	use();
	armed = false;
	CHECK_SUMS(cache);
	CHECK(slab_cache_verify(cache) == 0);
	return 0;
}

static void *churn(void *stop)
{
	while (!__atomic_load_n((bool *)stop, __ATOMIC_RELAXED)) {
		void *objs[50];

		fill(cache, objs, 50);
		drain(cache, objs, 50);
		slab_thread_flush();
	}
	return NULL;
}

/* The body of a process of its own, with a thread that is anywhere: forks with a handler that
 * forks. All of them go on, fork as well, take and give. */
static int fork_in_a_fork(void *arg)
{
	const int *round = arg;
	enum handler which = (enum handler)(PREPARE + *round / 2);
	bool stop = false;
	pthread_t id;
	pid_t pid;
	int line = 0;

	CHECK(pthread_create(&id, NULL, churn, &stop) == 0);
	goes_on = *round % 2;
	nests = which;
	nested_well = true; /* as long as there is none */
	pid = fork();
	nests = NONE;
	if (pid > 0 && !(is_nested && which == PARENT)) /* then its parent's child */
		line = child_ended_well(pid) ? 0 : __LINE__;
	if (pid > 0 && !is_nested) { /* the thread is not there elsewhere */
		__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
		pthread_join(id, NULL);
	}
	if (!nested_well)
		line = __LINE__;
	if (line == 0)
		line = used_by_all(NULL);
	if (line == 0 && !in_child(used_by_all, NULL))
		line = __LINE__;
	if (pid == 0 || is_nested)
		child_end(line);
	return line;
}

Test(atfork, handlers_from_before_the_librarys_may_allocate)
{
	cache = slab_cache_create("atfork", 200, NULL);
	fork_once(NULL);
	EXPECT_SUMS(cache);
	cr_expect(slab_cache_destroy(cache) == 0);
}

Test(atfork, also_in_a_thread_that_has_not_used_it_before)
{
	pthread_t id;

	cache = slab_cache_create("atfork", 200, NULL);
	cr_assert(pthread_create(&id, NULL, fork_once, NULL) == 0);
	pthread_join(id, NULL);
	EXPECT_SUMS(cache);
	cr_expect(slab_cache_destroy(cache) == 0);
}

Test(atfork, while_another_thread_is_anywhere)
{
	bool stop = false;
	pthread_t id;

	cache = slab_cache_create("atfork", 200, NULL);
	cr_assert(pthread_create(&id, NULL, churn, &stop) == 0);
	for (long i = scaled(50, 3); i > 0; i--) {
		armed = true;
		used = 0;
		cr_expect(in_child(used_twice, NULL));
		armed = false;
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(id, NULL);
	EXPECT_SUMS(cache);
	cr_expect(slab_cache_destroy(cache) == 0);
}

Test(atfork, a_handler_from_before_the_librarys_may_fork)
{
	cache = slab_cache_create("atfork", 200, NULL);
	for (int round = 0; round < 6; round++)
		cr_expect(in_child(fork_in_a_fork, &round), "round %d", round);
	cr_expect(slab_cache_destroy(cache) == 0);
}
