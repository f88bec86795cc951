/*
 * test_direct_sized.c - mode M by size: each block is a malloc block of exactly the size asked for
 */
#include "test/unit.h"

#include "slab/config.h"
#include "slab/map.h"

/* The classes are made once in a process, at their first use: this file has them all in mode M. */
static void in_mode_m(void)
{
	slab_config_set("M,size-*");
}

static void forget_settings(void)
{
	slab_config_set(getenv("SLAB_DEBUG"));
}

TestSuite(direct_sized, .init = in_mode_m, .fini = forget_settings);

static void free_any(void *p)
{
	slab_free(p);
}

static void free_any_twice(void *p)
{
	slab_free(p);
	slab_free(p);
}

Test(direct_sized, blocks_by_size_have_exactly_that_size)
{
	static const size_t sizes[] = { 0, 1, 17, 100, 4097, 65536, 65537, 1 << 20 };
	unsigned char *p;

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		for (size_t align = 1; align <= 65536; align *= 16) {
			size_t size = sizes[i] != 0 || align <= SLAB_ALIGN_MAX ? sizes[i] : 1;

			p = slab_aligned_alloc(align, sizes[i]);
			cr_assert_not_null(p);
			cr_assert_eq((uintptr_t)p % align, 0);
			cr_assert_eq(slab_usable_size(p), size);
			slab_free(p);
		}
		p = slab_calloc(1, sizes[i]);
		for (size_t k = 0; k < sizes[i]; k++)
			cr_assert_eq(p[k], 0);
		slab_free(p);
	}
	cr_assert_null(slab_malloc(SIZE_MAX / 2 + 1));
	cr_assert_eq(errno, ENOMEM);
	cr_assert_null(slab_aligned_alloc(128 << 10, SIZE_MAX));
	cr_assert_null(slab_aligned_alloc((size_t)1 << 33, 1), "more than valgrind bears");
	cr_assert_eq(errno, ENOMEM);
}

Test(direct_sized, realloc_keeps_what_fits)
{
	unsigned char *p;

	p = slab_realloc(NULL, 10);
	memset(p, 3, 10);
	for (size_t size = 10; size < 200000; size = size * 3 / 2) {
		p = slab_realloc(p, size);
		cr_assert_eq(slab_usable_size(p), size);
		cr_assert(p[0] == 3 && p[9] == 3);
	}
	p = slab_realloc(p, 5);
	cr_assert_eq(slab_usable_size(p), 5);
	cr_assert_eq(p[4], 3);
	cr_assert_null(slab_realloc(p, 0));
}

Test(direct_sized, wrong_blocks_are_named)
{
	char *small, *large;
	int local;

	small = slab_malloc(100);
	large = slab_malloc(100000);
	dies_saying(free_any_twice, small, " of cache 'size-112' is free already\n");
	dies_saying(free_any_twice, large, " is free already\n");
	dies_saying(free_any, small + 16, " is an interior pointer, not the start of an object\n");
	dies_saying(free_any, &local, " is no block of this allocator\n");
	slab_free(small);
	slab_free(large);
}

/* Under a tool, which is handed what is wrong, free() would just take it. */
Test(direct_sized, a_block_of_malloc_stays_whole_where_the_program_goes_on)
{
	char *p = malloc(48);

	slab_config_set("M;r");
	listen_to_reports();
	slab_free(p);
	listen_no_more();
	cr_assert_eq(heard.reports, 1, "%s", heard.all);
	memset(p, 7, 48);
	free(p);
}

#define PAGES_KEPT 8 /* of a span, at its start */
#define HOLED_BYTES ((size_t)8 << 20)
#define BLOCK_BYTES ((size_t)3 << 19) /* a mapping of its own, whatever malloc has learnt by now */

/* Spans of 2 MiB each with a hole of nearly all of it; the objects that are left are in objs. */
static size_t spans_with_holes(struct slab_cache *c, void **objs, size_t n)
{
	size_t kept = 0;

	cr_assert_eq(slab_cache_alloc_bulk(c, n, objs), n);
	for (size_t i = 0; i < n; i++) {
		const struct slab_span *span = slab_map_span(objs[i]);

		if (span != NULL && (uintptr_t)objs[i] - span->base < PAGES_KEPT * 4096)
			objs[kept++] = objs[i];
		else
			slab_cache_free(c, objs[i]);
	}
	slab_cache_shrink(c);
	return kept;
}

/* The kernel may put a malloc block where pages of a span of ours have gone. */
Test(direct_sized, a_large_block_may_lie_in_a_hole_of_a_span)
{
	static void *objs[HOLED_BYTES / 64];
	struct slab_cache *c = new_cache("holed", 64);
	size_t kept = spans_with_holes(c, objs, HOLED_BYTES / 64);
	char *blocks[64], *p = NULL;
	size_t n = 0;

	while (n < 64 && (p == NULL || slab_map_order1(p) == 0))
		p = blocks[n++] = slab_malloc(BLOCK_BYTES);
	/* other programs' mallocs have places of their own */
	cr_assert(slab_map_order1(p) != 0 || under_tool(), "no block lies in a hole");
	memset(p, 5, BLOCK_BYTES);
	cr_assert_eq(slab_usable_size(p), BLOCK_BYTES);
	p = slab_realloc(p, BLOCK_BYTES + 1);
	cr_assert(p[0] == 5 && p[BLOCK_BYTES - 1] == 5);
	blocks[n - 1] = p;
	for (size_t i = 0; i < n; i++)
		slab_free(blocks[i]);
	slab_cache_free_bulk(c, kept, objs);
	end_cache(c);
}
