/*
 * owner.c - whose malloc block is it                                                     Floor 4
 *
 * Called by direct.c, misuse.c, walk.c and sized.c.
 */
#include "slab/owner.h"
#include "slab/check.h"
#include "slab/meta.h"
#include "slab/page.h"
#include "slab/valgrind.h"

#define STEP ((uintptr_t)SLAB_OWNER_STEP)
#define BYTES_BITS 17
#define BYTES_MASK (((uint64_t)1 << BYTES_BITS) - 1)
#define CACHE_SHIFT 6 /* descriptors are aligned to 64 */
#define NO_CACHE ((uint64_t)1 << 63)
#define FREED ((uint64_t)1 << 62) /* the block is no more; stays until another begins there */

_Static_assert(SLAB_OBJECT_MAX <= BYTES_MASK, "an object's size fits in a word");

/* By 4 GiB of addresses; each points to the leaves' pointers, by granule. */
static void *tables[SLAB_LEAVES];

/* No block begins outside of these granules; a walk through all need not look there. Numbers, for
 * an address would lie in a large block, and to a leak checker be a reference to it. */
static uintptr_t lowest = UINTPTR_MAX >> SLAB_GRANULE_SHIFT, highest;

uint64_t slab_owner_word(const struct slab_cache *c, size_t bytes)
{
	if (c == NULL)
		return NO_CACHE | bytes;
	return (uint64_t)(uintptr_t)c >> CACHE_SHIFT << BYTES_BITS | bytes;
}

struct slab_cache *slab_owner_cache(uint64_t word)
{
	if ((word & NO_CACHE) != 0)
		return NULL;
	return (struct slab_cache *)(uintptr_t)((word & ~FREED) >> BYTES_BITS << CACHE_SHIFT);
}

size_t slab_owner_bytes(uint64_t word)
{
	return word & ((word & NO_CACHE) != 0 ? FREED - 1 : BYTES_MASK);
}

/* What *where points to, made of zeroes if nothing is there; NULL: no memory. */
static void *made(void **where, size_t bytes)
{
	void *there = __atomic_load_n(where, __ATOMIC_ACQUIRE);
	uintptr_t base;

	if (slab_likely(there != NULL))
		return there;
	bytes = slab_page_round(bytes);
	base = slab_page_map(bytes, slab_root.page_bytes);
	if (base == 0)
		return NULL;
	slab_valgrind_ignore((void *)base, bytes);
	if (__atomic_compare_exchange_n(where, &there, (void *)base, false, __ATOMIC_RELEASE,
	                                __ATOMIC_ACQUIRE)) {
		slab_meta_account((int64_t)bytes);
		return (void *)base;
	}
	slab_page_unmap(base, bytes); /* another thread was first */
	return there;
}

static size_t granule_of(uintptr_t address)
{
	return (address >> SLAB_GRANULE_SHIFT) % SLAB_LEAF_GRANULES;
}

static struct slab_owner_leaf *leaf_of(uintptr_t address)
{
	void **table;

	if (address >> SLAB__LEAF_SHIFT >= SLAB_LEAVES)
		return NULL;
	table = __atomic_load_n(&tables[address >> SLAB__LEAF_SHIFT], __ATOMIC_ACQUIRE);
	if (table == NULL)
		return NULL;
	return __atomic_load_n(&table[granule_of(address)], __ATOMIC_ACQUIRE);
}

static void widen(uintptr_t to)
{
	uintptr_t low = slab_read(&lowest), high = slab_read(&highest);

	while (to < low && !__atomic_compare_exchange_n(&lowest, &low, to, false,
	                                                __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
	while (to > high && !__atomic_compare_exchange_n(&highest, &high, to, false,
	                                                 __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

static struct slab_owner_leaf *leaf_for(uintptr_t address)
{
	struct slab_owner_leaf *leaf = leaf_of(address);
	void **table;

	if (slab_likely(leaf != NULL))
		return leaf;
	if (address >> SLAB__LEAF_SHIFT >= SLAB_LEAVES)
		return NULL; /* beyond 48 bits: the kernel does not do that unasked */
	table = made(&tables[address >> SLAB__LEAF_SHIFT], SLAB_LEAF_GRANULES * sizeof *table);
	widen(address >> SLAB_GRANULE_SHIFT);
	return table != NULL ? made(&table[granule_of(address)], sizeof *leaf) : NULL;
}

static uint64_t *word_in(struct slab_owner_leaf *leaf, uintptr_t address)
{
	return &leaf->word[address % SLAB_GRANULE_BYTES / STEP];
}

bool slab_owner_enter(const void *p, uint64_t word)
{
	struct slab_owner_leaf *leaf = leaf_for((uintptr_t)p);

	SLAB_ASSERT((uintptr_t)p % STEP == 0);
	if (leaf == NULL)
		return false;
	__atomic_fetch_add(&leaf->live, 1, __ATOMIC_RELAXED); /* never below the words */
	__atomic_exchange_n(word_in(leaf, (uintptr_t)p), word, __ATOMIC_RELAXED);
	return true;
}

bool slab_owner_leave(const void *p, uint64_t word)
{
	struct slab_owner_leaf *leaf = leaf_of((uintptr_t)p);

	if (leaf == NULL || word == 0 ||
	    !__atomic_compare_exchange_n(word_in(leaf, (uintptr_t)p), &word, word | FREED, false,
	                                 __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		return false;
	__atomic_fetch_sub(&leaf->live, 1, __ATOMIC_RELAXED);
	return true;
}

/* The word in the leaf of an address; 0: no leaf, or no block ever began there. */
static uint64_t word_at(uintptr_t address)
{
	struct slab_owner_leaf *leaf = leaf_of(address);

	return leaf != NULL && address % STEP == 0 ? slab_read(word_in(leaf, address)) : 0;
}

uint64_t slab_owner_at(const void *p)
{
	uint64_t word = word_at((uintptr_t)p);

	return (word & FREED) == 0 ? word : 0;
}

uint64_t slab_owner_before(const void *p)
{
	uint64_t word = word_at((uintptr_t)p);

	return (word & FREED) != 0 ? word : 0;
}

/* An object is at most a granule long: it begins in that of p or in the one before. */
uint64_t slab_owner_around(const void *p, void **start)
{
	uintptr_t at = (uintptr_t)p & ~(STEP - 1);
	uintptr_t end = at > SLAB_OBJECT_MAX ? at - SLAB_OBJECT_MAX : 0;

	for (; at > end; at -= STEP) {
		struct slab_owner_leaf *leaf = leaf_of(at);
		uint64_t word;

		if (leaf == NULL || slab_read(&leaf->live) == 0) {
			at &= ~(SLAB_GRANULE_BYTES - 1); /* nothing begins in here */
			if (at <= end)
				break;
			continue;
		}
		word = slab_owner_at((void *)at);
		if (word == 0)
			continue;
		*start = (void *)at; /* the nearest one: another cannot reach p */
		if (slab_owner_cache(word) == NULL)
			return 0;
		return (uintptr_t)p - at < slab_owner_bytes(word) ? word : 0;
	}
	return 0;
}

uint64_t slab_owner_next(uintptr_t *from, void **start)
{
	uintptr_t low = slab_read(&lowest) << SLAB_GRANULE_SHIFT;
	uintptr_t high = slab_read(&highest) << SLAB_GRANULE_SHIFT | (SLAB_GRANULE_BYTES - 1);
	uintptr_t at = *from > low ? *from : low;

	while (at <= high && at >> SLAB__LEAF_SHIFT < SLAB_LEAVES) {
		struct slab_owner_leaf *leaf = leaf_of(at);
		uint64_t word = 0;

		if (slab_read(&tables[at >> SLAB__LEAF_SHIFT]) == NULL)
			at |= ((uintptr_t)1 << SLAB__LEAF_SHIFT) - 1; /* nothing in these 4 GiB */
		else if (leaf == NULL || slab_read(&leaf->live) == 0)
			at |= SLAB_GRANULE_BYTES - 1;
		else
			word = slab_owner_at((void *)at);
		if (word != 0) {
			*start = (void *)at;
			*from = at + STEP;
			return word;
		}
		at = (at | (STEP - 1)) + 1;
	}
	*from = at;
	return 0;
}
