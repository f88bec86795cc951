/* test_bitmap.c - words of bits, compared with one look at each bit */
#include <criterion/criterion.h>
#include <string.h>

#include "slab/bitmap.h"

#define BITS  200
#define WORDS 4

/* A pattern that differs from word to word, with long runs of both kinds. */
static void fill(uint64_t *map, uint64_t seed)
{
	for (int w = 0; w < WORDS; w++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		map[w] = seed & (seed >> 7) & (seed << 3);
		if (seed % 5 == 0)
			map[w] = seed % 2 ? ~(uint64_t)0 : 0;
	}
}

static uint32_t next_slowly(const uint64_t *map, uint32_t bits, uint32_t from, bool want)
{
	while (from < bits && slab_bit_test(map, from) != want)
		from++;
	return from < bits ? from : bits;
}

Test(bitmap, one_bit_is_one_bit)
{
	uint64_t map[WORDS] = { 0 };

	for (uint32_t i = 0; i < WORDS * 64; i++) {
		slab_bit_set(map, i);
		cr_assert(slab_bit_test(map, i));
		cr_assert_eq(slab_bit_count(map, WORDS), 1);
		cr_assert_eq(map[i / 64], (uint64_t)1 << (i % 64));
		slab_bit_clear(map, i);
		cr_assert_not(slab_bit_test(map, i));
		cr_assert_eq(slab_bit_count(map, WORDS), 0);
	}
}

Test(bitmap, next_finds_what_a_look_at_each_finds)
{
	uint64_t map[WORDS];

	for (uint64_t seed = 1; seed < 50; seed++) {
		fill(map, seed);
		for (uint32_t bits = 1; bits <= BITS; bits += 13) {
			for (uint32_t from = 0; from <= bits; from++) {
				cr_assert_eq(slab_bit_next(map, bits, from),
					     next_slowly(map, bits, from, true));
				cr_assert_eq(slab_bit_next_zero(map, bits, from),
					     next_slowly(map, bits, from, false));
			}
		}
	}
}

Test(bitmap, next_ends_at_the_last_bit)
{
	uint64_t none[WORDS] = { 0 }, all[WORDS];

	memset(all, 0xff, sizeof all);
	cr_assert_eq(slab_bit_next(none, BITS, 0), BITS);
	cr_assert_eq(slab_bit_next_zero(all, BITS, 0), BITS);
	slab_bit_set(none, BITS); /* beyond the end: not seen */
	slab_bit_clear(all, BITS);
	cr_assert_eq(slab_bit_next(none, BITS, 0), BITS);
	cr_assert_eq(slab_bit_next_zero(all, BITS, 0), BITS);
	cr_assert_eq(slab_bit_next(none, BITS, BITS + 70), BITS);
	cr_assert_eq(slab_bit_next_zero(all, BITS, BITS + 70), BITS);
}

Test(bitmap, a_run_may_cross_words)
{
	uint64_t map[WORDS] = { 0 };

	cr_assert_eq(slab_bit_runs(map, WORDS), 0);
	for (uint32_t i = 60; i < 70; i++)
		slab_bit_set(map, i);
	cr_assert_eq(slab_bit_runs(map, WORDS), 1);
	slab_bit_set(map, 0);
	slab_bit_set(map, 255);
	cr_assert_eq(slab_bit_runs(map, WORDS), 3);
	slab_bit_clear(map, 64);
	cr_assert_eq(slab_bit_runs(map, WORDS), 4);
}

Test(bitmap, runs_are_counted_as_by_hand)
{
	uint64_t map[WORDS];

	for (uint64_t seed = 1; seed < 200; seed++) {
		uint32_t runs = 0, ones = 0;

		fill(map, seed);
		for (uint32_t i = 0; i < WORDS * 64; i++) {
			ones += slab_bit_test(map, i);
			runs += slab_bit_test(map, i) && (i == 0 || !slab_bit_test(map, i - 1));
		}
		cr_assert_eq(slab_bit_runs(map, WORDS), runs);
		cr_assert_eq(slab_bit_count(map, WORDS), ones);
	}
}
