/*
 * test_walk.c - the live objects of a cache, exactly; whose object an address is
 */
#define _GNU_SOURCE /* barriers */
#include "test/unit.h"
#include "slab/slabpage.h"
#include "slab/page.h"

#define N 1000

static struct slab_cache *c;
static void *objs[N];
static unsigned char seen[N]; /* by the number that stands in each object */

static void make(void)
{
	c = new_cache("walked", 48);
	cr_assert_eq(slab_cache_alloc_bulk(c, N, objs), N);
	for (int i = 0; i < N; i++)
		*(int *)objs[i] = i;
	memset(seen, 0, sizeof seen);
}

static void unmake(void)
{
	slab_cache_free_bulk(c, N, objs);
	figures_agree(c);
	end_cache(c);
}

TestSuite(walk, .init = make, .fini = unmake);

static void give(int i)
{
	slab_cache_free(c, objs[i]);
	objs[i] = NULL;
}

static int see(void *obj, void *ctx)
{
	(void)ctx;
	seen[*(int *)obj]++;
	return 0;
}

/* Every live object was seen once, and nothing else. */
static void saw_the_live_ones(void)
{
	memset(seen, 0, sizeof seen);
	cr_assert_eq(slab_cache_for_each_object(c, see, NULL), 0);
	for (int i = 0; i < N; i++)
		cr_assert_eq(seen[i], objs[i] != NULL, "object %d was seen %d times", i, seen[i]);
	cr_assert_eq(slab_cache_verify(c), 0);
}

Test(walk, shows_exactly_the_live_set)
{
	saw_the_live_ones();
	for (int i = 0; i < N; i += 3)
		give(i);
	saw_the_live_ones(); /* some are parked in both magazines and in the depot */
	cr_assert_gt(figures(c).objects_cached, 100);
	slab_thread_flush();
	saw_the_live_ones();
	for (int i = 0; i < N; i++)
		if (objs[i] != NULL)
			give(i);
	saw_the_live_ones();
}

static pthread_barrier_t barrier;

static void *park_some(void *arg)
{
	int first = (int)(intptr_t)arg;

	slab_cache_free(c, slab_cache_alloc(c)); /* has slots from here on */
	for (int i = first; i < first + 100; i++)
		give(i);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	return NULL;
}

Test(walk, knows_what_other_threads_have_parked)
{
	pthread_t ids[4];

	pthread_barrier_init(&barrier, NULL, 5);
	for (int i = 0; i < 4; i++)
		pthread_create(&ids[i], NULL, park_some, (void *)(intptr_t)(i * 200));
	pthread_barrier_wait(&barrier);
	cr_assert_gt(figures(c).objects_cached, 200);
	for (int i = 0; i < N; i += 7)
		if (objs[i] != NULL)
			give(i);
	saw_the_live_ones();
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < 4; i++)
		pthread_join(ids[i], NULL);
	pthread_barrier_destroy(&barrier);
	saw_the_live_ones();
}

/* ---- what fn may do ---- */

/* Frees its object down to the slab; ctx: the most slabs that were empty and stayed. */
static int free_it(void *obj, void *ctx)
{
	uint64_t *most = ctx;

	seen[*(int *)obj]++;
	give(*(int *)obj);
	slab_thread_flush();
	if (figures(c).slabs_empty > *most)
		*most = figures(c).slabs_empty;
	return 0;
}

Test(walk, fn_may_free_its_object_whose_slab_stays_until_the_end)
{
	uint64_t slabs, empty = 0;

	slab_thread_flush();
	slabs = figures(c).slabs;
	cr_assert_eq(slab_cache_for_each_object(c, free_it, &empty), 0);
	for (int i = 0; i < N; i++)
		cr_assert_eq(seen[i], 1);
	cr_assert_eq(empty, slabs);
	cr_assert_eq(figures(c).slabs, 0);
}

/* Frees a number of other objects that come later; none of them may be shown. */
static int free_others(void *obj, void *ctx)
{
	int i = *(int *)obj, flush = *(int *)ctx;

	cr_expect_not_null(objs[i], "object %d was freed before", i);
	seen[i]++;
	for (int k = 1; k <= 5; k++)
		if (objs[(i + k * 37) % N] != NULL && !seen[(i + k * 37) % N])
			give((i + k * 37) % N);
	if (flush)
		slab_thread_flush();
	return 0;
}

Test(walk, fn_may_free_later_objects_which_are_not_shown)
{
	int flush = 0, shown = 0;

	cr_assert_eq(slab_cache_for_each_object(c, free_others, &flush), 0);
	for (int i = 0; i < N; i++)
		shown += seen[i];
	cr_assert_eq(figures(c).objects_live, (uint64_t)shown);
	saw_the_live_ones();
}

Test(walk, also_when_they_reach_the_slabs_at_once)
{
	int flush = 1;

	cr_assert_eq(slab_cache_for_each_object(c, free_others, &flush), 0);
	saw_the_live_ones();
	slab_cache_shrink(c);
	saw_the_live_ones();
}

static void *more[3 * N];
static int n_more;

static int take_more(void *obj, void *ctx)
{
	(void)ctx;
	if (*(int *)obj < N)
		seen[*(int *)obj]++;
	for (int k = 0; k < 3 && n_more < 3 * N; k++) {
		more[n_more] = slab_cache_alloc(c);
		*(int *)more[n_more++] = N;
	}
	return 0;
}

Test(walk, fn_may_allocate)
{
	n_more = 0;
	cr_assert_eq(slab_cache_for_each_object(c, take_more, NULL), 0);
	cr_assert_eq(n_more, 3 * N);
	for (int i = 0; i < N; i++)
		cr_assert_eq(seen[i], 1);
	cr_assert_eq(figures(c).objects_live, 4 * N);
	slab_cache_free_bulk(c, 3 * N, more);
}

static int see_all_again(void *obj, void *ctx)
{
	int *left = ctx;

	(void)obj;
	memset(seen, 0, sizeof seen);
	slab_cache_for_each_object(c, see, NULL);
	return --*left == 0;
}

Test(walk, walks_may_nest)
{
	int left = 3;

	cr_assert_eq(slab_cache_for_each_object(c, see_all_again, &left), 1);
	for (int i = 0; i < N; i++)
		cr_assert_eq(seen[i], 1);
}

static int stop_at_ten(void *obj, void *ctx)
{
	(void)obj;
	return ++*(int *)ctx == 10 ? -7 : 0;
}

Test(walk, stops_when_told_and_unpins)
{
	int calls = 0;

	cr_assert_eq(slab_cache_for_each_object(c, stop_at_ten, &calls), -7);
	cr_assert_eq(calls, 10);
	for (int i = 0; i < N; i++)
		give(i);
	slab_cache_shrink(c);
	cr_assert_eq(figures(c).slabs, 0); /* nothing is pinned any more */
	cr_assert_eq(slab_cache_for_each_object(c, stop_at_ten, &calls), 0);
	cr_assert_eq(calls, 10);
}

Test(walk, without_memory_it_does_not_begin)
{
	slab_page_fail_map_at = -1;
	errno = 0;
	cr_assert_eq(slab_cache_for_each_object(c, see, NULL), -1);
	slab_page_fail_map_at = 2; /* the second array */
	cr_assert_eq(errno, ENOMEM);
	errno = 0;
	cr_assert_eq(slab_cache_for_each_object(c, see, NULL), -1);
	slab_page_fail_map_at = 0;
	cr_assert_eq(errno, ENOMEM);
	for (int i = 0; i < N; i++)
		cr_assert_eq(seen[i], 0);
	saw_the_live_ones();
}

/* ---- whose object ---- */

Test(walk, cache_of_knows_live_objects_to_their_last_byte)
{
	struct slab_cache *padded =
	    slab_cache_create("padded", 20, &(struct slab_cache_args){ .align = 32 });
	char *obj = slab_cache_alloc(padded);

	cr_assert_eq(slab_cache_of(obj), padded);
	cr_assert_eq(slab_cache_of(obj + 19), padded);
	cr_assert_null(slab_cache_of(obj + 20)); /* between two objects */
	cr_assert_null(slab_cache_of(obj - 1));
	cr_assert_null(slab_cache_of(slab_of(&padded->geo, obj)));
	for (int i = 0; i < N; i += 50)
		cr_assert(slab_cache_of(objs[i]) == c && slab_cache_of((char *)objs[i] + 47) == c);
	slab_cache_free(padded, obj);
	end_cache(padded);
}

Test(walk, cache_of_tells_free_and_parked_from_live)
{
	void *parked = objs[1], *freed = objs[500];

	give(1);
	cr_assert_null(slab_cache_of(parked));
	give(500);
	slab_thread_flush();
	cr_assert_null(slab_cache_of(freed));
	cr_assert_null(slab_cache_of(parked));
	cr_assert_eq(slab_cache_of(objs[2]), c);
}

Test(walk, cache_of_takes_any_address)
{
	void *hole = objs[0];
	int local;

	cr_assert_null(slab_cache_of(NULL));
	cr_assert_null(slab_cache_of(&local));
	cr_assert_null(slab_cache_of(&slab_root));
	cr_assert_null(slab_cache_of((void *)UINTPTR_MAX));
	cr_assert_null(slab_cache_of((void *)((uintptr_t)1 << 47)));
	for (int i = 0; i < 500; i++)
		give(i);
	slab_cache_shrink(c); /* its slab is a hole now, or its whole span is gone */
	cr_assert_null(slab_cache_of(hole));
}

/* More caches than there are slots: slab_free() asks whose the object is. */
Test(walk, without_memory_a_cache_without_a_slot_is_known)
{
	static uint64_t kept[SLAB_SLOTS / 64];
	struct slab_cache *without;
	void *obj;

	memcpy(kept, slab_root.slots_used, sizeof kept);
	memset(slab_root.slots_used, 0xff, sizeof kept);
	without = new_cache("without", 64);
	memcpy(slab_root.slots_used, kept, sizeof kept);
	cr_assert_eq(without->number, 0);
	obj = slab_cache_alloc(without);
	slab_page_fail_map_at = -1;
	slab_free(obj);
	slab_page_fail_map_at = 0;
	cr_assert_eq(figures(without).objects_live, 0);
	cr_assert_null(slab_cache_of(obj));
	end_cache(without);
}
