/*
 * test_oom.c - a workload with its n-th mapping refused, alone or with all after it, for every n
 *
 * Each call either works or says NULL and ENOMEM; either way every figure is right afterwards, all
 * objects are what they were, and once memory is there again everything works. It ends with the
 * first n that the workload does not reach.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>

#include "test/figures.h"

TestSuite(oom, .timeout = 120);

#define CACHES 5
#define OBJS 400
#define BLOCKS 12

static struct work {
	struct slab_cache *caches[CACHES];
	void *objs[CACHES][OBJS];
	unsigned char *blocks[BLOCKS];
	size_t refused; /* calls that said no */
	int constructed; /* ctor calls minus dtor calls */
} work;

static const size_t sizes[CACHES] = { 24, 200, 1000, 9000, 65536 };
static const size_t counts[CACHES] = { OBJS, OBJS, OBJS, 60, 20 };
static const size_t block_sizes[BLOCKS] = { 1,    100,   1000,   5000,   40000,   65536,
	                                    70000, 200000, 1000000, 3000, 128, 90000 };

static int construct(void *obj, void *ctx)
{
	(void)ctx;
	*(uint64_t *)obj = 0xc0c0;
	__atomic_add_fetch(&work.constructed, 1, __ATOMIC_RELAXED);
	return 0;
}

static void destruct(void *obj, void *ctx)
{
	(void)obj, (void)ctx;
	__atomic_sub_fetch(&work.constructed, 1, __ATOMIC_RELAXED);
}

/* A call said NULL, 0 or -1: only for want of memory. */
static void refused(void)
{
	cr_assert(errno == ENOMEM, "refused with errno %d", errno);
	work.refused++;
	errno = 0;
}

static void make_caches(void)
{
	struct slab_cache_args args = { .ctor = construct, .dtor = destruct };

	for (int k = 0; k < CACHES; k++) {
		work.caches[k] = slab_cache_create("oom", sizes[k], k == 1 ? &args : NULL);
		if (work.caches[k] == NULL)
			refused();
	}
}

static void take_one(int k, size_t i)
{
	if (work.caches[k] == NULL || work.objs[k][i] != NULL)
		return;
	work.objs[k][i] = slab_cache_alloc(work.caches[k]);
	if (work.objs[k][i] == NULL) {
		refused();
		return;
	}
	if (k != 1)
		memset(work.objs[k][i], (int)i, sizes[k]);
	else
		cr_assert(*(uint64_t *)work.objs[k][i] == 0xc0c0, "not constructed");
}

static void take_bulk(int k, size_t from, size_t n)
{
	void *objs[OBJS];

	if (work.caches[k] == NULL)
		return;
	if (slab_cache_alloc_bulk(work.caches[k], n, objs) != n) {
		refused();
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (k != 1)
			memset(objs[i], (int)(from + i), sizes[k]);
	memcpy(work.objs[k] + from, objs, n * sizeof *objs);
}

static void take_blocks(void)
{
	for (int i = 0; i < BLOCKS; i++) {
		if (i % 4 == 3)
			work.blocks[i] = slab_aligned_alloc(256, block_sizes[i]);
		else
			work.blocks[i] = slab_calloc(1, block_sizes[i]);
		if (work.blocks[i] == NULL)
			refused();
		else
			memset(work.blocks[i], 0x40 + i, block_sizes[i]);
	}
	for (int i = 0; i < BLOCKS; i += 3) { /* a realloc that fails leaves the block alone */
		unsigned char *p = slab_realloc(work.blocks[i], 3 * block_sizes[i]);

		if (p == NULL)
			refused();
		else if (work.blocks[i] == NULL)
			memset(p, 0x40 + i, block_sizes[i]);
		if (p != NULL)
			work.blocks[i] = p;
	}
}

static int count_one(void *obj, void *ctx)
{
	(void)obj;
	++*(size_t *)ctx;
	return 0;
}

static void look_around(void)
{
	for (int k = 0; k < CACHES; k++) {
		size_t seen = 0, live = 0;
		bool armed;

		if (work.caches[k] == NULL)
			continue;
		for (size_t i = 0; i < OBJS; i++)
			live += work.objs[k][i] != NULL;
		if (slab_cache_for_each_object(work.caches[k], count_one, &seen) != 0)
			refused();
		else
			cr_assert(seen == live, "%zu objects seen, %zu live", seen, live);
		armed = slab_page_fail_map_at != 0; /* then it may have no memory to tell */
		if (live > 0 && work.objs[k][0] != NULL)
			cr_assert(slab_cache_of(work.objs[k][0]) == work.caches[k] || armed);
	}
}

/* A thread's first call, which needs a struct and magazines. */
static void *in_a_thread(void *arg)
{
	(void)arg;
	for (int k = 0; k < 3; k++) {
		for (size_t i = 0; i < OBJS; i += 7) {
			if (work.objs[k][i] == NULL)
				continue;
			slab_cache_free(work.caches[k], work.objs[k][i]);
			work.objs[k][i] = NULL;
			take_one(k, i);
		}
	}
	return NULL;
}

static void run_workload(void)
{
	pthread_t id;

	make_caches();
	for (int k = 0; k < CACHES; k++) {
		for (size_t i = 0; i < counts[k] / 2; i++)
			take_one(k, i);
		take_bulk(k, counts[k] / 2, counts[k] / 2);
	}
	take_blocks();
	look_around();
	cr_assert(pthread_create(&id, NULL, in_a_thread, NULL) == 0);
	pthread_join(id, NULL);
	for (size_t i = 0; i < OBJS; i += 3)
		if (work.objs[2][i] != NULL) {
			slab_cache_free(work.caches[2], work.objs[2][i]);
			work.objs[2][i] = NULL;
		}
	slab_reap(); /* holes, which are to be filled again */
	for (size_t i = 0; i < OBJS; i++)
		take_one(2, i);
	look_around();
}

static void check_all(void)
{
	for (int k = 0; k < CACHES; k++) {
		size_t live = 0;

		if (work.caches[k] == NULL)
			continue;
		for (size_t i = 0; i < OBJS; i++) {
			const unsigned char *p = work.objs[k][i];

			live += p != NULL;
			if (p != NULL && k != 1)
				cr_assert(p[0] == (unsigned char)i &&
				          p[sizes[k] - 1] == (unsigned char)i, "overwritten");
		}
		cr_assert(figures(work.caches[k]).objects_live == live, "%lu live, %zu known",
		          (unsigned long)figures(work.caches[k]).objects_live, live);
		EXPECT_SUMS(work.caches[k]);
	}
	for (int i = 0; i < BLOCKS; i++)
		if (work.blocks[i] != NULL)
			cr_assert(work.blocks[i][0] == 0x40 + i &&
			          work.blocks[i][block_sizes[i] - 1] == 0x40 + i, "overwritten");
}

/* With memory at hand again: everything that is missing can be had, everything can go. */
static void finish(void)
{
	for (int k = 0; k < CACHES; k++) {
		if (work.caches[k] == NULL)
			continue;
		for (size_t i = 0; i < counts[k]; i++) {
			take_one(k, i);
			cr_assert(work.objs[k][i] != NULL, "no object although there is memory");
		}
	}
	check_all();
	for (int k = 0; k < CACHES; k++) {
		if (work.caches[k] == NULL)
			continue;
		slab_cache_free_bulk(work.caches[k], OBJS, work.objs[k]);
		EXPECT_SUMS(work.caches[k]);
		cr_assert(slab_cache_destroy(work.caches[k]) == 0);
	}
	for (int i = 0; i < BLOCKS; i++)
		slab_free(work.blocks[i]);
	slab_reap();
	cr_assert(totals().mapped_bytes == 0, "%zu KiB left", (size_t)totals().mapped_bytes / KIB);
	cr_assert(__atomic_load_n(&work.constructed, __ATOMIC_RELAXED) == 0,
	          "%d objects constructed and never destructed", work.constructed);
	memset(&work, 0, sizeof work);
}

/* Fails the n-th mapping, or it and all after it; false when the workload has none such. */
static bool run_with_failure(long n, bool for_good, size_t *reported)
{
	bool reached;

	slab_page_fail_map_at = for_good ? -n : n;
	run_workload();
	reached = slab_page_fail_map_at == (for_good ? -1 : 0);
	if (for_good) { /* with nothing to be had: no call may break anything */
		look_around();
		check_all();
	}
	slab_page_fail_map_at = 0;
	check_all();
	*reported += work.refused;
	finish();
	return reached;
}

static void fail_each(bool for_good)
{
	size_t reported = 0;
	long n = 1;

	while (n < 5000 && run_with_failure(n, for_good, &reported))
		n++;
	cr_log_info("%ld mappings failed; %zu calls said so, the others helped themselves", n - 1,
	            reported);
	cr_expect(n > 20 && n < 5000, "%ld mappings in the workload", n - 1);
	cr_expect(reported > 10);
}

Test(oom, every_mapping_fails_once)
{
	fail_each(false);
}

Test(oom, every_mapping_and_all_after_it_fail)
{
	fail_each(true);
}
