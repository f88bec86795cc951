/*
 * test_kept.c - how much of freed large blocks is kept: little, a share, more if it is wanted again
 */
#include "test/runs.h"
#include "slab/page.h"

TestSuite(kept, .init = keep_nothing, .fini = keep_nothing);

Test(kept, what_goes_and_comes_again_is_kept_in_the_end)
{
	size_t bytes = 1536 * K; /* more than is kept at first */
	uint64_t calls;

	for (int i = 0; i < 100; i++)
		slab_free(slab_malloc(bytes));
	calls = slab_page_calls.map + slab_page_calls.unmap;
	for (int i = 0; i < 100; i++)
		slab_free(slab_malloc(bytes));
	cr_assert_eq(slab_page_calls.map + slab_page_calls.unmap, calls);
	is_sound();
}

/* 8 of 16 blocks of 2 MiB come and go. Returns the mappings made. */
static uint64_t swing(int rounds)
{
	uint64_t before = slab_page_calls.map;
	void *p[16];

	for (int i = 0; i < 8; i++)
		p[i] = slab_malloc(2 * M);
	while (rounds-- > 0) {
		for (int i = 8; i < 16; i++)
			p[i] = slab_malloc(2 * M);
		for (int i = 8; i < 16; i++)
			slab_free(p[i]);
	}
	for (int i = 0; i < 8; i++)
		slab_free(p[i]);
	is_sound();
	return slab_page_calls.map - before;
}

/* One of 64 MiB has a page of the address map for itself at least, which stays with it. */
Test(kept, what_is_kept_costs_no_call_however_large)
{
	char *much = slab_malloc(200 * M), *block;
	uint64_t calls;

	slab_root.recent_doubled = 5;
	slab_free(slab_malloc(64 * M));
	calls = slab_page_calls.map + slab_page_calls.unmap + slab_page_calls.drop;
	for (int i = 0; i < 10; i++) {
		block = slab_malloc(64 * M);
		cr_assert_not_null(block);
		slab_free(block);
	}
	cr_assert_eq(slab_page_calls.map + slab_page_calls.unmap + slab_page_calls.drop, calls);
	slab_free(much);
	slab_reap();
	is_sound();
}

/* A little soon; then more for each 256 MiB that were mapped again. */
Test(kept, what_is_paid_for_again_and_again_is_kept)
{
	swing(10);
	cr_assert_leq(slab_root.recent_bytes, 4 * M);
	swing(200);
	cr_assert_leq(swing(10), 8); /* the first time; 80 without */
	cr_assert_leq(slab_root.recent_bytes, 32 * M);
	cr_assert_leq(slab_root.recent_doubled, 5);
	swing(1000);
	cr_assert_leq(slab_root.recent_bytes, 32 * M);
	slab_reap();
	swing(10);
	cr_assert_leq(slab_root.recent_bytes, 4 * M, "from the beginning");
}

Test(kept, in_the_end_it_is_half_of_what_is_in_use_or_64_mib)
{
	enum { MANY = 60 };
	static const size_t in_use[] = { 80 * M, 400 * M }, most[] = { 40 * M, 64 * M };
	char *block[MANY];

	for (int i = 0; i < 2; i++) {
		char *much = slab_malloc(in_use[i]);

		slab_root.recent_doubled = 5;
		for (int k = 0; k < MANY; k++)
			block[k] = slab_malloc(2 * M);
		for (int k = 0; k < MANY; k++)
			slab_free(block[k]);
		cr_assert_leq(slab_root.recent_bytes, most[i]);
		cr_assert_geq(slab_root.recent_bytes, most[i] - 2 * M);
		slab_free(much);
		slab_reap();
	}
}

Test(kept, what_is_kept_is_bounded)
{
	enum { MANY = 40 };
	char *block[MANY], *much;

	slab_free(slab_malloc(1088 * K));
	cr_assert_eq(slab_root.recent_bytes, 0, "more than a MiB");
	for (int i = 0; i < MANY; i++)
		block[i] = slab_malloc(128 * K);
	much = slab_malloc(128 * M);
	for (int i = 0; i < MANY; i += 2) /* no two of them neighbours */
		slab_free(block[i]);
	cr_assert_eq(slab_root.recent_bytes, MANY / 2 * 128 * K, "an eighth of what is in use");
	cr_assert_eq(slab_root.recent_count, MANY / 2);
	slab_free(much);
	slab_free(block[1]);
	cr_assert_leq(slab_root.recent_bytes, 1 * M, "a MiB of little in use");
	is_sound();
	for (int i = 3; i < MANY; i += 2)
		slab_free(block[i]);
	cr_assert_leq(slab_root.recent_bytes, 1 * M);
}

Test(kept, no_more_than_128_runs_are_kept_and_the_oldest_goes_first)
{
	enum { MANY = 320 };
	char *block[MANY], *much = slab_malloc(256 * M);

	for (int i = 0; i < MANY; i++)
		block[i] = slab_malloc(128 * K);
	for (int i = 0; i < MANY; i += 2)
		slab_free(block[i]);
	cr_assert_eq(slab_root.recent_count, 128);
	for (int i = MANY - 256; i < MANY; i += 2) {
		struct slab_list *pos;
		bool there = false;

		slab_list_for_each(pos, &slab_root.recent)
			there |= slab_container(pos, struct slab_span, all_link)->base ==
			         (uintptr_t)block[i];
		cr_assert(there, "block %d", i);
	}
	for (int i = 1; i < MANY; i += 2)
		slab_free(block[i]);
	slab_free(much);
}

Test(kept, no_more_than_32_mib_are_kept_however_often_they_are_wanted)
{
	for (int i = 0; i < 40; i++)
		slab_free(slab_malloc(5 * M));
	cr_assert_eq(slab_root.recent_bytes, 0, "not yet paid for");
	for (int i = 0; i < 40; i++)
		slab_free(slab_malloc(5 * M));
	cr_assert_eq(slab_root.recent_bytes, 5 * M);
	for (int i = 0; i < 100; i++)
		slab_free(slab_malloc(40 * M));
	cr_assert_leq(slab_root.recent_bytes, 32 * M);
	for (int i = 0; i < 100; i++) { /* at the same time: two of them are too many */
		char *p = slab_malloc(20 * M);

		slab_free(slab_malloc(20 * M));
		slab_free(p);
		cr_assert_leq(slab_root.recent_bytes, 32 * M);
	}
	for (int i = 0; i < 100; i++)
		slab_free(slab_malloc(30 * M));
	cr_assert_eq(slab_root.recent_bytes, 30 * M);
	cr_assert_eq(slab_root.recent_doubled, 5);
}
