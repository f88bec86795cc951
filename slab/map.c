/*
 * map.c - whose address is it                                                            Floor 3
 *
 * Called by span.c, take.c, large.c and fallow.c; whoever judges a pointer reads it through map.h.
 */
#include "slab/map.h"
#include "slab/check.h"
#include "slab/page.h"
#include "slab/valgrind.h"

struct slab_map_leaf *slab_map_leaves[SLAB_LEAVES];
struct slab__window slab_map_window = { SLAB__NOWHERE, NULL };

/* Makes the leaf of an address if it is not there yet. */
static bool make_leaf(uintptr_t address)
{
	struct slab_map_leaf **where = &slab_map_leaves[address >> SLAB__LEAF_SHIFT];
	size_t bytes = sizeof(struct slab_map_leaf);

	if (*where == NULL) {
		uintptr_t base = slab_page_map(bytes, slab_page_size());

		if (base == 0)
			return false;
		slab_page_advise_huge(base, bytes, false);
		slab_valgrind_ignore((void *)base, bytes);
		/* what is touched of it for spans near each other */
		__atomic_fetch_add(&slab_root.metadata_bytes, 3 * slab_root.page_bytes,
		                   __ATOMIC_RELAXED);
		__atomic_store_n(where, (struct slab_map_leaf *)base, __ATOMIC_RELEASE);
	}
	return true;
}

static size_t granule_in_leaf(uintptr_t address)
{
	return (address >> SLAB_GRANULE_SHIFT) % SLAB_LEAF_GRANULES;
}

static void set(uintptr_t address, struct slab_span *span, uint8_t order1)
{
	struct slab_map_leaf *l = slab_map_leaf(address);

	__atomic_store_n(&l->span[granule_in_leaf(address)], (uintptr_t)span | order1,
	                 __ATOMIC_RELEASE);
}

bool slab_map_reserve(uintptr_t base, size_t bytes)
{
	uintptr_t end = base + bytes;

	if ((end - 1) >> SLAB__LEAF_SHIFT >= SLAB_LEAVES)
		return false; /* beyond 48 bits: the kernel does not do that unasked */
	base &= ~(SLAB_GRANULE_BYTES - 1);
	for (uintptr_t at = base; at < end; at += SLAB_GRANULE_BYTES)
		if (!make_leaf(at))
			return false;
	return true;
}

bool slab_map_enter(uintptr_t base, size_t bytes, struct slab_span *span, uint8_t order1)
{
	uintptr_t end = base + bytes;

	if (!slab_map_reserve(base, bytes))
		return false;
	base &= ~(SLAB_GRANULE_BYTES - 1);
	for (uintptr_t at = base; at < end; at += SLAB_GRANULE_BYTES)
		set(at, span, order1);
	return true;
}

void slab_map_reenter(uintptr_t base, size_t bytes, struct slab_span *span, uint8_t order1)
{
	uintptr_t end = base + bytes;

	base &= ~(SLAB_GRANULE_BYTES - 1);
	for (uintptr_t at = base; at < end; at += SLAB_GRANULE_BYTES)
		if (slab_map_span((void *)at) == NULL)
			set(at, span, order1);
}

bool slab_map_has_other(uintptr_t base, size_t bytes, const struct slab_span *span)
{
	uintptr_t end = base + bytes;

	base &= ~(SLAB_GRANULE_BYTES - 1);
	for (uintptr_t at = base; at < end; at += SLAB_GRANULE_BYTES) {
		const struct slab_span *owner = slab_map_span((void *)at);

		if (owner != NULL && owner != span)
			return true;
	}
	return false;
}

void slab_map_leave(uintptr_t base, size_t bytes, const struct slab_span *span)
{
	for (uintptr_t at = base; at < base + bytes; at += SLAB_GRANULE_BYTES)
		if (slab_map_span((void *)at) == span)
			set(at, NULL, 0);
}

void slab_map_drop(uintptr_t base, size_t bytes)
{
	uintptr_t next, end = base + bytes, page_mask = slab_root.page_bytes - 1;

	for (uintptr_t at = base; at < end; at = next) {
		struct slab_map_leaf *l = slab_map_leaf(at);
		uintptr_t first = (uintptr_t)&l->span[granule_in_leaf(at)], last;

		next = (at | (SLAB_LEAF_BYTES - 1)) + 1;
		next = next < end ? next : end;
		last = (uintptr_t)&l->span[granule_in_leaf(next - 1) + 1] & ~page_mask;
		first = (first + page_mask) & ~page_mask;
		if (first < last)
			slab_page_drop(&(struct slab_range){ first, last - first }, 1);
	}
}

void slab_map_mark(uintptr_t base, size_t bytes, struct slab_span *span)
{
	set(base, span, 0);
	set(base + bytes - SLAB_GRANULE_BYTES, span, 0);
}

struct slab_span *slab_map_marked(uintptr_t address)
{
	uintptr_t entry = slab_map_entry((void *)address);

	return (entry & SLAB_MAP_LARGE) != 0 ? NULL : (struct slab_span *)entry;
}

/* Free looks at the objects of c through the leaf at base from now on. */
static void move_window(struct slab_cache *c, uintptr_t base, const uint16_t *holder)
{
	struct slab__window *w = c->by_size ? &slab_map_window : &c->window;

	if (w->base == base || c->slot_bytes == 0 || (c->by_size && w->base != SLAB__NOWHERE))
		return;
	slab_write(&w->base, SLAB__NOWHERE);
	__atomic_store_n(&w->holder, holder, __ATOMIC_RELEASE);
	__atomic_store_n(&w->base, base, __ATOMIC_RELEASE);
}

typedef uint64_t __attribute__((may_alias)) four_pages;

void slab_map_set_holder(struct slab_cache *c, uintptr_t base, bool held)
{
	struct slab_map_leaf *l = slab_map_leaves[base >> SLAB__LEAF_SHIFT]; /* one */
	uint16_t *holder = c->by_size ? l->by_size : l->number, number = held ? c->number : 0;
	size_t i = (base >> SLAB__PAGE_SHIFT) % SLAB__LEAF_PAGES;
	size_t end = i + (c->geo.slab_bytes >> SLAB__PAGE_SHIFT);

	for (; end - i >= 4; i += 4) /* of one that has more it is aligned to four, too */
		slab_write((four_pages *)&holder[i], number * (uint64_t)0x0001000100010001);
	for (; i < end; i++)
		slab_write(&holder[i], number);
	if (held)
		move_window(c, base & ~(SLAB_LEAF_BYTES - 1), holder);
}
