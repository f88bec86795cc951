/* test_sized.c - the by-size front end: malloc's contracts, waste, large blocks, bad frees */
#include "test/unit.h"
#include "slab/map.h"
#include "slab/page.h"

/* Sizes that no compiler sees through, so that it does not warn of what is meant. */
static volatile size_t huge = SIZE_MAX, ptrdiff = PTRDIFF_MAX;

/* One part in so many may be waste: less where a power of two has a header before it. */
static size_t parts(size_t size)
{
	size_t power = 1024;

	if (size > power && size <= power + 16)
		return 64;
	while (2 * power < size)
		power *= 2;
	return power > 1024 && size <= power + power / 16 ? 16 : 8;
}

Test(sized, waste_is_bounded_for_every_size)
{
	size_t step = (size_t)rounds(1, 37);

	for (size_t size = 1; size <= SLAB_OBJECT_MAX; size += size < 1024 ? 1 : step) {
		char *p = slab_malloc(size);
		size_t usable = slab_usable_size(p);

		cr_assert_not_null(p);
		cr_assert_eq((uintptr_t)p % 16, 0);
		cr_assert_geq(usable, size);
		if (size <= 128)
			cr_assert_lt(usable - size, 16);
		else
			cr_assert_leq((usable - size) * parts(size), usable, "%zu in %zu", size,
			              usable);
		p[0] = p[usable - 1] = 1;
		slab_free(p);
	}
}

/* What was taken one behind the other is mostly read so: of slabs of one page each, 1 step in 63
 * would leave out a header. */
Test(sized, blocks_of_a_growing_class_lie_in_a_row)
{
	enum { MANY = 4096 };
	static char *blocks[MANY];
	int breaks = 0;

	for (int i = 0; i < MANY; i++) {
		blocks[i] = slab_malloc(64);
		breaks += i > 0 && blocks[i] - blocks[i - 1] != 64;
	}
	if (slab_cache_of(blocks[0]) == NULL || figures(slab_cache_of(blocks[0])).mode != 0)
		breaks = 0; /* malloc's, or with red zones */
	cr_assert_leq(breaks, MANY / 100, "%d of %d", breaks, MANY);
	for (int i = 0; i < MANY; i++)
		slab_free(blocks[i]);
}

Test(sized, size_zero_is_a_block_of_its_own)
{
	void *a = slab_malloc(0), *b = slab_malloc(0), *d = slab_calloc(0, 8);

	cr_assert(a != NULL && b != NULL && d != NULL && a != b && a != d && b != d);
	slab_free(a);
	slab_free(b);
	slab_free(d);
}

static void gives_enomem(void *p, const char *what)
{
	cr_assert_null(p, "%s", what);
	cr_assert_eq(errno, ENOMEM, "%s: errno %d", what, errno);
	errno = 0;
}

Test(sized, overflow_and_more_than_ptrdiff_max_is_enomem)
{
	void *p = slab_malloc(100);

	errno = 0;
	gives_enomem(slab_malloc(huge), "malloc(SIZE_MAX)");
	gives_enomem(slab_malloc(ptrdiff + 1), "malloc(PTRDIFF_MAX + 1)");
	gives_enomem(slab_malloc(ptrdiff), "malloc(PTRDIFF_MAX)");
	gives_enomem(slab_calloc(huge / 2, 3), "calloc that wraps");
	gives_enomem(slab_calloc(ptrdiff, 2), "calloc of SIZE_MAX - 1");
	gives_enomem(slab_calloc((size_t)1 << 32, (size_t)1 << 32), "calloc that wraps to 0");
	gives_enomem(slab_realloc(p, huge), "realloc(SIZE_MAX)");
	gives_enomem(slab_aligned_alloc(64, huge), "aligned_alloc(64, SIZE_MAX)");
	gives_enomem(slab_aligned_alloc(64, huge - 63), "aligned_alloc(64, SIZE_MAX - 63)");
	gives_enomem(slab_aligned_alloc((size_t)1 << 62, 8), "aligned_alloc(1 << 62)");
	gives_enomem(slab_aligned_alloc((size_t)1 << 63, 8), "aligned_alloc(1 << 63)");
	slab_free(p); /* what could not be resized is whole */
}

Test(sized, calloc_is_zero_and_the_product)
{
	for (size_t size = 1; size < 300000; size = size * 3 + 1) {
		for (int round = 0; round < 3; round++) {
			char *p = slab_calloc(size, 3);

			cr_assert_not_null(p);
			cr_assert_geq(slab_usable_size(p), size * 3);
			for (size_t i = 0; i < size * 3; i += i < 1000 ? 1 : 1013)
				cr_assert_eq(p[i], 0);
			memset(p, 0xff, size * 3);
			slab_free(p);
		}
	}
}

Test(sized, errno_is_kept)
{
	void *small, *large;

	errno = 77;
	small = slab_malloc(40);
	large = slab_malloc(400000);
	small = slab_realloc(small, 4000);
	large = slab_realloc(large, 800000);
	slab_free(small);
	slab_free(large);
	slab_free(NULL);
	cr_assert_eq(errno, 77);
	slab_page_fail_unmap = ENOMEM;
	large = slab_malloc(400000);
	slab_free(large);
	slab_page_fail_unmap = 0;
	cr_assert_eq(errno, 77);
}

static void stamp(unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (unsigned char)(i * 31 + 7);
}

static void is_stamped(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != (unsigned char)(i * 31 + 7))
			cr_assert_fail("byte %zu of %zu is lost", i, n);
}

Test(sized, realloc_keeps_what_fits)
{
	static const size_t sizes[] = { 1,      15,    16,   17,    100,   128,    129,
					1000,   5000,  4000, 65536, 65537, 200000, 1000000,
					150000, 65000, 300,  20,    3 };
	unsigned char *p = slab_realloc(NULL, 10);
	size_t have = 10;

	stamp(p, have);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		p = slab_realloc(p, sizes[i]);
		cr_assert_not_null(p);
		cr_assert_geq(slab_usable_size(p), sizes[i]);
		is_stamped(p, have < sizes[i] ? have : sizes[i]);
		have = sizes[i];
		stamp(p, have);
	}
	cr_assert_null(slab_realloc(p, 0)); /* frees */
}

Test(sized, realloc_without_memory_leaves_the_block)
{
	unsigned char *p = slab_malloc(100000), *q;

	stamp(p, 100000);
	slab_page_fail_map_at = -1;
	errno = 0;
	q = slab_realloc(p, 10000000);
	slab_page_fail_map_at = 0;
	cr_assert_null(q);
	cr_assert_eq(errno, ENOMEM);
	is_stamped(p, 100000);
	slab_free(p);
}

Test(sized, aligned_alloc_aligns)
{
	static const size_t sizes[] = { 0, 1, 16, 100, 4096, 60000, 65536, 70000, 1000000 };

	for (size_t align = 1; align <= (size_t)4 << 20; align *= 2) {
		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
			char *p = slab_aligned_alloc(align, sizes[i]), *q;

			cr_assert_not_null(p, "%zu at %zu", sizes[i], align);
			cr_assert_eq((uintptr_t)p % align, 0);
			cr_assert_geq(slab_usable_size(p), sizes[i]);
			memset(p, 1, sizes[i]);
			q = slab_aligned_alloc(align, sizes[i]);
			cr_assert_eq((uintptr_t)q % align, 0);
			slab_free(p);
			slab_free(q);
		}
	}
	errno = 0;
	cr_assert_null(slab_aligned_alloc(0, 8));
	cr_assert_eq(errno, EINVAL);
	errno = 0;
	cr_assert_null(slab_aligned_alloc(48, 96));
	cr_assert_eq(errno, EINVAL);
}

Test(sized, large_blocks_go_back_to_the_system)
{
	uint64_t mapped = totals().mapped_bytes, unmaps = slab_page_calls.unmap;
	char *p = slab_malloc((size_t)10 << 20);

	memset(p, 1, (size_t)10 << 20);
	cr_assert_geq(totals().mapped_bytes, mapped + ((size_t)10 << 20));
	cr_assert_eq(slab_map_order1(p), SLAB_MAP_LARGE);
	cr_assert_null(slab_cache_of(p)); /* no cache's */
	unmaps = slab_page_calls.unmap;
	slab_free(p);
	cr_assert_eq(slab_page_calls.unmap, unmaps + 1);
	cr_assert_eq(totals().mapped_bytes, mapped);
	cr_assert_eq(slab_map_order1(p), 0);
}

Test(sized, a_freed_large_block_is_kept_for_the_next)
{
	uint64_t maps, unmaps;
	char *p = slab_malloc(200000);

	slab_free(p);
	maps = slab_page_calls.map;
	unmaps = slab_page_calls.unmap;
	for (int i = 0; i < 100; i++) {
		p = slab_malloc(200000 - (size_t)i * 30);
		memset(p, 0xee, 200000 - (size_t)i * 30);
		slab_free(p);
	}
	cr_assert_eq(slab_page_calls.map, maps);
	cr_assert_eq(slab_page_calls.unmap, unmaps);
	p = slab_calloc(200000, 1); /* zeroes all the same */
	for (size_t i = 0; i < 200000; i++)
		cr_assert_eq(p[i], 0);
	slab_free(p);
	slab_reap();
	cr_assert_gt(slab_page_calls.unmap, unmaps);
}

Test(sized, what_is_kept_of_large_blocks_is_bounded)
{
	char *blocks[64];
	uint64_t mapped;

	slab_reap();
	mapped = totals().mapped_bytes;
	for (int i = 0; i < 64; i++)
		blocks[i] = slab_malloc(300000);
	for (int i = 0; i < 64; i++)
		slab_free(blocks[i]);
	cr_assert_leq(totals().mapped_bytes, mapped + ((size_t)4 << 20));
	slab_reap();
	cr_assert_eq(totals().mapped_bytes, mapped);
}

Test(sized, realloc_of_a_large_block_moves_pages_not_bytes)
{
	size_t bytes = 100000;
	unsigned char *p = slab_malloc(bytes), *wall;

	stamp(p, bytes);
	for (; bytes < (size_t)20 << 20; bytes *= 2) {
		wall = slab_malloc(70000); /* often in the way */
		p = slab_realloc(p, 2 * bytes);
		cr_assert_not_null(p);
		cr_assert_eq((uintptr_t)p % SLAB_GRANULE_BYTES, 0);
		is_stamped(p, bytes);
		stamp(p, 2 * bytes);
		slab_free(wall);
	}
	for (; bytes > 100000; bytes /= 2) {
		uint64_t mapped = totals().mapped_bytes;

		p = slab_realloc(p, bytes / 2);
		is_stamped(p, bytes / 2);
		cr_assert_lt(totals().mapped_bytes, mapped); /* the end went back */
	}
	slab_free(p);
}

Test(sized, a_large_block_that_cannot_be_unmapped_is_counted)
{
	uint64_t failures = totals().unmap_failures;
	char *p = slab_malloc((size_t)10 << 20);

	slab_page_fail_unmap = ENOMEM;
	slab_free(p);
	slab_page_fail_unmap = 0;
	cr_assert_gt(totals().unmap_failures, failures);
	cr_assert_eq(slab_map_order1(p), 0);
	slab_reap(); /* now it goes */
}

Test(sized, without_memory_it_is_null)
{
	uint64_t mapped;

	slab_reap(); /* no freed block is kept */
	mapped = totals().mapped_bytes;
	slab_page_fail_map_at = -1;
	errno = 0;
	gives_enomem(slab_malloc(100000), "malloc without memory");
	gives_enomem(slab_aligned_alloc(65536, 100000), "aligned_alloc without memory");
	slab_page_fail_map_at = 0;
	cr_assert_eq(totals().mapped_bytes, mapped);
}

Test(sized, free_takes_an_object_of_any_cache)
{
	struct slab_cache *c = new_cache("mine", 5000);
	void *obj = slab_cache_alloc(c);

	cr_assert_eq(slab_map_slot(obj), 0); /* no page of the map is spent on it */
	cr_assert_eq(slab_usable_size(obj), 5000);
	slab_free(obj);
	cr_assert_eq(figures(c).objects_live, 0);
	end_cache(c);
	cr_assert_eq(slab_usable_size(NULL), 0);
}

Test(sized, the_map_tells_the_class_of_a_block)
{
	void *p = slab_malloc(100);

	cr_assert_eq(slab_cache_by_slot[slab_map_slot(p)], slab_cache_of(p));
	slab_free(p);
}

Test(sized, classes_are_caches_that_say_their_size)
{
	void *p = slab_malloc(140), *q = slab_aligned_alloc(64, 140);

	cr_assert_str_eq(figures(slab_cache_of(p)).name, "size-144");
	cr_assert_str_eq(figures(slab_cache_of(q)).name, "size-192:64");
	slab_free(p);
	slab_free(q);
}

Test(sized, a_few_blocks_above_8_kib_are_parked_nowhere)
{
	enum { MANY = 16 };
	void *p[MANY];

	for (size_t size = 9 * 1024; size <= SLAB_OBJECT_MAX; size += 5000) {
		struct slab_cache *c = NULL;

		for (int i = 0; i < MANY; i++)
			p[i] = slab_malloc(size);
		c = slab_cache_of(p[0]);
		for (int i = 0; i < MANY; i++)
			slab_free(p[i]);
		if (c != NULL && figures(c).mode == 0 && figures(c).objects_per_slab < 8) {
			cr_assert_eq(figures(c).objects_cached, 0, "%zu", size);
			cr_assert_eq(figures(c).slabs, 0, "%zu", size);
		}
	}
}

/* ---- bad frees ---- */

static void free_it(void *p)
{
	slab_free(p);
}

static void free_twice(void *p)
{
	slab_free(p);
	slab_free(p);
}

static void grow_it(void *p)
{
	slab_realloc(p, 1000000);
}

Test(sized, bad_frees_are_named)
{
	char local = 0, *p = slab_malloc(100), *large = slab_malloc(200000);

	dies_saying(free_it, &local, " is no block of this allocator\n");
	dies_saying(free_it, (void *)8, "slab: bad free: 0x8 is no block of this allocator\n");
	dies_saying(free_it, large + 16, " lies inside a large block, not at its start\n");
	dies_saying(free_it, large + 70000, " lies inside a large block, not at its start\n");
	dies_saying(free_twice, large, " is no block of this allocator\n");
	dies_saying(free_twice, p, "slab: double free: ");
	dies_saying(grow_it, large + 16, " lies inside a large block, not at its start\n");
	dies_saying(grow_it, &local, " is no block of this allocator\n");
	slab_free(p);
	slab_free(large);
}
