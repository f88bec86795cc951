/*
 * bitmap.h - words of bits                                                               Floor 1
 *
 * Bit i is bit i % 64 of word i / 64. Sizes are in bits. No locks: one writer at a time; others may
 * ask for a single bit meanwhile.
 */
#ifndef SLAB_BITMAP_H
#define SLAB_BITMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "slab/check.h"

static inline bool slab_bit_test(const uint64_t *map, uint32_t i)
{
	return (slab_read(&map[i / 64]) >> (i % 64)) & 1;
}

static inline void slab_bit_set(uint64_t *map, uint32_t i)
{
	slab_write(&map[i / 64], map[i / 64] | (uint64_t)1 << (i % 64));
}

static inline void slab_bit_clear(uint64_t *map, uint32_t i)
{
	slab_write(&map[i / 64], map[i / 64] & ~((uint64_t)1 << (i % 64)));
}

/* The first bit at or after from that is one; bits if there is none. */
static inline uint32_t slab_bit_next(const uint64_t *map, uint32_t bits, uint32_t from)
{
	uint32_t w = from / 64;
	uint64_t word;

	if (from >= bits)
		return bits;
	word = map[w] & (~(uint64_t)0 << (from % 64));
	while (word == 0) {
		if (++w * 64 >= bits)
			return bits;
		word = map[w];
	}
	w = w * 64 + (uint32_t)__builtin_ctzll(word);
	return w < bits ? w : bits;
}

/* The first bit at or after from that is zero; bits if there is none. */
static inline uint32_t slab_bit_next_zero(const uint64_t *map, uint32_t bits, uint32_t from)
{
	while (from < bits) {
		uint64_t word = ~map[from / 64] >> (from % 64);

		if (word != 0) {
			from += (uint32_t)__builtin_ctzll(word);
			return from < bits ? from : bits;
		}
		from = (from / 64 + 1) * 64;
	}
	return bits;
}

static inline uint32_t slab_bit_count(const uint64_t *map, uint32_t words)
{
	uint32_t n = 0;

	for (uint32_t w = 0; w < words; w++)
		n += (uint32_t)__builtin_popcountll(map[w]);
	return n;
}

/* The bits of word w that lie in the n bits from first on. */
static inline uint64_t slab_bit_mask(uint32_t w, uint32_t first, uint32_t n)
{
	uint32_t low = w * 64 < first ? first - w * 64 : 0;
	uint32_t end = first + n - w * 64;
	uint64_t below = end < 64 ? ~(~(uint64_t)0 << end) : ~(uint64_t)0;

	return below & (~(uint64_t)0 << low);
}

/* The ones among the n > 0 bits from first on. */
static inline uint32_t slab_bit_count_run(const uint64_t *map, uint32_t first, uint32_t n)
{
	uint32_t ones = 0;

	for (uint32_t w = first / 64; w <= (first + n - 1) / 64; w++)
		ones += (uint32_t)__builtin_popcountll(map[w] & slab_bit_mask(w, first, n));
	return ones;
}

static inline void slab_bit_clear_run(uint64_t *map, uint32_t first, uint32_t n)
{
	for (uint32_t w = first / 64; w <= (first + n - 1) / 64; w++)
		map[w] &= ~slab_bit_mask(w, first, n);
}

/* The number of runs of ones. */
static inline uint32_t slab_bit_runs(const uint64_t *map, uint32_t words)
{
	uint32_t n = 0;
	uint64_t below = 0;

	for (uint32_t w = 0; w < words; w++) {
		n += (uint32_t)__builtin_popcountll(map[w] & ~(map[w] << 1 | below));
		below = map[w] >> 63;
	}
	return n;
}

#endif
