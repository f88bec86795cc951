/*
 * test_direct_sized.c - mode M by size: each block is a malloc block of exactly the size asked for
 */
#include "test/unit.h"

#include "slab/config.h"

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
