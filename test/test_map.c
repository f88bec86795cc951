/* test_map.c - whose address is it: two levels, an entry per 64 KiB, one owner each */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "test/unit.h"
#include "slab/map.h"
#include "slab/page.h"

#define KIB64 SLAB_GRANULE_BYTES

/* Addresses that the kernel gives to nobody: the map does not care. */
#define BASE ((uintptr_t)0x123400000000)

static struct slab_span one, two;

static void *at(uintptr_t address)
{
	return (void *)address;
}

Test(map, knows_nothing_of_what_was_not_entered)
{
	cr_assert_eq(slab_map_order1(NULL), 0);
	cr_assert_eq(slab_map_order1(&one), 0);
	cr_assert_eq(slab_map_order1(at(BASE)), 0);
	cr_assert_eq(slab_map_order1(at(UINTPTR_MAX)), 0);
	cr_assert_eq(slab_map_order1(at((uintptr_t)1 << 48)), 0);
	cr_assert_null(slab_map_span(at(BASE)));
	cr_assert_null(slab_map_span(at(UINTPTR_MAX)));
}

Test(map, every_byte_of_a_span_is_its_own)
{
	cr_assert(slab_map_enter(BASE + 3 * KIB64, 2 * KIB64, &one, 5));
	cr_assert_eq(slab_map_order1(at(BASE + 3 * KIB64 - 1)), 0);
	cr_assert_eq(slab_map_order1(at(BASE + 3 * KIB64)), 5);
	cr_assert_eq(slab_map_order1(at(BASE + 5 * KIB64 - 1)), 5);
	cr_assert_eq(slab_map_order1(at(BASE + 5 * KIB64)), 0);
	cr_assert_eq(slab_map_span(at(BASE + 4 * KIB64 + 17)), &one);
	slab_map_leave(BASE + 3 * KIB64, 2 * KIB64, &one);
	cr_assert_eq(slab_map_order1(at(BASE + 4 * KIB64)), 0);
	cr_assert_null(slab_map_span(at(BASE + 4 * KIB64)));
}

Test(map, part_of_a_granule_enters_the_whole)
{
	cr_assert(slab_map_enter(BASE + KIB64 + 8192, 4096, &one, 1));
	cr_assert_eq(slab_map_order1(at(BASE + KIB64)), 1);
	cr_assert_eq(slab_map_order1(at(BASE + 2 * KIB64)), 0);
	slab_map_leave(BASE + KIB64, KIB64, &one);
}

Test(map, a_large_block_is_told_from_slabs)
{
	cr_assert(slab_map_enter(BASE, KIB64, &two, SLAB_MAP_LARGE));
	cr_assert_eq(slab_map_order1(at(BASE)), SLAB_MAP_LARGE);
	slab_map_leave(BASE, KIB64, &two);
}

Test(map, a_granule_in_a_hole_goes_to_its_new_owner_and_stays_there)
{
	cr_assert(slab_map_enter(BASE, 4 * KIB64, &one, 1));
	cr_assert(slab_map_enter(BASE + 2 * KIB64, KIB64, &two, 3));
	cr_assert_eq(slab_map_span(at(BASE + 2 * KIB64)), &two);
	slab_map_leave(BASE, 4 * KIB64, &one);
	cr_assert_eq(slab_map_span(at(BASE + 2 * KIB64)), &two);
	cr_assert_eq(slab_map_order1(at(BASE)), 0);
	cr_assert_eq(slab_map_order1(at(BASE + 3 * KIB64)), 0);
	slab_map_leave(BASE + 2 * KIB64, KIB64, &two);
}

Test(map, spans_cross_from_leaf_to_leaf)
{
	uintptr_t edge = BASE + ((uintptr_t)1 << SLAB__LEAF_SHIFT);

	cr_assert(slab_map_enter(edge - KIB64, 2 * KIB64, &one, 2));
	cr_assert_eq(slab_map_span(at(edge - 1)), &one);
	cr_assert_eq(slab_map_span(at(edge)), &one);
	slab_map_leave(edge - KIB64, 2 * KIB64, &one);
	cr_assert_eq(slab_map_order1(at(edge)), 0);
}

static size_t resident_pages(const void *from, const void *to)
{
	uintptr_t first = (uintptr_t)from & ~(uintptr_t)4095;
	unsigned char there[256] = { 0 };
	size_t n = 0;

	cr_assert_leq((uintptr_t)to - first, sizeof there * 4096);
	cr_assert_eq(mincore((void *)first, (uintptr_t)to - first, there), 0);
	for (size_t i = 0; i < sizeof there; i++)
		n += there[i] & 1;
	return n;
}

/* A block of 6 GiB that ends in the middle of a leaf, between neighbours that stay. */
Test(map, what_goes_back_takes_its_pages_of_the_map_along)
{
	uintptr_t base = BASE + 512 * KIB64 - 2 * KIB64, leaf = SLAB_LEAF_BYTES;
	size_t bytes = (size_t)6 << 30;
	struct slab_map_leaf *first, *last;

	cr_assert(slab_map_enter(base - KIB64, KIB64, &two, 1));
	cr_assert(slab_map_enter(base, bytes, &one, SLAB_MAP_LARGE));
	cr_assert(slab_map_enter(base + bytes, KIB64, &two, 1));
	first = slab_map_leaf(base);
	last = slab_map_leaf(base + bytes);
	cr_assert_eq(first, slab_map_leaf(base + leaf - KIB64 - base % leaf));
	cr_assert_neq(first, last);
	cr_assert_geq(resident_pages(first->span, first + 1), 127);
	slab_map_leave(base, bytes, &one);
	slab_map_drop(base, bytes);
	cr_assert_leq(resident_pages(first->span, first + 1), 2);
	cr_assert_leq(resident_pages(last->span, last + 1), 2);
	for (uintptr_t at = base; at < base + bytes; at += KIB64)
		cr_assert_null(slab_map_span((void *)at));
	cr_assert_eq(slab_map_span((void *)(base - 1)), &two);
	cr_assert_eq(slab_map_span((void *)(base + bytes)), &two);
	slab_map_leave(base - KIB64, KIB64, &two);
	slab_map_leave(base + bytes, KIB64, &two);
}

Test(map, beyond_48_bits_is_refused)
{
	uintptr_t end = (uintptr_t)1 << 48;

	cr_assert_not(slab_map_enter(end, KIB64, &one, 1));
	cr_assert_not(slab_map_enter(end - KIB64, 2 * KIB64, &one, 1));
	cr_assert_eq(slab_map_order1(at(end - KIB64)), 0);
	cr_assert(slab_map_enter(end - KIB64, KIB64, &one, 1));
	slab_map_leave(end - KIB64, KIB64, &one);
}

Test(map, without_memory_for_a_leaf_nothing_is_entered)
{
	uintptr_t fresh = BASE + ((uintptr_t)40 << SLAB__LEAF_SHIFT);

	cr_assert(slab_map_enter(fresh - KIB64, KIB64, &two, 1)); /* the leaf below exists */
	slab_map_leave(fresh - KIB64, KIB64, &two);
	slab_page_fail_map_at = 1;
	cr_assert_not(slab_map_enter(fresh - KIB64, 2 * KIB64, &one, 1));
	slab_page_fail_map_at = 0;
	cr_assert_eq(slab_map_order1(at(fresh - KIB64)), 0);
	cr_assert(slab_map_enter(fresh - KIB64, 2 * KIB64, &one, 1));
	slab_map_leave(fresh - KIB64, 2 * KIB64, &one);
}

Test(map, knows_the_objects_of_caches)
{
	struct slab_cache *small = new_cache("small", 64), *wide = new_cache("wide", 30000);
	void *a = slab_cache_alloc(small), *b = slab_cache_alloc(wide);

	cr_assert_eq(slab_map_order1(a), small->geo.order + 1);
	cr_assert_eq(slab_map_order1(b), wide->geo.order + 1);
	cr_assert_neq(small->geo.order, wide->geo.order);
	slab_cache_free(small, a);
	slab_cache_free(wide, b);
	end_cache(small);
	end_cache(wide);
}
