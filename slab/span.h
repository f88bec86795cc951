/*
 * span.h - runs of slabs from mmap                                                       Floor 4
 *
 * Hands memory for one slab at a time to caches and takes it back; knows which of it is resident.
 * Takes root.span_lock itself; the caller holds its thread's lock or root.registry_lock.
 */
#ifndef SLAB_SPAN_H
#define SLAB_SPAN_H

#include "slab/layout.h"
#include "slab/bitmap.h"
#include "slab/slabpage.h"

/* Takes back the slab of c, which holds no object any more. */
void slab_span_put(struct slab_cache *c, struct slab *s);

/* c is about to go: spans of its own in which other caches have slabs are shared from now on. */
void slab_span_disown(struct slab_cache *c);

/* The header at p if p lies in a slab that some cache holds, else NULL. Under span_lock. */
struct slab *slab_span_held_locked(const void *p);

/* The cache that a held slab belongs to; NULL: its header is damaged. Under registry_lock, but
 * where the program ends. */
struct slab_cache *slab_span_holder(const struct slab *s);

/* ---- for take.c and return.c, under span_lock ---- */

/* A new span, entered and on its pool's list. NULL: no memory. */
struct slab_span *slab_span_new(struct slab_cache *owner, uint32_t order, size_t bytes);

/* Makes a span, a fresh descriptor, of a run that large blocks have left, with its pages. */
void slab_span_adopt(struct slab_span *span, struct slab_span *run, struct slab_cache *owner,
                     uint32_t order);

/* A span of another order that is empty and has pages; NULL: none is soon found. */
struct slab_span *slab_span_find_whole(uint32_t order);

/* Cuts such a span into slabs of order: for owner alone, or, NULL, shared. */
void slab_span_recut(struct slab_span *span, struct slab_cache *owner, uint32_t order);

/* Slab i, which nobody holds, has its pages. */
void slab_span_set_warm(struct slab_span *span, uint32_t i);

static inline bool slab_span_is_empty(const struct slab_span *span)
{
	return span->n_free + span->n_lost == span->slabs;
}

/* Whether some cache holds slab i. */
static inline bool slab_span_holds(const struct slab_span *span, uint32_t i)
{
	return !slab_bit_test(span->free, i) && !slab_bit_test(span->hole, i);
}

static inline size_t slab_span_slab_bytes(const struct slab_span *span)
{
	return (size_t)slab_root.page_bytes << span->order;
}

/* The number of the slab around an address of the span. */
static inline uint32_t slab_span_index(const struct slab_span *span, const void *p)
{
	return (uint32_t)((((uintptr_t)p - span->base) >> span->order) / slab_root.page_bytes);
}

/* The header of slab i if cache c holds it, else NULL. */
static inline struct slab *slab_span_slab_of(const struct slab_span *span, uint32_t i,
                                             const struct slab_cache *c)
{
	struct slab *s = slab_of(&c->geo, (void *)(span->base + i * slab_span_slab_bytes(span)));

	if (!slab_span_holds(span, i) || span->slot[i] != c->number)
		return NULL;
	return slab_is_of(s, c) ? s : NULL;
}

/* Puts the span on the list where takers look for it, by what it has free. */
void slab_span_place(struct slab_span *span);
/* Turns slabs first .. first + n - 1 into holes (or back), with root.holes in step. */
void slab_span_set_holes(struct slab_span *span, uint32_t first, uint32_t n, bool hole);
/* Forgets an empty span; the caller unmaps it afterwards. */
void slab_span_unlink(struct slab_span *span);
/* Enters an unlinked span again, at the head of the list of all. */
void slab_span_relink(struct slab_span *span);

#endif
