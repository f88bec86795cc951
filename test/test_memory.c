/*
 * test_memory.c - memory goes back: at once, without a further call, and as far as promised
 */
#define _GNU_SOURCE
#include <pthread.h>

#include "test/figures.h"

TestSuite(memory, .timeout = 120);

/* Fill with objects of one size, free in random order: what stays resident afterwards. */
static void burst(size_t size, size_t bytes)
{
	size_t n = bytes / size, before, after;
	void **objs = own_pages(n * sizeof *objs);
	struct slab_cache *c = new_cache("burst", size);
	struct slab_totals t;

	before = rss_bytes();
	fill(c, objs, n);
	for (size_t i = 0; size > 4096 && i < n; i++)
		memset(objs[i], 1, size);
	cr_expect(is_watched() || rss_bytes() > before + bytes, "the burst was not resident");
	shuffle(objs, n, size);
	drain(c, objs, n);
	after = rss_bytes(); /* with no further call */
	t = totals();
	if (!is_watched())
		cr_expect(after <= before + t.reserve_bytes + MIB,
		          "%zu KiB more than before objects of %zu, reserve %zu KiB",
		          (after - before) / KIB, size, (size_t)t.reserve_bytes / KIB);
	cr_expect(figures(c).mapped_bytes <= t.reserve_bytes + MIB);
	cr_log_info("burst of %zu: +%ld KiB, reserve %zu KiB", size,
	            ((long)after - (long)before) / 1024, (size_t)t.reserve_bytes / KIB);
	EXPECT_SUMS(c);
	cr_expect(slab_cache_destroy(c) == 0);
	munmap(objs, n * sizeof *objs);
}

Test(memory, returns_after_a_burst_of_16) { burst(16, scaled(100 * MIB, MIB / 2)); }
Test(memory, returns_after_a_burst_of_64) { burst(64, scaled(100 * MIB, 2 * MIB)); }
Test(memory, returns_after_a_burst_of_256) { burst(256, scaled(100 * MIB, 4 * MIB)); }
Test(memory, returns_after_a_burst_of_1024) { burst(1024, scaled(100 * MIB, 8 * MIB)); }
Test(memory, returns_after_a_burst_of_65536) { burst(65536, scaled(100 * MIB, 16 * MIB)); }

Test(memory, peak_is_constant_over_a_thousand_rounds)
{
	size_t n = scaled(65536, 8192), rounds = scaled(1000, 12), early = 0, late = 0;
	void **objs = own_pages(n * sizeof *objs), **order = own_pages(n * sizeof *order);
	struct slab_cache *c = new_cache("rounds", 64);

	for (size_t i = 0; i < n; i++)
		order[i] = (void *)(uintptr_t)i;
	shuffle(order, n, 1);
	for (size_t round = 0; round < rounds; round++) {
		size_t mapped;

		fill(c, objs, n);
		mapped = totals().mapped_bytes;
		if (round < 8)
			early = mapped > early ? mapped : early;
		else
			late = mapped > late ? mapped : late;
		for (size_t i = 0; i < n; i++)
			slab_cache_free(c, objs[(uintptr_t)order[i]]);
	}
	cr_expect(late <= early, "mapped %zu KiB at a late peak, %zu KiB at the early ones",
	          late / KIB, early / KIB);
	cr_log_info("peaks: early %zu KiB, late %zu KiB", early / KIB, late / KIB);
	EXPECT_SUMS(c);
	cr_expect(slab_cache_destroy(c) == 0);
	munmap(objs, n * sizeof *objs);
	munmap(order, n * sizeof *order);
}

/* ---- idle threads ---- */

#define THREADS 16
#define SIZES 6

static const size_t sizes[SIZES] = { 32, 64, 200, 512, 1024, 4096 };
static struct slab_cache *caches[SIZES];
static pthread_barrier_t barrier;

/* Uses every cache, in random order of freeing, then does nothing. */
static void *free_then_idle(void *arg)
{
	size_t bytes = scaled(MIB, 64 * KIB);
	void **objs = arg;

	for (int s = 0; s < SIZES; s++) {
		size_t n = bytes / sizes[s];

		fill(caches[s], objs, n);
		shuffle(objs, n, (uint64_t)s + 1);
		drain(caches[s], objs, n);
	}
	pthread_barrier_wait(&barrier); /* 1: idle */
	pthread_barrier_wait(&barrier); /* 2: measured */
	slab_thread_flush();
	pthread_barrier_wait(&barrier); /* 3: flushed */
	pthread_barrier_wait(&barrier); /* 4: measured */
	return NULL;
}

static void idle_threads(size_t thread_bytes)
{
	size_t room = MIB / sizes[0] * sizeof(void *), before, idle, flushed, meta, reserve;
	pthread_t threads[THREADS];
	void *own[THREADS];
	size_t stacks = THREADS * 64 * KIB; /* what of each thread's stack is touched */

	slab_set(SLAB_THREAD_BYTES, thread_bytes);
	pthread_barrier_init(&barrier, NULL, THREADS + 1);
	for (int s = 0; s < SIZES; s++)
		caches[s] = new_cache("idle", sizes[s]);
	for (int i = 0; i < THREADS; i++)
		own[i] = own_pages(room);
	before = rss_bytes();
	meta = totals().metadata_bytes;
	for (int i = 0; i < THREADS; i++)
		cr_assert(pthread_create(&threads[i], NULL, free_then_idle, own[i]) == 0);
	pthread_barrier_wait(&barrier);
	idle = rss_bytes();
	reserve = totals().reserve_bytes;
	meta = totals().metadata_bytes - meta;
	for (int s = 0; s < SIZES; s++)
		EXPECT_SUMS(caches[s]);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	flushed = rss_bytes();
	if (!is_watched()) {
		cr_expect(idle <= before + THREADS * thread_bytes + reserve + meta + MIB + stacks,
		          "idle threads hold %zu KiB", (idle - before) / KIB);
		cr_expect(flushed <= before + reserve + meta + MIB + stacks,
		          "flushed threads hold %zu KiB", (flushed - before) / KIB);
	}
	cr_log_info("threads of %zu KiB: idle +%zu KiB, flushed +%zu KiB, metadata %zu KiB, "
	            "reserve %zu KiB", thread_bytes / KIB, (idle - before) / KIB,
	            (flushed - before) / KIB, meta / KIB, reserve / KIB);
	for (int s = 0; s < SIZES; s++) { /* what is left stands in the depot: no thread has any */
		cr_expect(figures(caches[s]).objects_live == 0);
		slab_cache_shrink(caches[s]);
		cr_expect(figures(caches[s]).objects_cached == 0, "a flushed thread has some");
		EXPECT_SUMS(caches[s]);
	}
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		munmap(own[i], room);
	}
	for (int s = 0; s < SIZES; s++)
		cr_expect(slab_cache_destroy(caches[s]) == 0);
	pthread_barrier_destroy(&barrier);
	slab_set(SLAB_THREAD_BYTES, MIB);
}

Test(memory, idle_threads_hold_what_they_may)
{
	idle_threads(MIB);
}

Test(memory, idle_threads_hold_little_when_told_so)
{
	idle_threads(32 * KIB);
}

/* ---- what objects and caches cost ---- */

Test(memory, a_small_object_costs_little_more_than_itself)
{
	size_t n = scaled(1000000, 10000), before, each;
	void **objs = own_pages(n * sizeof *objs);
	struct slab_cache *c = new_cache("density", 64);

	before = rss_bytes();
	fill(c, objs, n);
	each = (rss_bytes() - before) * 100 / n;
	if (!is_watched())
		cr_expect(each <= 6650, "%zu.%02zu bytes for one of 64", each / 100, each % 100);
	cr_log_info("an object of 64: %zu.%02zu bytes", each / 100, each % 100);
	drain(c, objs, n);
	cr_expect(slab_cache_destroy(c) == 0);
	munmap(objs, n * sizeof *objs);
}

Test(memory, a_cache_costs_a_slab_and_a_kibibyte)
{
	size_t n = scaled(10000, 300), before, meta, rss;
	struct slab_cache **many = own_pages(n * sizeof *many);
	void **objs = own_pages(n * sizeof *objs);

	meta = totals().metadata_bytes;
	before = rss_bytes();
	for (size_t i = 0; i < n; i++) {
		many[i] = new_cache("one-of-many", 64);
		fill(many[i], &objs[i], 1);
	}
	rss = rss_bytes() - before;
	meta = totals().metadata_bytes - meta;
	for (size_t i = 0; i < n; i++)
		cr_assert(figures(many[i]).mapped_bytes <= 4096);
	cr_expect(meta / n <= KIB, "%zu bytes of metadata for a cache", meta / n);
	if (!is_watched())
		cr_expect(rss / n <= 4096 + KIB, "%zu resident bytes for a cache", rss / n);
	cr_log_info("a cache with one object: %zu bytes resident, metadata %zu", rss / n, meta / n);
	for (size_t i = 0; i < n; i++) {
		slab_cache_free(many[i], objs[i]);
		cr_assert(slab_cache_destroy(many[i]) == 0);
	}
	munmap(many, n * sizeof *many);
	munmap(objs, n * sizeof *objs);
}

/* ---- reuse ---- */

Test(memory, refill_takes_the_slabs_that_one_object_pins)
{
	size_t n = scaled(200000, 20000), kept = 0, slabs, freed = 0;
	void **objs = own_pages(n * sizeof *objs);
	struct slab_cache *c = new_cache("pinned", 64);

	fill(c, objs, n);
	slabs = figures(c).slabs;
	for (size_t i = 0; i < n; i++) { /* objects come slab by slab, but not one after another */
		uintptr_t page = (uintptr_t)objs[i] & ~(uintptr_t)4095;
		bool last = true;

		for (size_t k = i + 1; k < n && k < i + 512 && last; k++)
			last = ((uintptr_t)objs[k] & ~(uintptr_t)4095) != page;
		if (last) {
			objs[kept++] = objs[i];
		} else {
			slab_cache_free(c, objs[i]);
			freed++;
		}
	}
	cr_expect(kept >= slabs * 9 / 10 && kept < slabs * 2, "%zu kept in %zu slabs", kept, slabs);
	for (size_t i = 0; i < freed; i++) {
		objs[kept + i] = slab_cache_alloc(c);
		cr_assert(objs[kept + i] != NULL);
	}
	cr_expect(figures(c).slabs <= slabs, "%zu slabs, %zu before",
	          (size_t)figures(c).slabs, slabs);
	EXPECT_SUMS(c);
	drain(c, objs, n);
	cr_expect(slab_cache_destroy(c) == 0);
	munmap(objs, n * sizeof *objs);
}

Test(memory, one_cache_uses_what_another_has_left)
{
	size_t bytes = scaled(64 * MIB, MIB), n = bytes / 64, before, small, large;
	void **objs = own_pages(n * sizeof *objs);
	struct slab_cache *a = new_cache("first", 64), *b = new_cache("second", 1024);

	before = rss_bytes();
	fill(a, objs, n);
	small = rss_bytes() - before;
	shuffle(objs, n, 3);
	drain(a, objs, n);
	fill(b, objs, bytes / 1024);
	large = rss_bytes() - before;
	if (!is_watched()) /* the second alone takes no more than the first: 1/8 waste at most */
		cr_expect(large <= (small > bytes * 9 / 8 ? small : bytes * 9 / 8) +
		                       totals().reserve_bytes,
		          "%zu KiB after %zu KiB", large / KIB, small / KIB);
	cr_log_info("first %zu KiB, then the other %zu KiB", small / KIB, large / KIB);
	drain(b, objs, bytes / 1024);
	cr_expect(slab_cache_destroy(a) == 0 && slab_cache_destroy(b) == 0);
	munmap(objs, n * sizeof *objs);
}

/* While much is in use much may be parked; when that goes, so must what is parked. */
Test(memory, parked_objects_go_when_another_cache_shrinks)
{
	size_t n = scaled(128 * MIB, 16 * MIB) / 256, m = n / 12, before, parked, after;
	void **objs = own_pages(n * sizeof *objs), **more = own_pages(m * sizeof *more);
	struct slab_cache *large = new_cache("large", 256), *small = new_cache("parked", 256);

	cr_assert(slab_set(SLAB_THREAD_BYTES, 4 * MIB) == 0);
	before = rss_bytes();
	fill(large, objs, n);
	fill(small, more, m);
	shuffle(more, m, 11);
	drain(small, more + 1000, m - 1000); /* a burst, which parks little */
	for (int i = 0; i < 10; i++) { /* its end */
		cr_assert(slab_cache_alloc_bulk(small, 200, more + 1000) == 200);
		drain(small, more + 1000, 200);
	}
	drain(small, more, 1000);
	parked = figures(small).mapped_bytes;
	shuffle(objs, n, 12);
	drain(large, objs, n);
	after = rss_bytes();
	cr_log_info("%zu KiB parked, +%ld KiB at the end", parked / KIB,
	            ((long)after - (long)before) / 1024);
	cr_expect(is_watched() || parked > MIB / 2, "only %zu KiB parked", parked / KIB);
	cr_expect(figures(small).mapped_bytes + figures(large).mapped_bytes <=
	          totals().reserve_bytes + MIB / 2);
	cr_expect(is_watched() || figures(small).mapped_bytes <= parked / 2);
	if (!is_watched())
		cr_expect(after <= before + totals().reserve_bytes + MIB);
	cr_expect(slab_cache_destroy(large) == 0 && slab_cache_destroy(small) == 0);
	cr_assert(slab_set(SLAB_THREAD_BYTES, MIB) == 0);
	munmap(objs, n * sizeof *objs);
	munmap(more, m * sizeof *more);
}

/* ---- large blocks ---- */

enum { BLOCKS = 400 };

/* What n blocks of size make resident, touched or not. */
static size_t resident(int n, size_t size, bool touched)
{
	static char *block[BLOCKS];
	size_t before = rss_bytes(), after;

	for (int i = 0; i < n; i++) {
		block[i] = slab_malloc(size);
		if (touched)
			memset(block[i], 1, size);
	}
	after = rss_bytes();
	for (int i = 0; i < n; i++)
		slab_free(block[i]);
	return after > before ? after - before : 0;
}

/* In slabs each would have 68 KiB, and count for 128 where empty slabs are counted. */
Test(memory, blocks_of_64_kib_cost_64_kib_and_make_few_calls)
{
	uint64_t calls;

	if (!is_watched())
		cr_expect_leq(resident(BLOCKS, 64 * KIB, true), BLOCKS * 66 * KIB + 256 * KIB);
	for (int round = 0; round < 32; round++)
		resident(40, 64 * KIB, false);
	calls = slab_page_calls.map + slab_page_calls.unmap;
	resident(40, 64 * KIB, false);
	if (!is_watched())
		cr_expect_eq(slab_page_calls.map + slab_page_calls.unmap, calls);
}

/* Of a buffer nobody knows how much will be touched, whatever has gone back before. */
Test(memory, what_comes_again_takes_what_is_touched_of_it)
{
	size_t before = rss_bytes();
	char *block[20] = { NULL };

	for (size_t i = 0; i < 400; i++) {
		slab_free(block[i % 20]);
		block[i % 20] = slab_malloc((1 + i * 7 % 16) * 256 * KIB);
		block[i % 20][0] = 1;
	}
	if (!is_watched())
		cr_expect_leq(rss_bytes(), before + 4 * MIB);
	for (int i = 0; i < 20; i++)
		slab_free(block[i]);
}
