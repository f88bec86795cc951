/*
 * test_exit.c - the end of threads and of the process: every call works in every destructor
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>

#include "test/child.h"

TestSuite(exit, .timeout = 120);

static struct slab_cache *cache;
static pthread_key_t before_ours, after_ours; /* destructors run in order of the keys' numbers */
static atomic_int ran;

/* The library's key is made before main; a key that was free before it has a lower number. */
static pthread_key_t early_key;

__attribute__((constructor(101))) static void take_early_key(void)
{
	pthread_key_create(&early_key, NULL); /* before or after the library's, as it is linked */
}

static void use_cache(void)
{
	void *objs[100];

	for (int i = 0; i < 100; i++) {
		objs[i] = slab_cache_alloc(cache);
		if (objs[i] == NULL)
			abort();
		memset(objs[i], 1, 64);
	}
	for (int i = 0; i < 100; i++)
		slab_cache_free(cache, objs[i]);
}

static void at_end(void *value)
{
	uintptr_t turns = (uintptr_t)value >> 8;
	pthread_key_t key = ((uintptr_t)value & 1) != 0 ? before_ours : after_ours;

	use_cache();
	atomic_fetch_add(&ran, 1);
	if (turns > 1) /* again, in the next round of destructors */
		pthread_setspecific(key, (void *)(((turns - 1) << 8) | ((uintptr_t)value & 0xff)));
}

struct life {
	bool use_first; /* slots exist before the destructors run */
	unsigned turns;
};

static void *live(void *arg)
{
	struct life *life = arg;

	if (life->use_first)
		use_cache();
	pthread_setspecific(before_ours, (void *)(((uintptr_t)life->turns << 8) | 1));
	pthread_setspecific(after_ours, (void *)(((uintptr_t)life->turns << 8) | 2));
	return NULL;
}

Test(exit, in_destructors_before_and_after_ours)
{
	pthread_t id;

	pthread_key_delete(early_key); /* the lowest number that is free, likely */
	cr_assert(pthread_key_create(&before_ours, at_end) == 0);
	cr_assert(pthread_key_create(&after_ours, at_end) == 0);
	cache = new_cache("exit", 64);
	for (int use_first = 0; use_first < 2; use_first++)
		for (unsigned turns = 1; turns <= 4; turns++)
			for (size_t i = 0; i < scaled(200, 5); i++) {
				struct life life = { use_first, turns };

				cr_assert(pthread_create(&id, NULL, live, &life) == 0);
				pthread_join(id, NULL);
			}
	cr_expect(atomic_load(&ran) > 0);
	EXPECT_SUMS(cache);
	cr_expect(figures(cache).objects_live == 0);
	cr_expect(totals().threads <= 1, "%zu ended threads still have slots",
	          (size_t)totals().threads);
	cr_expect(slab_cache_destroy(cache) == 0);
	pthread_key_delete(before_ours);
	pthread_key_delete(after_ours);
}

/* ---- the first use is in the last round of destructors ---- */

static pthread_key_t last_key;

static void count_down(void *value)
{
	if ((uintptr_t)value > 1)
		pthread_setspecific(last_key, (void *)((uintptr_t)value - 1));
	else
		use_cache();
}

static void *end_late(void *arg)
{
	pthread_setspecific(last_key, arg);
	return NULL;
}

Test(exit, first_use_in_the_last_round_of_destructors)
{
	size_t lives = scaled(300, 10);
	pthread_key_t lower[3]; /* so that last_key comes after the library's, and it is too late */
	pthread_t id;

	for (int i = 0; i < 3; i++)
		cr_assert(pthread_key_create(&lower[i], NULL) == 0);
	cr_assert(pthread_key_create(&last_key, count_down) == 0);
	for (int i = 0; i < 3; i++)
		pthread_key_delete(lower[i]);
	cache = new_cache("late", 64);
	for (size_t i = 0; i < lives; i++) {
		cr_assert(pthread_create(&id, NULL, end_late, (void *)(uintptr_t)4) == 0);
		pthread_join(id, NULL);
	}
	EXPECT_SUMS(cache);
	/* nobody tells the library of their end: they stay, with what they have parked */
	cr_expect(figures(cache).objects_live == 0);
	cr_expect(slab_cache_destroy(cache) == 0, "what ended threads have parked counts as live");
	pthread_key_delete(last_key);
}

/* ---- the end of the process ---- */

static void in_atexit(void)
{
	struct slab_cache *made;

	use_cache();
	made = slab_cache_create("in-atexit", 200, NULL);
	if (made == NULL || slab_cache_destroy(made) != 0 || slab_cache_verify(cache) != 0)
		_exit(1);
	use_cache();
}

static void *run_on(void *arg)
{
	(void)arg;
	for (;;)
		use_cache();
	return NULL;
}

static int leave_by_exit(void *arg)
{
	pthread_t id;

	cache = slab_cache_create("atexit", 64, NULL);
	CHECK(atexit(in_atexit) == 0);
	for (int i = 0; arg != NULL && i < 3; i++) {
		CHECK(pthread_create(&id, NULL, run_on, NULL) == 0);
		CHECK(pthread_detach(id) == 0);
	}
	use_cache();
	fclose(stdout); /* nothing that the parent has buffered is written twice */
	exit(0);
}

Test(exit, in_atexit)
{
	if (is_watched())
		return; /* a child's exit status is that of its leak check there */
	for (int i = 0; i < 20; i++)
		cr_expect(in_child(leave_by_exit, NULL));
}

Test(exit, while_detached_threads_run_on)
{
	if (is_watched())
		return;
	for (int i = 0; i < 50; i++)
		cr_expect(in_child(leave_by_exit, ""));
}

static void *wait_for_main(void *arg)
{
	pthread_join(*(pthread_t *)arg, NULL);
	use_cache();
	exit(slab_cache_verify(cache));
}

static int main_ends_first(void *arg)
{
	static pthread_t self;
	pthread_t id;

	(void)arg;
	cache = slab_cache_create("main-first", 64, NULL);
	use_cache();
	self = pthread_self();
	fclose(stdout);
	CHECK(pthread_create(&id, NULL, wait_for_main, &self) == 0);
	pthread_exit(NULL);
}

Test(exit, the_first_thread_ends_first)
{
	if (is_watched())
		return;
	for (int i = 0; i < 20; i++)
		cr_expect(in_child(main_ends_first, NULL));
}
