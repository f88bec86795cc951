/*
 * map.h - whose address is it                                                            Floor 3
 *
 * Two levels over 48 bits of address, an entry per 64 KiB for spans and large blocks, one per 4 KiB
 * for slabs: the kernel's struct page, as far as it is needed here. Writers hold root.span_lock.
 * Readers hold nothing: an answer about memory that the reader itself holds an object in is exact,
 * any other may be outdated by the time it arrives.
 */
#ifndef SLAB_MAP_H
#define SLAB_MAP_H

#include "slab/layout.h"
#include "slab/check.h"

extern struct slab_map_leaf *slab_map_leaves[SLAB_LEAVES] __attribute__((visibility("hidden")));

/* The leaf of an address below 48 bits, or NULL. */
static inline struct slab_map_leaf *slab_map_leaf(uintptr_t address)
{
	return __atomic_load_n(&slab_map_leaves[address >> SLAB__LEAF_SHIFT], __ATOMIC_ACQUIRE);
}

/*
 * Enters bytes that the kernel has just handed out, from base on; order1 as in slab_map_leaf. A
 * granule has one owner: where a span has a hole of a whole granule, the kernel may put another
 * span of ours, which then owns the granule, its own holes in it included.
 */
bool slab_map_enter(uintptr_t base, size_t bytes, struct slab_span *span, uint8_t order1);

/* Makes what enter needs for these addresses; it cannot fail there afterwards. */
bool slab_map_reserve(uintptr_t base, size_t bytes);

/* Enters again what span had once, where nobody else owns it by now; the leaves exist. */
void slab_map_reenter(uintptr_t base, size_t bytes, struct slab_span *span, uint8_t order1);

/* Whether another span or large block owns a granule of it. */
bool slab_map_has_other(uintptr_t base, size_t bytes, const struct slab_span *span);

/* Takes out what span owns of it. */
void slab_map_leave(uintptr_t base, size_t bytes, const struct slab_span *span);

/* Gives back those pages of the map of which all entries are of this range, and nobody's. */
void slab_map_drop(uintptr_t base, size_t bytes);

/* Remembers span at both ends of memory that is in no map, with leaves; NULL: no longer. */
void slab_map_mark(uintptr_t base, size_t bytes, struct slab_span *span);

/* What is remembered at an address that is in no map, else NULL. Both under span_lock. */
struct slab_span *slab_map_marked(uintptr_t address);

/* Says that c holds its slab at base, or, not held, that nobody does. */
void slab_map_set_holder(struct slab_cache *c, uintptr_t base, bool held);

/* The number of the cache whose slab is at p, which is ours; 0: of none. */
static inline uint32_t slab_map_holder(const void *p)
{
	const struct slab_map_leaf *l = slab_map_leaves[(uintptr_t)p >> SLAB__LEAF_SHIFT];
	size_t page = ((uintptr_t)p >> SLAB__PAGE_SHIFT) % SLAB__LEAF_PAGES;

	return slab_read(&l->by_size[page]) | slab_read(&l->number[page]);
}

/* Of all size classes together: the leaf of their first slab. It does not move, as who saw half of
 * that would take the class of another block. */
extern struct slab__window slab_map_window __attribute__((visibility("hidden")));

/* slab_map_slot() of any pointer: by both levels. */
static inline uint32_t slab_map_slot_beyond(const void *p)
{
	uintptr_t turned = (uintptr_t)p >> 4 | (uintptr_t)p << 60;
	uintptr_t leaf = turned >> (SLAB__LEAF_SHIFT - 4);
	const struct slab_map_leaf *l;

	if (slab_unlikely(leaf >= SLAB_LEAVES))
		return 0;
	l = __atomic_load_n(&slab_map_leaves[leaf], __ATOMIC_ACQUIRE);
	if (slab_unlikely(l == NULL))
		return 0;
	return slab_read(&l->by_size[((uintptr_t)p >> SLAB__PAGE_SHIFT) % SLAB__LEAF_PAGES]);
}

/*
 * The number of the slot of the size class whose slab is at p; 0: of none. So also for a pointer
 * that is no multiple of 16: turning its low bits to the top takes it far out of the window.
 */
static inline uint32_t slab_map_slot(const void *p)
{
	uintptr_t at = (uintptr_t)p - slab__get(&slab_map_window.base);
	uintptr_t page = (at >> 4 | at << 60) >> (SLAB__PAGE_SHIFT - 4);

	if (slab_unlikely(page >= SLAB__LEAF_PAGES))
		return slab_map_slot_beyond(p);
	return slab_read(&slab__get(&slab_map_window.holder)[page]);
}

/* What the map has for the granule of an address; 0: nothing. */
static inline uintptr_t slab_map_entry(const void *p)
{
	const struct slab_map_leaf *l;

	if ((uintptr_t)p >> SLAB__LEAF_SHIFT >= SLAB_LEAVES)
		return 0;
	l = slab_map_leaf((uintptr_t)p);
	if (l == NULL)
		return 0;
	return __atomic_load_n(&l->span[((uintptr_t)p >> SLAB_GRANULE_SHIFT) % SLAB_LEAF_GRANULES],
	                       __ATOMIC_ACQUIRE);
}

/* 0: not ours; order + 1; or SLAB_MAP_LARGE. */
static inline uint8_t slab_map_order1(const void *p)
{
	return slab_map_entry(p) & SLAB_MAP_LARGE;
}

/* The span at an address that is ours, else NULL; under span_lock, or while holding an object in
 * it. */
static inline struct slab_span *slab_map_span(const void *p)
{
	uintptr_t entry = slab_map_entry(p), order1 = entry & SLAB_MAP_LARGE;

	return order1 == 0 ? NULL : (struct slab_span *)(entry - order1);
}

#endif
