/*
 * test_dtor.c - destroy waits for destructors that another thread runs
 *
 * A thread that ends hands its parked objects back, and their slabs with them: no call on the cache
 * that the one who destroys it could keep away.
 */
#define _GNU_SOURCE
#include "test/unit.h"

#include <pthread.h>

static pthread_barrier_t in_dtor;
static int dtors_run;

static void slow_dtor(void *obj, void *ctx)
{
	(void)obj;
	if (__atomic_exchange_n((int *)ctx, 1, __ATOMIC_SEQ_CST) == 0)
		pthread_barrier_wait(&in_dtor);
	usleep(1000); /* the rest of the slab takes longer than a destroy that does not wait */
	__atomic_fetch_add(&dtors_run, 1, __ATOMIC_SEQ_CST);
}

static void *end_with_parked(void *cache)
{
	void *objs[10];

	slab_cache_alloc_bulk(cache, 10, objs);
	slab_cache_free_bulk(cache, 10, objs);
	return NULL; /* the end of the thread empties its magazines */
}

Test(dtor, destroy_waits_for_destructors_at_the_end_of_a_thread)
{
	static int begun;
	struct slab_cache_args args = { .dtor = slow_dtor, .ctx = &begun };
	struct slab_cache *cache = slab_cache_create("waits", 64, &args);
	pthread_t thread;
	int run_by_then;

	begun = 0;
	pthread_barrier_init(&in_dtor, NULL, 2);
	cr_assert_eq(pthread_create(&thread, NULL, end_with_parked, cache), 0);
	pthread_barrier_wait(&in_dtor);
	cr_assert_eq(slab_cache_destroy(cache), 0);
	run_by_then = __atomic_load_n(&dtors_run, __ATOMIC_SEQ_CST);
	pthread_join(thread, NULL);
	cr_assert_eq(run_by_then, 63); /* every object of the slab, before destroy returned */
	cr_assert_eq(dtors_run, 63);
}
