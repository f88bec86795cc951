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

static void before_everything(void)
{
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
