/*
 * test_fallow.c - many large blocks do not use up the kernel's mappings, and leave none behind
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/resource.h>

#include "test/unit.h"
#include "slab/fallow.h"
#include "slab/large.h"
#include "slab/map.h"
#include "slab/page.h"

#define K 1024
#define M (1024 * K)
#define BYTES (2 * M) /* more than is kept with its pages */
#define SOME 8

static void empty(void)
{
	slab_reap();
	cr_assert_eq(slab_root.fallow_bytes, 0);
}

TestSuite(fallow, .init = empty, .fini = empty);

/* As if there were so many more. */
static void pretend(bool many)
{
	pthread_mutex_lock(&slab_root.span_lock);
	slab_root.large_count += many ? SLAB_LARGE_MOST : -(uint64_t)SLAB_LARGE_MOST;
	pthread_mutex_unlock(&slab_root.span_lock);
}

Test(fallow, of_many_blocks_the_addresses_stay_and_serve_others)
{
	uint64_t mapped = totals().mapped_bytes, calls;
	char *block[SOME], *whole = slab_malloc(SOME * BYTES), *p;

	memset(whole, 0x5c, SOME * BYTES);
	pretend(true);
	slab_free(whole);
	cr_assert_eq(slab_root.fallow_bytes, SOME * BYTES);
	cr_assert_eq(slab_map_order1(whole), 0);
	calls = slab_page_calls.map + slab_page_calls.unmap;
	for (int i = 0; i < SOME; i++) {
		block[i] = slab_calloc(1, BYTES);
		cr_assert_eq(block[i], whole + i * BYTES);
		for (int k = 0; k < BYTES; k += 4096)
			cr_assert_eq(block[i][k], 0);
	}
	cr_assert_eq(slab_root.fallow_bytes, 0);
	for (int i = 0; i < SOME; i += 2)
		slab_free(block[i]);
	for (int i = 1; i < SOME; i += 2)
		slab_free(block[i]);
	cr_assert_eq(slab_root.fallow_bytes, SOME * BYTES);
	p = slab_malloc(SOME * BYTES); /* of eight that are one again */
	cr_assert_eq(p, whole);
	cr_assert_eq(slab_page_calls.map + slab_page_calls.unmap, calls);
	slab_free(p);
	pretend(false);
	slab_free(slab_malloc(BYTES)); /* a part, and the rest goes with it */
	cr_assert_eq(slab_root.fallow_bytes, 0);
	cr_assert_eq(totals().mapped_bytes, mapped);
}

Test(fallow, giving_back_on_request_leaves_them_to_many)
{
	char *p = slab_malloc(BYTES);

	pretend(true);
	slab_free(p);
	slab_reap();
	cr_assert_eq(slab_root.fallow_bytes, BYTES);
	pretend(false);
	slab_reap();
	cr_assert_eq(slab_root.fallow_bytes, 0);
}

Test(fallow, what_is_to_be_aligned_is_mapped_anew)
{
	char *whole = slab_malloc(4 * BYTES), *first, *p;
	/* so that what follows begins at no multiple of 1 MiB */
	size_t bytes = ((uintptr_t)whole + 64 * K) % M != 0 ? BYTES + 64 * K : BYTES + 128 * K;

	pretend(true);
	slab_free(whole);
	first = slab_malloc(bytes);
	cr_assert_eq(first, whole);
	p = slab_aligned_alloc(M, BYTES);
	cr_assert_eq((uintptr_t)p % M, 0);
	pretend(false);
	slab_free(p);
	slab_free(first);
}

Test(fallow, what_the_kernel_refuses_to_unmap_serves_the_next)
{
	uint64_t mapped = totals().mapped_bytes, failures = totals().unmap_failures;
	char *p = slab_malloc(4 * M), *other;

	slab_page_fail_unmap = ENOMEM;
	p = slab_realloc(p, BYTES); /* the end that was cut off */
	other = slab_malloc(BYTES);
	cr_assert_eq(other, p + BYTES);
	slab_free(other);
	slab_free(p);
	slab_page_fail_unmap = 0;
	cr_assert_gt(totals().unmap_failures, failures);
	cr_assert_eq(slab_root.fallow_bytes, 4 * M);
	p = slab_malloc(4 * M);
	cr_assert_eq(slab_root.fallow_bytes, 0);
	slab_free(p);
	cr_assert_eq(totals().mapped_bytes, mapped);
}

Test(fallow, one_of_many_that_grows_by_little_is_seldom_copied)
{
	char *p = slab_malloc(BYTES), *moved;
	size_t bytes = BYTES;
	int moves = 0;

	pretend(true);
	memset(p, 0x5c, BYTES);
	while (bytes < 16 * BYTES) {
		moved = slab_realloc(p, bytes += 64 * K);
		cr_assert_not_null(moved);
		moves += moved != p;
		p = moved;
	}
	for (int k = 0; k < BYTES; k += 4096)
		cr_assert_eq(p[k], 0x5c);
	pretend(false);
	slab_free(p);
	cr_assert_leq(moves, 16, "%d", moves); /* a quarter more each time: 13 are 16-fold */
}

Test(fallow, what_was_kept_is_one_with_it_before_memory_is_short)
{
	struct slab_thread *t;
	char *p = slab_malloc(BYTES), *again;
	bool zeroed;

	pretend(true);
	p = slab_realloc(p, 512 * K);
	slab_free(p); /* with its pages, before what has none */
	cr_assert_eq(slab_root.fallow_bytes, BYTES - 512 * K);
	slab_page_fail_map_at = -1;
	t = slab_thread_lock();
	again = slab_large_alloc(BYTES, 16, &zeroed);
	slab_thread_unlock(t);
	slab_page_fail_map_at = 0;
	pretend(false);
	cr_assert_eq(again, p);
	cr_assert(!zeroed);
	slab_free(again);
}

static size_t address_bytes(void)
{
	size_t pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f == NULL || fscanf(f, "%zu", &pages) != 1)
		_exit(90);
	fclose(f);
	return pages * slab_root.page_bytes;
}

/* Of many blocks some are freed, and the process may have no more addresses than it has. */
static void reach_the_limit(void)
{
	struct rlimit limit;
	char *p[2 * SOME];

	for (int i = 0; i < 2 * SOME; i++)
		p[i] = slab_malloc(8 * M);
	pretend(true);
	for (int i = 0; i < 2 * SOME; i += 2)
		slab_free(p[i]); /* the last are kept with their pages */
	if (slab_root.fallow_bytes < (SOME - 2) * 8 * M || getrlimit(RLIMIT_AS, &limit) != 0)
		_exit(91);
	limit.rlim_cur = address_bytes() + 1 * M;
	if (setrlimit(RLIMIT_AS, &limit) != 0)
		_exit(92);
}

static void want_a_longer_block(void *arg)
{
	char *p;

	(void)arg;
	slab_malloc(100); /* tables and descriptors are there */
	reach_the_limit();
	slab_free(slab_malloc(4 * M)); /* of what is there */
	p = slab_aligned_alloc(16 * M, 20 * M);
	_exit(p != NULL && slab_root.fallow_bytes > 0 ? 0 : 1);
}

static void want_slabs(void *arg)
{
	struct slab_cache *c = slab_cache_create("wanted", 4000, NULL);

	(void)arg;
	slab_cache_free(c, slab_cache_alloc(c));
	reach_the_limit();
	for (int i = 0; i < 32 * M / 4096; i++)
		if (slab_cache_alloc(c) == NULL)
			_exit(1);
	_exit(slab_root.fallow_bytes < (SOME - 2) * 8 * M ? 0 : 2);
}

Test(fallow, addresses_of_many_go_before_memory_is_refused)
{
	if (under_tool())
		return; /* its addresses are the tool's, too */
	cr_expect_eq(child_runs(want_a_longer_block, NULL).status, 0);
	cr_expect_eq(child_runs(want_slabs, NULL).status, 0);
}

#define MANY 150000 /* more than two for each mapping that a process may have */

static uint64_t failures_before;

static size_t maps_lines(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	size_t lines = 0;
	int c;

	while (f != NULL && (c = getc(f)) != EOF)
		lines += c == '\n';
	if (f != NULL)
		fclose(f);
	return lines;
}

/* No more lines than that, and the kernel has refused nothing. */
static void is_fine(size_t lines, int status)
{
	void *p = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || munmap(p, 4096) != 0 ||
	    totals().unmap_failures != failures_before)
		_exit(status);
	if (maps_lines() > lines)
		_exit(status + 1);
}

static void free_every_other_of_many(void *arg)
{
	char **block = mmap(NULL, MANY * sizeof *block, PROT_READ | PROT_WRITE,
	                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t mapped = totals().mapped_bytes;
	size_t lines = maps_lines();

	(void)arg;
	failures_before = totals().unmap_failures;
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < MANY; i++)
			if (block[i] == NULL && (block[i] = slab_malloc(70000)) == NULL)
				_exit(10 + round);
		for (int i = round; i < MANY; i += 2) {
			slab_free(block[i]);
			block[i] = NULL;
		}
		is_fine(lines + 1024, 20 + 2 * round);
	}
	if (totals().mapped_bytes > mapped + (size_t)MANY * 128 * K + 64 * M)
		_exit(30); /* the second round has used the addresses of the first */
	for (int k = 1; k < 16; k++) /* until single ones are left */
		for (int i = k; i < MANY; i += 16) {
			slab_free(block[i]);
			block[i] = NULL;
		}
	is_fine(lines + SLAB_LARGE_MOST + 1024, 40);
	for (int i = 0; i < MANY; i++)
		slab_free(block[i]);
	slab_reap();
	is_fine(lines + MANY / 16, 50); /* descriptors stay */
	_exit(totals().mapped_bytes > mapped + M ? 60 : 0);
}

Test(fallow, every_other_of_many_blocks_can_be_freed)
{
	if (!under_tool()) /* which have limits of their own */
		cr_assert_eq(child_runs(free_every_other_of_many, NULL).status, 0);
}

/* Of more than may have mappings of their own; each is copied, as a move would make it one. */
static void grow_some_of_many(void *arg)
{
	enum { grown = 2048, all = SLAB_LARGE_MOST + grown };
	char **block = mmap(NULL, all * sizeof *block, PROT_READ | PROT_WRITE,
	                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t lines = maps_lines();

	(void)arg;
	failures_before = totals().unmap_failures;
	for (int i = 0; i < all; i++) {
		if ((block[i] = slab_malloc(70000)) == NULL)
			_exit(10);
		block[i][0] = 1;
	}
	for (int i = 0; i < grown; i++)
		if ((block[i] = slab_realloc(block[i], 140000)) == NULL || block[i][0] != 1)
			_exit(20);
	is_fine(lines + grown / 4, 30);
	_exit(0);
}

Test(fallow, of_many_blocks_some_can_grow)
{
	if (!under_tool())
		cr_assert_eq(child_runs(grow_some_of_many, NULL).status, 0);
}

static size_t pages_in(void *p, size_t bytes)
{
	unsigned char present[BYTES / 4096];
	size_t n = 0;

	cr_assert_eq(mincore(p, bytes, present), 0);
	for (size_t i = 0; i < bytes / 4096; i++)
		n += present[i] & 1;
	return n;
}

Test(fallow, of_a_copied_block_what_was_never_written_takes_no_memory)
{
	char *p = slab_malloc(BYTES / 2), *behind;

	pretend(true);
	behind = slab_malloc(BYTES / 2);
	for (int k = 0; k < BYTES / 2; k += 64 * K)
		p[k + 4095] = 1;
	memset(p + 40 * K, 2, 4 * K);
	p = slab_realloc(p, BYTES);
	cr_expect(is_watched() || pages_in(p, BYTES) <= BYTES / 2 / (64 * K) + 1);
	for (int k = 0; k < BYTES; k++)
		cr_assert_eq(p[k], k >= 40 * K && k < 44 * K              ? 2
		                   : k < BYTES / 2 && k % (64 * K) == 4095 ? 1
		                                                           : 0);
	slab_free(p);
	slab_free(behind);
	pretend(false);
}
