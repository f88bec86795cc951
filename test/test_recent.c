/*
 * test_recent.c - memory of freed large blocks: cut and joined again
 */
#include "test/runs.h"
#include "slab/large.h"
#include "slab/map.h"
#include "slab/meta.h"
#include "slab/page.h"
#include "slab/recent.h"
#include "slab/take.h"

TestSuite(recent, .init = keep_nothing, .fini = keep_nothing);

Test(recent, a_run_serves_smaller_blocks_and_is_one_again)
{
	char *whole = slab_malloc(896 * K), *part[3];
	uint64_t calls;

	memset(whole, 0xaa, 896 * K);
	slab_free(whole);
	cr_assert_eq(slab_root.recent_count, 1);
	calls = slab_page_calls.map + slab_page_calls.unmap;
	part[0] = slab_malloc(200 * K);
	part[1] = slab_malloc(300 * K);
	part[2] = slab_malloc(300 * K);
	is_sound();
	cr_assert_eq(part[0], whole);
	cr_assert_eq(part[1], whole + 256 * K);
	cr_assert_eq(part[2], whole + 576 * K);
	cr_assert_eq(slab_usable_size(part[1]), 320 * K);
	memset(part[1], 0xbb, 320 * K);
	slab_free(part[0]);
	slab_free(part[2]);
	is_sound();
	cr_assert_eq(slab_root.recent_count, 2);
	slab_free(part[1]);
	is_sound();
	cr_assert_eq(slab_root.recent_count, 1);
	cr_assert_eq(slab_malloc(896 * K), whole);
	cr_assert_eq(slab_page_calls.map + slab_page_calls.unmap, calls);
	slab_free(whole);
}

Test(recent, a_block_grows_into_the_run_behind_it)
{
	char *whole = slab_malloc(896 * K), *p;
	uint64_t calls;

	slab_free(whole);
	calls = slab_page_calls.map;
	p = slab_malloc(200 * K);
	memset(p, 0x5c, 200 * K);
	cr_assert_eq(slab_realloc(p, 500 * K), p);
	cr_assert_eq(slab_page_calls.map, calls);
	cr_assert_eq(slab_map_order1(p + 500 * K - 1), SLAB_MAP_LARGE);
	for (size_t i = 0; i < 200 * K; i++)
		cr_assert_eq(p[i], 0x5c);
	is_sound();
	slab_free(p);
	is_sound();
	cr_assert_eq(slab_root.recent_count, 1);
}

Test(recent, calloc_of_a_part_is_zero)
{
	char *p = slab_malloc(900 * K);

	memset(p, 0xff, 900 * K);
	slab_free(p);
	p = slab_calloc(1, 300 * K);
	for (size_t i = 0; i < 300 * K; i++)
		cr_assert_eq(p[i], 0);
	slab_free(p);
}

Test(recent, any_order_of_sizes_keeps_runs_apart)
{
	enum { MANY = 24 };
	char *block[MANY] = { 0 };
	unsigned seed = 12345;

	for (long round = 0; round < rounds(4000, 400); round++) {
		unsigned i = (seed = seed * 1103515245 + 12345) >> 16 & 0x7fff, size;

		size = 66 * K + (seed >> 8) % (400 * K);
		i %= MANY;
		if (block[i] == NULL) {
			block[i] = slab_malloc(size);
			*(size_t *)(void *)block[i] = i;
		} else if (size % 3 == 0) {
			block[i] = slab_realloc(block[i], size);
		} else {
			cr_assert_eq(*(size_t *)(void *)block[i], i);
			slab_free(block[i]);
			block[i] = NULL;
		}
		if (round % 16 == 0)
			is_sound();
	}
	for (int i = 0; i < MANY; i++)
		slab_free(block[i]);
	is_sound();
}

Test(recent, an_alignment_is_kept)
{
	char *whole = slab_malloc(960 * K), *p, *before;

	slab_free(whole);
	for (size_t align = 64 * K; align <= 512 * K; align *= 2) {
		p = slab_aligned_alloc(align, 66 * K);
		before = slab_malloc(66 * K); /* the run begins elsewhere now */
		cr_assert_eq((uintptr_t)p % align, 0, "%p for %zu", (void *)p, align);
		slab_free(p);
		p = slab_aligned_alloc(2 * align, 300 * K);
		cr_assert_eq((uintptr_t)p % (2 * align), 0, "%p for %zu", (void *)p, 2 * align);
		slab_free(p);
		slab_free(before);
		is_sound();
	}
}

Test(recent, the_run_that_fits_best_serves)
{
	char *large = slab_malloc(512 * K), *between = slab_malloc(66 * K);
	char *small = slab_malloc(128 * K), *p;

	slab_free(small);
	slab_free(large); /* the newest */
	p = slab_malloc(100 * K);
	cr_assert_eq(p, small);
	slab_free(p);
	slab_free(between);
}

/* The kernel puts new mappings side by side, but moves none that is a part of two. */
Test(recent, runs_of_two_mappings_stay_two)
{
	enum { MANY = 32 };
	char *block[MANY], *low = NULL;
	int high = -1;

	for (int i = 0; i < MANY; i++)
		block[i] = slab_malloc(256 * K);
	for (int i = 0; i < MANY * MANY && high < 0; i++)
		if (block[i / MANY] == block[i % MANY] + 256 * K) {
			low = block[i % MANY];
			high = i / MANY;
		}
	if (high < 0) { /* a sanitizer's kernel calls may spread them */
		cr_log_info("left out: no two of %d mappings lie side by side here", MANY);
		for (int i = 0; i < MANY; i++)
			slab_free(block[i]);
		return;
	}
	memset(low, 0x77, 256 * K);
	slab_free(block[high]);
	cr_assert_eq(slab_root.recent_count, 1);
	for (int i = 0; i < MANY; i++)
		if (block[i] == low)
			block[i] = low = slab_realloc(low, 512 * K);
	for (size_t i = 0; i < 256 * K; i++)
		cr_assert_eq(low[i], 0x77);
	cr_assert_eq(slab_root.recent_count, 1, "grown into another mapping");
	for (int i = 0; i < MANY; i++)
		if (i != high)
			slab_free(block[i]);
	is_sound();
}

Test(recent, neighbours_of_two_mappings_are_two_runs)
{
	enum { MANY = 3 };
	struct slab_span *span[MANY];
	char *p = slab_malloc(320 * K);

	slab_free(p);
	pthread_mutex_lock(&slab_root.span_lock);
	for (int i = 0; i < MANY; i++)
		span[i] = slab_recent_take_locked(64 * K, 64 * K, true);
	pthread_mutex_unlock(&slab_root.span_lock);
	cr_assert_eq(span[1]->base, span[0]->base + 64 * K);
	span[1]->mapping++; /* as if mapped by itself */
	slab_recent_put(span[1]);
	slab_recent_put(span[0]);
	slab_recent_put(span[2]);
	is_sound();
	cr_assert_eq(slab_root.recent_count, 3, "64, 64 and 192 KiB");
}

Test(recent, a_run_too_short_for_growth_stays)
{
	char *whole = slab_malloc(512 * K), *p;

	slab_free(whole);
	p = slab_malloc(256 * K);
	p = slab_realloc(p, 800 * K);
	is_sound();
	cr_assert_eq(slab_root.recent_bytes, 256 * K);
	memset(p, 1, 800 * K);
	slab_free(p);
}

/* No memory for a descriptor, until given back. */
static void exhaust(void *saved[4], bool exhausted)
{
	pthread_mutex_lock(&slab_root.meta_lock);
	if (exhausted) {
		saved[0] = slab_root.meta_free[SLAB_META_RUN];
		saved[1] = (void *)slab_root.meta_chunk;
		saved[2] = (void *)slab_root.meta_chunk_bytes;
		saved[3] = slab_root.meta_free[SLAB_META_SPAN];
	}
	slab_root.meta_free[SLAB_META_RUN] = exhausted ? NULL : saved[0];
	slab_root.meta_free[SLAB_META_SPAN] = exhausted ? NULL : saved[3];
	slab_root.meta_chunk = exhausted ? 0 : (uintptr_t)saved[1];
	slab_root.meta_chunk_bytes = exhausted ? 0 : (size_t)saved[2];
	slab_page_fail_map_at = exhausted ? -1 : 0;
	pthread_mutex_unlock(&slab_root.meta_lock);
}

Test(recent, without_memory_for_the_rest_a_run_stays_whole)
{
	struct slab_span *exact, *span;
	void *saved[4];

	slab_free(slab_malloc(512 * K));
	exhaust(saved, true);
	pthread_mutex_lock(&slab_root.span_lock);
	exact = slab_recent_take_locked(64 * K, 64 * K, true);
	span = slab_recent_take_locked(64 * K, 64 * K, false);
	pthread_mutex_unlock(&slab_root.span_lock);
	exhaust(saved, false);
	cr_assert_null(exact);
	cr_assert_not_null(span);
	cr_assert_eq(span->bytes, 512 * K);
	is_sound();
	slab_recent_put(span);
	cr_assert_eq(slab_root.recent_bytes, 512 * K);
}

Test(recent, without_memory_for_a_span_a_run_stays_one)
{
	struct slab_cache *c = new_cache("of-none", 2048);
	struct slab *none;
	void *saved[4], *obj;

	slab_free(slab_malloc(512 * K));
	exhaust(saved, true);
	none = slab_span_take(c);
	exhaust(saved, false);
	cr_assert_null(none);
	is_sound();
	cr_assert_eq(slab_root.recent_bytes, 512 * K);
	cr_assert_not_null(obj = slab_cache_alloc(c)); /* made of the run, now */
	cr_assert_lt(slab_root.recent_bytes, 512 * K);
	slab_cache_free(c, obj);
	end_cache(c);
}

Test(recent, slabs_are_made_of_runs)
{
	enum { MANY = 128, BYTES = 2048 };
	char *whole = slab_malloc(512 * K), *block[MANY];
	struct slab_cache *c = new_cache("of-runs", BYTES);
	uint64_t calls, mapped = totals().mapped_bytes;

	slab_free(whole);
	calls = slab_page_calls.map;
	for (int i = 0; i < MANY; i++) {
		block[i] = slab_cache_alloc(c);
		cr_assert(block[i] >= whole && block[i] < whole + 512 * K);
		memset(block[i], i, BYTES);
	}
	is_sound();
	cr_assert_leq(slab_root.recent_bytes, 256 * K);
	cr_assert_lt(slab_page_calls.map, calls + 3, "none for slabs");
	cr_assert_eq(totals().mapped_bytes, mapped);
	cr_assert_eq(slab_cache_verify(c), 0);
	for (int i = 0; i < MANY; i++) {
		for (int k = 0; k < BYTES; k++)
			cr_assert_eq(block[i][k], (char)i);
		slab_cache_free(c, block[i]);
	}
	cr_assert_eq(slab_cache_verify(c), 0);
	slab_cache_destroy(c);
	slab_reap();
	cr_assert_eq(totals().mapped_bytes, mapped - 512 * K);
}
