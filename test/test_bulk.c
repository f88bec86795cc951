/* test_bulk.c - many objects at a time, zeroed ones, and no memory: all or none */
#include "test/unit.h"
#include "slab/page.h"

#define N 3000

static struct slab_cache *c;
static void *objs[N];

static void make(void)
{
	c = new_cache("bulk", 72);
}

static void unmake(void)
{
	slab_page_fail_map_at = 0;
	figures_agree(c);
	end_cache(c);
}

TestSuite(bulk, .init = make, .fini = unmake);

static int by_address(const void *a, const void *b)
{
	const char *x = *(char *const *)a, *y = *(char *const *)b;

	return x < y ? -1 : x > y;
}

Test(bulk, all_are_different_and_whole)
{
	cr_assert_eq(slab_cache_alloc_bulk(c, N, objs), N);
	for (int i = 0; i < N; i++)
		memset(objs[i], i, 72);
	for (int i = 0; i < N; i++)
		cr_assert(((char *)objs[i])[0] == (char)i && ((char *)objs[i])[71] == (char)i);
	qsort(objs, N, sizeof *objs, by_address);
	for (int i = 1; i < N; i++)
		cr_assert_geq((char *)objs[i], (char *)objs[i - 1] + 72);
	cr_assert_eq(figures(c).objects_live, N);
	slab_cache_free_bulk(c, N, objs);
	cr_assert_eq(figures(c).objects_live, 0);
}

Test(bulk, none_is_none)
{
	errno = 77;
	cr_assert_eq(slab_cache_alloc_bulk(c, 0, NULL), 0);
	slab_cache_free_bulk(c, 0, NULL);
	cr_assert_eq(errno, 77);
	cr_assert_eq(figures(c).alloc_failures, 0);
}

Test(bulk, free_skips_null)
{
	void *some[5] = { NULL, NULL, NULL, NULL, NULL };

	some[1] = slab_cache_alloc(c);
	some[3] = slab_cache_alloc(c);
	slab_cache_free_bulk(c, 5, some);
	cr_assert_eq(figures(c).frees, 2);
	cr_assert_eq(figures(c).objects_live, 0);
}

/* Mapping call k fails, and all after it: what was taken so far goes back. */
Test(bulk, without_memory_nothing_is_taken)
{
	bool enough = false;

	slab_reap();
	slab_page_fail_map_at = -1;
	errno = 0;
	cr_assert_eq(slab_cache_alloc_bulk(c, N, objs), 0);
	cr_assert_eq(errno, ENOMEM);
	cr_assert_eq(figures(c).objects_live, 0);
	cr_assert_geq(figures(c).alloc_failures, 1);
	for (long k = 1; k < 40 && !enough; k++) {
		slab_page_fail_map_at = k;
		enough = slab_cache_alloc_bulk(c, N, objs) == N; /* a single failure is got over */
		slab_page_fail_map_at = 0;
		figures_agree(c);
		if (enough)
			slab_cache_free_bulk(c, N, objs);
		else
			cr_assert_eq(figures(c).objects_live, 0);
		slab_reap();
	}
	cr_assert(enough);
}

Test(bulk, without_memory_what_is_parked_elsewhere_is_used)
{
	struct slab_cache *rich = new_cache("rich", 72);

	slab_reap();
	cr_assert_eq(slab_cache_alloc_bulk(rich, N, objs), N);
	slab_cache_free_bulk(rich, N, objs); /* warm, or parked */
	slab_page_fail_map_at = -1;
	objs[0] = slab_cache_alloc(c);
	slab_page_fail_map_at = 0;
	cr_assert_not_null(objs[0]);
	slab_cache_free(c, objs[0]);
	end_cache(rich);
}

Test(bulk, zalloc_is_zero_whatever_was_there)
{
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 200; i++) {
			objs[i] = slab_cache_zalloc(c);
			cr_assert_not_null(objs[i]);
			for (int k = 0; k < 72; k++)
				cr_assert_eq(((char *)objs[i])[k], 0);
			memset(objs[i], 0xff, 72);
		}
		slab_cache_free_bulk(c, 200, objs);
	}
}

Test(bulk, zalloc_without_memory_is_null)
{
	struct slab_cache *wide = new_cache("wide", 60000);

	slab_reap();
	slab_page_fail_map_at = -1;
	errno = 0;
	cr_assert_null(slab_cache_zalloc(wide));
	cr_assert_eq(errno, ENOMEM);
	slab_page_fail_map_at = 0;
	end_cache(wide);
}

Test(bulk, errno_stays_when_all_is_well)
{
	errno = 77;
	cr_assert_eq(slab_cache_alloc_bulk(c, N, objs), N);
	cr_assert_eq(errno, 77);
	slab_cache_free_bulk(c, N, objs);
	slab_cache_shrink(c);
	cr_assert_eq(errno, 77);
	cr_assert_not_null(objs[0] = slab_cache_zalloc(c));
	cr_assert_eq(errno, 77);
	slab_cache_free(c, objs[0]);
}
