/*
 * test_owner.c - the side table of malloc blocks: what begins where, and around which address
 */
#include "test/unit.h"

#include "slab/owner.h"
#include "slab/page.h"

/* Addresses that no block of this process has: the table never follows them. */
#define FAR ((char *)((uintptr_t)1 << 44))

static uint64_t word_of(size_t bytes)
{
	static struct slab_cache cache; /* only its address counts */

	return slab_owner_word(&cache, bytes);
}

TestSuite(owner, .init = slab_init);

Test(owner, a_word_keeps_cache_and_size)
{
	struct slab_cache *c = new_cache("in-a-word", 8);

	cr_assert_eq(slab_owner_cache(slab_owner_word(c, SLAB_OBJECT_MAX)), c);
	cr_assert_eq(slab_owner_bytes(slab_owner_word(c, SLAB_OBJECT_MAX)), SLAB_OBJECT_MAX);
	cr_assert_eq(slab_owner_bytes(slab_owner_word(c, 0)), 0);
	cr_assert_neq(slab_owner_word(c, 0), 0);
	cr_assert_null(slab_owner_cache(slab_owner_word(NULL, PTRDIFF_MAX / 2)));
	cr_assert_eq(slab_owner_bytes(slab_owner_word(NULL, PTRDIFF_MAX / 2)), PTRDIFF_MAX / 2);
	cr_assert_null(slab_owner_cache(0));
	end_cache(c);
}

Test(owner, enters_once_and_leaves_once)
{
	uint64_t word = word_of(24);

	cr_assert_eq(slab_owner_at(FAR + 64), 0);
	cr_assert(slab_owner_enter(FAR + 64, word));
	cr_assert_eq(slab_owner_at(FAR + 64), word);
	cr_assert_eq(slab_owner_before(FAR + 64), 0);
	cr_assert_eq(slab_owner_at(FAR + 72), 0);
	cr_assert_eq(slab_owner_at(FAR + 65), 0);
	cr_assert(!slab_owner_leave(FAR + 64, word_of(25)));
	cr_assert(slab_owner_leave(FAR + 64, word));
	cr_assert(!slab_owner_leave(FAR + 64, word), "of two one succeeds");
	cr_assert_eq(slab_owner_at(FAR + 64), 0);
	cr_assert_eq(slab_owner_bytes(slab_owner_before(FAR + 64)), 24);
	cr_assert(slab_owner_enter(FAR + 64, word_of(16)));
	cr_assert_eq(slab_owner_before(FAR + 64), 0);
	cr_assert(slab_owner_leave(FAR + 64, word_of(16)));
}

Test(owner, finds_the_object_around_an_address)
{
	char *edge = FAR + 5 * SLAB_GRANULE_BYTES; /* a large object lies across it */
	uint64_t small = word_of(20), large = word_of(SLAB_OBJECT_MAX);
	void *start = NULL;

	cr_assert(slab_owner_enter(edge - 64, small));
	cr_assert(slab_owner_enter(edge - 32, large));
	cr_assert_eq(slab_owner_around(edge - 64, &start), small);
	cr_assert_eq(slab_owner_around(edge - 45, &start), small);
	cr_assert_eq(start, edge - 64);
	cr_assert_eq(slab_owner_around(edge - 44, &start), 0);
	cr_assert_eq(slab_owner_around(edge - 33, &start), 0);
	cr_assert_eq(slab_owner_around(edge - 32, &start), large);
	cr_assert_eq(slab_owner_around(edge + 100, &start), large);
	cr_assert_eq(start, edge - 32);
	cr_assert_eq(slab_owner_around(edge - 33 + SLAB_OBJECT_MAX, &start), large);
	cr_assert_eq(slab_owner_around(edge - 32 + SLAB_OBJECT_MAX, &start), 0);
	cr_assert(slab_owner_leave(edge - 64, small));
	cr_assert(slab_owner_leave(edge - 32, large));
	cr_assert_eq(slab_owner_around(edge + 100, &start), 0);
}

Test(owner, any_address_may_be_asked_for)
{
	static const uintptr_t odd[] = { 0, 1, 8, 4096, 65536, 65544, ((uintptr_t)1 << 48) - 1,
					 (uintptr_t)1 << 48, UINTPTR_MAX };
	void *start;

	for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
		cr_assert_eq(slab_owner_at((void *)odd[i]), 0);
		cr_assert_eq(slab_owner_before((void *)odd[i]), 0);
		cr_assert_eq(slab_owner_around((void *)odd[i], &start), 0);
		cr_assert(!slab_owner_leave((void *)odd[i], word_of(8)));
	}
	cr_assert(!slab_owner_enter((void *)((uintptr_t)1 << 48), word_of(8)));
}

Test(owner, goes_through_all_in_order)
{
	static const size_t offsets[] = { 0, 8, 65528, 65536, 3 << 20, (size_t)5 << 32 };
	const size_t n = sizeof offsets / sizeof *offsets;
	uintptr_t from = (uintptr_t)FAR;
	void *start;

	for (size_t i = 0; i < n; i++)
		cr_assert(slab_owner_enter(FAR + offsets[i], word_of(i + 1)));
	for (size_t i = 0; i < n; i++) {
		cr_assert_eq(slab_owner_next(&from, &start), word_of(i + 1));
		cr_assert_eq(start, FAR + offsets[i]);
		cr_assert(slab_owner_leave(start, word_of(i + 1)), "may go meanwhile");
	}
	cr_assert_eq(slab_owner_next(&from, &start), 0);
	cr_assert_eq(slab_owner_next(&from, &start), 0);
}

Test(owner, without_memory_nothing_is_entered)
{
	char *fresh = FAR + ((size_t)9 << 32);

	for (int at = 1; at <= 2; at++) { /* the table of pointers, then the leaf */
		slab_page_fail_map_at = at;
		cr_assert(!slab_owner_enter(fresh, word_of(8)));
		cr_assert_eq(slab_owner_at(fresh), 0);
	}
	slab_page_fail_map_at = 0;
	cr_assert(slab_owner_enter(fresh, word_of(8)));
	cr_assert(slab_owner_leave(fresh, word_of(8)));
}
