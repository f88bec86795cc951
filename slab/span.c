/*
 * span.c - runs of slabs from mmap                                                       Floor 4
 *
 * Called by take.c and return.c, which bring slabs to caches and pages to the kernel; by release.c
 * when a slab is given back; by whoever judges a pointer. A span is what one mmap brought; it is
 * cut into slabs of one order. A slab that a cache gives back stays resident (warm) until return.c
 * takes its pages away.
 */
#include <string.h>

#include "slab/span.h"
#include "slab/bitmap.h"
#include "slab/check.h"
#include "slab/list.h"
#include "slab/map.h"
#include "slab/meta.h"
#include "slab/page.h"

#define LOOKED_AT 4 /* spans of each order, where one to be cut anew is wanted */

static struct slab_pool *pool_of(const struct slab_span *span)
{
	return span->owner != NULL ? &span->owner->own : &slab_root.shared[span->order];
}

void slab_span_place(struct slab_span *span)
{
	struct slab_pool *pool = pool_of(span);

	slab_list_del(&span->link);
	slab_list_del(&span->warm_link);
	if (span->busy)
		return;
	if (span->n_warm > 0) {
		slab_list_add(&span->link, &pool->warm);
		slab_list_add(&span->warm_link, &slab_root.warm[span->order]);
	} else if (span->n_free > 0) {
		slab_list_add(&span->link, &pool->cold);
	}
}

void slab_span_set_holes(struct slab_span *span, uint32_t first, uint32_t n, bool hole)
{
	uint32_t before = slab_bit_runs(span->hole, SLAB_SPAN_WORDS);

	for (uint32_t i = first; i < first + n; i++) {
		if (hole)
			slab_bit_set(span->hole, i);
		else
			slab_bit_clear(span->hole, i);
	}
	slab_root.holes += slab_bit_runs(span->hole, SLAB_SPAN_WORDS) - (uint64_t)before;
	if (hole)
		slab_root.mapped_bytes -= n * slab_span_slab_bytes(span);
	else
		slab_root.mapped_bytes += n * slab_span_slab_bytes(span);
}

/* False: no memory for the map. */
static bool link_new(struct slab_span *span)
{
	if (!slab_map_enter(span->base, span->bytes, span, (uint8_t)(span->order + 1)))
		return false;
	pool_of(span)->bytes += span->bytes;
	slab_list_add_tail(&span->all_link, &slab_root.spans[span->order]);
	slab_span_place(span);
	return true;
}

void slab_span_relink(struct slab_span *span)
{
	size_t slab_bytes = slab_span_slab_bytes(span);

	/* but its holes: a span of ours that lives there may have been unlinked with it */
	for (uint32_t i = 0; i < span->slabs; i++)
		if (!slab_bit_test(span->hole, i))
			slab_map_reenter(span->base + i * slab_bytes, slab_bytes, span,
			                 (uint8_t)(span->order + 1));
	pool_of(span)->bytes += span->bytes;
	slab_list_add(&span->all_link, &slab_root.spans[span->order]);
	slab_span_place(span);
}

void slab_span_unlink(struct slab_span *span)
{
	slab_map_leave(span->base, span->bytes, span);
	pool_of(span)->bytes -= span->bytes;
	slab_list_del(&span->all_link);
	slab_list_del(&span->warm_link);
	slab_list_del(&span->link);
}

static void fill(struct slab_span *span, uintptr_t base, size_t bytes)
{
	memset(span, 0, sizeof *span);
	span->base = base;
	span->bytes = bytes;
	slab_list_init(&span->link);
	slab_list_init(&span->warm_link);
	slab_list_init(&span->all_link);
	slab_list_init(&span->home_link);
}

/* Into slabs that nobody holds. */
static void cut(struct slab_span *span, struct slab_cache *owner, uint32_t order)
{
	span->owner = owner;
	span->order = (uint8_t)order;
	span->slabs = span->n_free = (uint32_t)(span->bytes / slab_span_slab_bytes(span));
	for (uint32_t i = 0; i < span->slabs; i++)
		slab_bit_set(span->free, i);
}

struct slab_span *slab_span_new(struct slab_cache *owner, uint32_t order, size_t bytes)
{
	size_t slab_bytes = (size_t)slab_root.page_bytes << order, align = SLAB_SPAN_MIN_BYTES;
	bool huge = slab_root.hugepages != 0 && bytes == SLAB_SPAN_MAX_BYTES;
	struct slab_span *span = slab_meta_get(SLAB_META_SPAN);

	if (span == NULL)
		return NULL;
	if (align < slab_bytes)
		align = slab_bytes;
	fill(span, slab_page_map(bytes, huge ? SLAB_SPAN_MAX_BYTES : align), bytes);
	span->huge = huge;
	cut(span, owner, order);
	if (span->base != 0 && link_new(span)) {
		slab_page_advise_huge(span->base, bytes, huge);
		slab_root.mapped_bytes += bytes;
		return span;
	}
	if (span->base != 0)
		slab_page_unmap(span->base, bytes);
	slab_meta_put(SLAB_META_SPAN, span);
	return NULL;
}

void slab_span_adopt(struct slab_span *span, struct slab_span *run, struct slab_cache *owner,
                     uint32_t order)
{
	fill(span, run->base, run->bytes);
	slab_meta_put(SLAB_META_RUN, run);
	cut(span, owner, order);
	for (uint32_t i = 0; i < span->slabs; i++)
		slab_span_set_warm(span, i);
	SLAB_BUG_ON(!link_new(span)); /* its leaves exist */
	slab_page_advise_huge(span->base, span->bytes, false);
}

/* Nobody holds anything of it, and its pages may be cut anew. */
static bool is_whole(const struct slab_span *span)
{
	return span->n_warm > 0 && span->n_free == span->slabs && !span->huge && !span->busy &&
	       slab_bit_next(span->hole, span->slabs, 0) >= span->slabs;
}

struct slab_span *slab_span_find_whole(uint32_t order)
{
	size_t slab_bytes = (size_t)slab_root.page_bytes << order;

	for (uint32_t other = 0; other < SLAB_ORDERS; other++) {
		struct slab_list *pos, *head = &slab_root.shared[other].warm;
		unsigned looked = 0;

		if (other == order)
			continue;
		slab_list_for_each(pos, head) {
			struct slab_span *span = slab_container(pos, struct slab_span, link);

			if (is_whole(span) && (span->base & (slab_bytes - 1)) == 0 &&
			    span->bytes >= slab_bytes)
				return span;
			if (++looked == LOOKED_AT)
				break;
		}
	}
	return NULL;
}

/* A slab is warm if any page of it was. */
void slab_span_recut(struct slab_span *span, struct slab_cache *owner, uint32_t order)
{
	size_t was_bytes = slab_span_slab_bytes(span), slab_bytes;
	uint32_t was_warm = span->n_warm, first, last;
	uint64_t warm[SLAB_SPAN_WORDS];

	memcpy(warm, span->warm, sizeof warm);
	slab_span_unlink(span);
	slab_add(&slab_root.reserve.warm_bytes, -(was_warm * was_bytes));
	memset(span->free, 0, sizeof span->free);
	memset(span->warm, 0, sizeof span->warm);
	cut(span, owner, order);
	slab_bytes = slab_span_slab_bytes(span);
	span->n_warm = 0;
	for (uint32_t i = 0; i < span->slabs; i++) {
		first = (uint32_t)(i * slab_bytes / was_bytes);
		last = (uint32_t)(((i + 1) * slab_bytes - 1) / was_bytes);
		if (slab_bit_next(warm, last + 1, first) <= last)
			slab_span_set_warm(span, i);
	}
	SLAB_BUG_ON(!link_new(span)); /* its leaves exist */
}

void slab_span_set_warm(struct slab_span *span, uint32_t i)
{
	slab_bit_set(span->warm, i);
	span->n_warm++;
	slab_add(&slab_root.reserve.warm_bytes, slab_span_slab_bytes(span));
}

/* Anybody's again. */
static void disown(struct slab_span *span)
{
	span->owner->own.bytes -= span->bytes;
	slab_write(&span->owner, NULL);
	slab_root.shared[span->order].bytes += span->bytes;
}

void slab_span_put(struct slab_cache *c, struct slab *s)
{
	struct slab_span *span;
	uint32_t i;

	slab_write(&s->cookie, 0); /* nobody's: a late free of an object in here is seen */
	pthread_mutex_lock(&slab_root.span_lock);
	span = slab_map_span(s);
	SLAB_BUG_ON(span == NULL);
	i = slab_span_index(span, s);
	span->slot[i] = 0;
	slab_map_set_holder(c, slab_base(&c->geo, s), false);
	SLAB_BUG_ON(slab_bit_test(span->free, i) || slab_bit_test(span->hole, i));
	slab_bit_set(span->free, i);
	span->n_free++;
	slab_span_set_warm(span, i);
	slab_root.reserve.idle_bytes += c->geo.slab_bytes;
	slab_add(&slab_root.reserve.held_bytes, -(size_t)c->geo.slab_bytes);
	if (span->owner != NULL && slab_span_is_empty(span))
		disown(span);
	slab_span_place(span);
	pthread_mutex_unlock(&slab_root.span_lock);
}

void slab_span_disown(struct slab_cache *c)
{
	struct slab_list *pos;

	pthread_mutex_lock(&slab_root.span_lock);
	slab_list_for_each(pos, &slab_root.spans[c->geo.order]) {
		struct slab_span *span = slab_container(pos, struct slab_span, all_link);

		if (span->owner == c) {
			disown(span);
			slab_span_place(span);
		}
	}
	pthread_mutex_unlock(&slab_root.span_lock);
}

/*
 * The header of slab i, which some cache holds. While the slabs of a destroyed cache are on their
 * way here, and in a child of fork for ever, their number may be another cache's already. Then this
 * is an address within the slab, but no header of a cache that lives: the slab is nobody's.
 */
static struct slab *header_of(const struct slab_span *span, uint32_t i)
{
	uintptr_t base = span->base + i * slab_span_slab_bytes(span);
	const struct slab_cache *c = slab_cache_by_slot[span->slot[i]];
	bool fits = c != NULL && c->geo.order == span->order; /* else it would lie outside */

	return fits ? slab_of(&c->geo, (void *)base) : (struct slab *)base;
}

struct slab *slab_span_held_locked(const void *p)
{
	struct slab_span *span = slab_map_span(p);
	uint32_t i;

	if (span == NULL || slab_map_order1(p) == SLAB_MAP_LARGE)
		return NULL;
	i = slab_span_index(span, p);
	return slab_span_holds(span, i) ? header_of(span, i) : NULL;
}

struct slab_cache *slab_span_holder(const struct slab *s)
{
	struct slab_list *pos;

	slab_list_for_each(pos, &slab_root.caches) {
		struct slab_cache *c = slab_container(pos, struct slab_cache, link);

		if (slab_is_of(s, c))
			return c;
	}
	return NULL;
}
