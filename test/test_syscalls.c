/*
 * test_syscalls.c - loops that swing around an edge ask the kernel for nothing after their start
 *
 * Each loop runs twice, the second time twice as long: the calls counted in page.c must stay under
 * a bound that knows nothing of the rounds.
 */
#define _GNU_SOURCE
#include "test/figures.h"

TestSuite(syscalls, .timeout = 120);

#define MOST 200 /* calls in all for a loop of any length */

static int construct(void *obj, void *ctx)
{
	(void)ctx;
	memset(obj, 0x11, 16);
	return 0;
}

static struct slab_cache *maybe_constructed(const char *name, size_t size, bool with_ctor)
{
	struct slab_cache_args args = { .ctor = with_ctor ? construct : NULL };
	struct slab_cache *c = slab_cache_create(name, size, &args);

	cr_assert(c != NULL);
	return c;
}

static void expect_few(const char *what, size_t size, uint64_t once, uint64_t twice)
{
	cr_expect(once <= MOST && twice <= MOST, "%s of %zu: %lu calls, then %lu in twice as many",
	          what, size, (unsigned long)once, (unsigned long)twice);
	cr_log_info("%s of %zu: %lu calls, then %lu", what, size, (unsigned long)once,
	            (unsigned long)twice);
}

static const size_t sizes[] = { 64, 1024, 4096, 65536 };

/* ---- one object comes and goes on an empty cache ---- */

static uint64_t pairs(struct slab_cache *c, size_t n)
{
	uint64_t before = page_calls();

	for (size_t i = 0; i < n; i++) {
		void *obj = slab_cache_alloc(c);

		cr_assert(obj != NULL);
		slab_cache_free(c, obj);
	}
	return page_calls() - before;
}

static void pairs_of(size_t size, bool with_ctor)
{
	struct slab_cache *c = maybe_constructed("pairs", size, with_ctor);
	uint64_t once = pairs(c, scaled(1000000, 10000)), twice = pairs(c, scaled(2000000, 20000));

	expect_few("pairs", size, once, twice);
	EXPECT_SUMS(c);
	cr_expect(slab_cache_destroy(c) == 0);
}

Test(syscalls, pairs_on_an_empty_cache)
{
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		pairs_of(sizes[i], false);
}

Test(syscalls, pairs_on_an_empty_cache_with_a_constructor)
{
	pairs_of(64, true);
	pairs_of(4096, true);
}

/* Without magazines every call reaches the slabs: the reserve alone must do. */
Test(syscalls, pairs_without_magazines)
{
	slab_set(SLAB_THREAD_BYTES, 0);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		pairs_of(sizes[i], false);
	slab_set(SLAB_THREAD_BYTES, MIB);
}

/* ---- around the edge of a full slab, and of a full magazine ---- */

static uint64_t swing(struct slab_cache *c, size_t by, size_t n, void **objs)
{
	uint64_t before = page_calls();

	for (size_t i = 0; i < n; i++) {
		fill(c, objs, by);
		drain(c, objs, by);
	}
	return page_calls() - before;
}

static void edges_of(size_t size, size_t slabs, bool with_ctor)
{
	struct slab_cache *c = maybe_constructed("edges", size, with_ctor);
	size_t full = figures(c).objects_per_slab * slabs, n = scaled(1000, 20);
	size_t from = full > 20 ? full - 20 : 0, most = 520;
	void **objs = own_pages((full + most) * sizeof *objs);
	uint64_t once = 0, twice = 0;

	fill(c, objs, from);
	for (size_t held = from; held < full + 3; held++) { /* one object, at every fill there */
		once += swing(c, 1, n, objs + held);
		twice += swing(c, 1, 2 * n, objs + held);
		fill(c, objs + held, 1);
	}
	expect_few("one more around a full slab", size, once, twice);
	drain(c, objs + full, 3);
	once = twice = 0;
	for (size_t by = 1; by * size <= 256 * KIB && by < most - 3; by += by < 20 ? 1 : 31) {
		once += swing(c, by, n / 20 + 1, objs + full);
		twice += swing(c, by, n / 10 + 2, objs + full);
	}
	expect_few("up to 256 KiB more", size, once, twice);
	drain(c, objs, full);
	EXPECT_SUMS(c);
	cr_expect(slab_cache_destroy(c) == 0);
	munmap(objs, (full + most) * sizeof *objs);
}

Test(syscalls, around_a_full_slab)
{
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		edges_of(sizes[i], 1, false);
		edges_of(sizes[i], 3, false);
		edges_of(sizes[i], 16, false);
	}
}

Test(syscalls, around_a_full_slab_with_a_constructor)
{
	edges_of(64, 1, true);
	edges_of(64, 3, true);
	edges_of(4096, 3, true);
}

/* ---- a megabyte comes and goes ---- */

static void rounds_of(size_t size, size_t objects, bool with_ctor)
{
	struct slab_cache *c = maybe_constructed("rounds", size, with_ctor);
	void **objs = own_pages(objects * sizeof *objs);
	uint64_t warm = swing(c, objects, 8, objs); /* while the reserve finds its size */
	uint64_t once = swing(c, objects, scaled(1000, 30), objs);
	uint64_t twice = swing(c, objects, scaled(2000, 60), objs);

	cr_expect(warm <= 8 * MOST, "%lu calls in the first rounds", (unsigned long)warm);
	expect_few("a thousand", size, once, twice);
	EXPECT_SUMS(c);
	cr_expect(slab_cache_destroy(c) == 0);
	munmap(objs, objects * sizeof *objs);
}

Test(syscalls, a_thousand_of_1024_come_and_go) { rounds_of(1024, 1000, false); }
Test(syscalls, a_thousand_of_64_come_and_go) { rounds_of(64, 1000, false); }
Test(syscalls, a_thousand_of_64_come_and_go_constructed) { rounds_of(64, 1000, true); }
Test(syscalls, a_mebibyte_of_4096_comes_and_goes) { rounds_of(4096, 256, false); }
Test(syscalls, a_mebibyte_of_65536_comes_and_goes) { rounds_of(65536, 16, false); }

/* Two caches of different slab sizes at once, each with its own edge. */
Test(syscalls, two_caches_swing_at_once)
{
	struct slab_cache *a = new_cache("a", 64), *b = new_cache("b", 1024);
	void *objs[2][64];
	uint64_t calls[3];

	for (int part = 0; part < 3; part++) {
		calls[part] = page_calls();
		for (size_t i = 0; i < scaled(2000, 20) * (part == 2 ? 2 : 1); i++) {
			fill(a, objs[0], 64);
			fill(b, objs[1], 64);
			drain(a, objs[0], 64);
			drain(b, objs[1], 64);
		}
		calls[part] = page_calls() - calls[part];
	}
	expect_few("two caches", 64, calls[1], calls[2]);
	cr_expect(slab_cache_destroy(a) == 0 && slab_cache_destroy(b) == 0);
}

Test(syscalls, destroy_and_create_again)
{
	uint64_t before = page_calls(), meta = totals().metadata_bytes;

	for (size_t i = 0; i < scaled(100000, 2000); i++) {
		struct slab_cache *c = new_cache("short-lived", 64);

		cr_assert(slab_cache_destroy(c) == 0);
	}
	cr_expect(page_calls() - before <= MOST, "%lu calls without an object",
	          (unsigned long)(page_calls() - before));
	cr_expect(totals().metadata_bytes - meta <= 256 * KIB);
}
