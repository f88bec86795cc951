/*
 * test_large.c - blocks that are mappings of their own: what the program does to them, or leaves
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/resource.h>

#include "test/unit.h"
#include "slab/config.h"
#include "slab/large.h"
#include "slab/page.h"
#include "slab/sized.h"

#define K 1024
#define M (1024 * K)

Test(large, what_is_kept_goes_before_a_block_is_refused)
{
	void *p;

	slab_free(slab_malloc(512 * K));
	cr_assert_gt(slab_root.recent_bytes, 0);
	slab_page_fail_map_at = 1;
	p = slab_malloc(2 * M);
	cr_assert_not_null(p);
	cr_assert_eq(slab_root.recent_bytes, 0);
	slab_free(p);
	slab_page_fail_map_at = -1;
	cr_assert_null(slab_malloc(64 * M));
	slab_page_fail_map_at = 0;
}

/* A size that the kernel refuses costs no tables of its addresses, which would be 40 GB. */
Test(large, a_block_that_is_to_grow_beyond_all_bounds_costs_nothing)
{
	void *p = slab_malloc(1 * M);
	uint64_t before = totals().metadata_bytes;

	cr_assert_null(slab_realloc(p, (size_t)1 << 46));
	cr_assert_eq(errno, ENOMEM);
	cr_assert_lt(totals().metadata_bytes, before + 1 * M); /* descriptors, not tables */
	slab_free(p);
}

/* Sizes that nobody can have, by every way to a block. */
static void *ask_for_too_much(int way, size_t size)
{
	static void *volatile p;

	switch (way) {
	case 0:
		return slab_malloc(size);
	case 1:
		return slab_calloc(1, size);
	case 2:
		return slab_aligned_alloc(2 * M, size);
	case 3:
		return slab_aligned_alloc((size_t)1 << 46, size < 64 * M ? size : 64 * M);
	default:
		p = slab_malloc(100 * K);
		cr_assert_null(slab_realloc(p, size));
		slab_free(p);
		return NULL;
	}
}

Test(large, what_nobody_can_have_takes_nothing_from_what_is_kept)
{
	static const size_t sizes[] = {
		(size_t)1 << 46, ((size_t)1 << 47) + 1, (size_t)1 << 48, (size_t)1 << 62,
		PTRDIFF_MAX - 64 * K, PTRDIFF_MAX - 1, (size_t)PTRDIFF_MAX + 1, SIZE_MAX,
	};
	uint64_t recent, held;

	slab_free(slab_malloc(100)); /* its slab is held for a magazine */
	slab_free(slab_malloc(100 * K));
	slab_free(slab_malloc(300 * K));
	recent = slab_root.recent_bytes;
	held = slab_root.reserve.held_bytes;
	cr_assert_geq(recent, 300 * K);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		for (int way = 0; way < 5; way++) {
			errno = 0;
			cr_assert_null(ask_for_too_much(way, sizes[i]), "%zu %d", i, way);
			cr_assert_eq(errno, ENOMEM);
			cr_assert_eq(slab_root.recent_bytes, recent, "%zu %d", i, way);
			cr_assert_eq(slab_root.reserve.held_bytes, held, "%zu %d", i, way);
		}
	slab_reap();
}

/* What the kernel takes for several mappings it does not move: the block is copied. */
Test(large, a_block_of_which_a_part_was_advised_grows)
{
	unsigned char *p = slab_malloc(1 * M), *grown;
	struct slab_thread *t;
	uint64_t kept;

	memset(p, 0x5b, 1 * M);
	madvise(p + 4096, 64 * K, MADV_DONTFORK);
	t = slab_thread_lock();
	kept = slab_root.recent_bytes;
	grown = slab_large_resize(p, 4 * M);
	kept = slab_root.recent_bytes - kept;
	slab_thread_unlock(t);
	if (!under_tool()) { /* valgrind moves mappings in its own way */
		cr_assert_not_null(grown);
		cr_assert_geq(slab_usable_size(grown), 5 * M); /* room for the next time */
		if (grown != p)
			cr_assert_eq(kept, 1 * M); /* the old one was freed */
	}
	p = slab_realloc(grown != NULL ? grown : p, 8 * M);
	for (size_t i = 0; i < 1 * M; i++)
		cr_assert_eq(p[i], 0x5b);
	slab_free(p);
}

static size_t address_bytes(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	cr_assert_not_null(f);
	cr_assert_eq(fscanf(f, "%lu", &pages), 1);
	fclose(f);
	return pages * slab_root.page_bytes;
}

/* Each call of the way to another place is refused once. */
Test(large, a_block_that_cannot_move_loses_no_addresses)
{
	size_t before = address_bytes();

	for (long k = 1; k <= 5; k++) {
		unsigned char *p = slab_malloc(32 * M), *grown;
		void *wall = mmap(p + 32 * M, 4096, PROT_NONE,
		                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

		p[0] = p[32 * M - 1] = 0x5b;
		slab_page_fail_map_at = k;
		grown = slab_realloc(p, 64 * M);
		slab_page_fail_map_at = 0;
		p = grown != NULL ? grown : p;
		cr_assert_eq(p[0], 0x5b);
		cr_assert_eq(p[32 * M - 1], 0x5b);
		slab_free(p);
		if (wall != MAP_FAILED)
			munmap(wall, 4096);
		slab_reap();
	}
	cr_assert_lt(address_bytes(), before + 32 * M);
}

static void grow_under_a_limit(void *arg)
{
	char *one = slab_malloc(64 * M), *other = slab_malloc(64 * M);
	char *lower = one < other ? one : other;
	struct rlimit limit;

	(void)arg;
	slab_free(lower == one ? other : one);
	slab_reap(); /* behind lower is room now */
	if (getrlimit(RLIMIT_AS, &limit) != 0)
		_exit(1);
	limit.rlim_cur = address_bytes() + 4 * M;
	if (setrlimit(RLIMIT_AS, &limit) != 0)
		_exit(1);
	if (slab_realloc(lower, 65 * M) != lower)
		_exit(2);
}

#define SMALL 200000

static void want_what_slabs_keep(void *arg)
{
	static void *objs[SMALL];
	struct rlimit limit;

	(void)arg;
	slab_set(SLAB_RESERVE_BYTES, 64 * M);
	for (int i = 0; i < SMALL; i++)
		objs[i] = slab_malloc(128);
	for (int i = 0; i < SMALL; i++)
		slab_free(objs[i]);
	if (slab_root.mapped_bytes < 16 * M || getrlimit(RLIMIT_AS, &limit) != 0)
		_exit(1);
	limit.rlim_cur = address_bytes() + 2 * M;
	if (setrlimit(RLIMIT_AS, &limit) != 0)
		_exit(1);
	errno = 0;
	if (slab_malloc(12 * M) == NULL || errno != 0)
		_exit(2);
	if (slab_malloc(64 * M) != NULL || errno != ENOMEM)
		_exit(3);
}

Test(large, what_slabs_keep_goes_before_a_block_is_refused)
{
	if (under_tool())
		return; /* its addresses are the tool's, too */
	cr_assert_eq(child_runs(want_what_slabs_keep, NULL).status, 0);
}

/* What is taken for the next time may be too much where what is asked for is not. */
Test(large, a_block_grows_as_far_as_a_limit_on_addresses_allows)
{
	if (under_tool())
		return; /* its addresses are the tool's, too */
	cr_assert_eq(child_runs(grow_under_a_limit, NULL).status, 0);
}

static void use_blocks(int sig)
{
	(void)sig;
	slab_free(slab_malloc(100));
	slab_free(slab_malloc(2 * M));
	_exit(0);
}

static void free_inside(void *p)
{
	signal(SIGABRT, use_blocks);
	slab_free((char *)p + 70000);
	_exit(1);
}

Test(large, a_handler_of_the_abort_for_a_bad_free_may_use_blocks)
{
	char *p = slab_malloc(200000);

	cr_assert_eq(child_runs(free_inside, p).status, 0);
	slab_config_set("r"); /* and where nothing is ended, nothing is freed */
	listen_to_reports();
	slab_free(p + 70000);
	cr_assert_null(slab_realloc(p + 16, 300000));
	cr_assert_eq(heard.reports, 2);
	listen_no_more();
	slab_config_set(getenv("SLAB_DEBUG"));
	cr_assert_eq(slab_usable_size(p), 256 * K);
	slab_free(p);
}

/* As large as the smallest blocks that are mappings, but in a slab. */
Test(large, an_object_of_64_kib_is_none)
{
	struct slab_cache *c = new_cache("64 KiB", SLAB_OBJECT_MAX);
	unsigned char *p = slab_cache_alloc(c);

	memset(p, 0x5b, SLAB_OBJECT_MAX);
	p = slab_realloc(p, SLAB_OBJECT_MAX + 1);
	cr_assert(p[0] == 0x5b && p[SLAB_OBJECT_MAX - 1] == 0x5b);
	p = slab_realloc(p, SLAB_SIZED_MOST);
	cr_assert(p[0] == 0x5b && p[SLAB_SIZED_MOST - 1] == 0x5b);
	slab_free(p);
	cr_assert_eq(slab_cache_destroy(c), 0);
}

/* A buffer that swings between the largest class and the smallest mapping is not copied. */
Test(large, a_block_of_64_kib_stays_while_it_is_half_used)
{
	unsigned char *p = slab_aligned_alloc(2 * SLAB_ALIGN_MAX, 64 * K);

	memset(p, 0x5b, 64 * K);
	for (size_t size = 64 * K; size > 33 * K; size -= 3 * K) {
		cr_assert_eq(slab_realloc(p, size), p, "%zu", size);
		cr_assert_eq(slab_realloc(p, 64 * K), p);
	}
	p = slab_realloc(p, 20 * K);
	cr_assert_lt(slab_usable_size(p), 64 * K);
	cr_assert(p[0] == 0x5b && p[20 * K - 1] == 0x5b);
	slab_free(p);
}

/* Where '-' says that nothing is checked, as where nothing is said. */
Test(large, a_block_of_62_kb_is_a_mapping_unless_it_is_checked)
{
	static const char *const texts[] = { NULL, "-", "-,size-*", "FZ,other" };
	void *p;

	if (under_tool())
		return; /* but there '-' alone chooses the pool */
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		slab_config_set(texts[i]);
		p = slab_malloc(62000);
		cr_expect_eq(slab_map_order1(p), SLAB_MAP_LARGE, "%s", texts[i]);
		slab_free(p);
	}
	slab_config_set(getenv("SLAB_DEBUG"));
}
