/* test_order.c - behind a burst of frees objects are served in the order of their addresses */
#include <stdlib.h>
#include <string.h>

#include "test/burst.h"

TestSuite(order, .init = make, .fini = unmake);

static int by_address(const void *a, const void *b)
{
	uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;

	return x < y ? -1 : x > y;
}

/* The first object taken behind a burst is the lowest that is free, and so on. */
static void expect_in_order(void **free_ones, size_t n)
{
	size_t lower = 0;

	for (size_t i = 1; i < n; i++)
		lower += (uintptr_t)objs[i] < (uintptr_t)objs[i - 1];
	/* where a span begins, and in slabs from before the cache had its own */
	cr_expect_lt(lower, n / 100, "%zu are lower", lower);
	qsort(free_ones, n, sizeof *free_ones, by_address);
	qsort(objs, n, sizeof *objs, by_address);
	cr_expect_arr_eq(objs, free_ones, n * sizeof *objs);
}

Test(order, of_addresses_behind_a_burst)
{
	static void *free_ones[N / 2];
	const struct slab__slot *s;

	take(0, N);
	shuffle();
	memcpy(free_ones, objs, sizeof free_ones);
	give(0, N / 2);
	s = slot();
	cr_assert_gt(slab_slot_count(s), 0);
	cr_assert_gt(s->prev_count + c->depot.objects, 0);
	take(0, 1);
	cr_expect_eq(c->slabs.given, 0); /* from a slab, not from a magazine */
	cr_expect_eq(s->prev_count, 0);
	cr_expect_eq(c->depot.objects, 0);
	figures_agree(c);
	take(1, N / 2 - 1);
	expect_in_order(free_ones, N / 2);
	give(0, N);
}

Test(order, of_blocks_by_size_likewise)
{
	static void *free_ones[N / 2];
	struct slab_cache *plain = c;
	size_t i;

	for (i = 0; i < N; i++)
		objs[i] = slab_malloc(64);
	shuffle();
	memcpy(free_ones, objs, sizeof free_ones);
	for (i = 0; i < N / 2; i++)
		slab_free(objs[i]);
	c = slab_cache_of(objs[N - 1]);
	cr_assert(slab_slot_is_stopped(slot()));
	objs[0] = slab_malloc(64);
	cr_expect_eq(c->slabs.given, 0);
	for (i = 1; i < N / 2; i++)
		objs[i] = slab_malloc(64);
	expect_in_order(free_ones, N / 2);
	for (i = 0; i < N; i++)
		slab_free(objs[i]);
	c = plain;
}
