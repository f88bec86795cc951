/*
 * take.c - memory for slabs                                                              Floor 6
 *
 * Called by magazine.c and slow.c. Small caches share spans; from OWN_SPANS_BYTES on a cache takes
 * spans of its own, so that it leaves whole spans empty when it shrinks. Warm slabs of any span of
 * the order come first; then an empty span of another order, cut anew; then what large blocks have
 * left (recent.c); then clean ones, made present some at a time; then holes; then a new span.
 */
#include <errno.h>

#include "slab/take.h"
#include "slab/bitmap.h"
#include "slab/check.h"
#include "slab/list.h"
#include "slab/map.h"
#include "slab/meta.h"
#include "slab/page.h"
#include "slab/recent.h"
#include "slab/span.h"

/* Early: slabs from before lie anywhere, and are refilled before those in spans of its own. */
#define OWN_SPANS_BYTES ((size_t)128 << 10)
#define AHEAD_PAGES   SLAB_TAKE_MOST /* most pages made present in one call, */
#define AHEAD_OBJECTS 2048 /* and most objects: a call that many share is cheap enough */
#define ADOPT_MOST    ((size_t)256 << 10) /* taken at once of what large blocks have left */
#define TURNS         4   /* reserves full of slabs taken again before the reserve grows */
#define PAID_MOST     32  /* times the least reserve in pages that come again, before that grows */

/* As large as what its pool, or its cache, already has, within bounds: both double. */
static size_t span_bytes(size_t have_bytes, size_t slab_bytes)
{
	size_t bytes = SLAB_SPAN_MIN_BYTES;

	while (bytes < SLAB_SPAN_MAX_BYTES && bytes < have_bytes)
		bytes *= 2;
	if (slab_root.hugepages != 0)
		bytes = SLAB_SPAN_MAX_BYTES;
	if (bytes < slab_bytes)
		bytes = slab_bytes;
	return bytes;
}

/* Up to where the reserve grows: a small program is not to keep as much as it has in use. */
static size_t most_kept(const struct slab_reserve *r)
{
	size_t used = r->held_bytes + slab_root.large_bytes;
	size_t part = r->max_share > 0 ? used / r->max_share : r->max_bytes;

	return part < r->max_bytes ? part : r->max_bytes;
}

static void keep_more(struct slab_reserve *r)
{
	size_t most = most_kept(r);

	if (r->reserve_bytes >= most)
		return;
	slab_write(&r->reserve_bytes, r->reserve_bytes <= most / 2 ? 2 * r->reserve_bytes : most);
	r->returned_bytes = r->refault_bytes = r->turned_bytes = 0;
}

/* What a program swings by it pays for again and again; once that is many times the least that is
 * kept of it, that is too little, however small the program's share is. */
static void note_paid(size_t bytes)
{
	struct slab_reserve *r = &slab_root.reserve;

	if (r->gone_bytes < bytes)
		return;
	r->gone_bytes -= bytes;
	if (r->max_share == 0)
		return;
	r->paid_bytes += bytes;
	if (r->paid_bytes < PAID_MOST * r->min_bytes || r->min_bytes > r->max_bytes / 2)
		return;
	r->paid_bytes = 0;
	r->min_bytes *= 2;
	if (r->reserve_bytes < r->min_bytes)
		slab_write(&r->reserve_bytes, r->min_bytes);
}

/* Pages that were given back are wanted again: keep more. True: so many had gone. */
static bool note_refault(size_t bytes)
{
	struct slab_reserve *r = &slab_root.reserve;
	bool gone = r->returned_bytes >= r->refault_bytes + bytes;

	note_paid(bytes);
	if (r->returned_bytes == 0)
		return false;
	r->refault_bytes += bytes;
	if (r->refault_bytes >= r->reserve_bytes / 2)
		keep_more(r);
	return gone;
}

/* Slabs come and go because magazines may pin no more: let them. */
static void note_turned(size_t bytes)
{
	struct slab_reserve *r = &slab_root.reserve;

	if (r->idle_bytes > r->warm_bytes)
		r->idle_bytes = r->warm_bytes; /* the others have gone back */
	if (r->idle_bytes < bytes)
		return;
	r->idle_bytes -= bytes;
	r->turned_bytes += bytes;
	if (r->turned_bytes >= TURNS * r->reserve_bytes)
		keep_more(r);
}

/* Slabs to make present in one go: a sixteenth of the cache, within the two limits above. */
static uint32_t ahead_slabs(const struct slab_cache *c)
{
	uint64_t slabs = slab_read(&c->slabs.slabs) / 16, most = AHEAD_PAGES >> c->geo.order;

	if (c->geo.area_bytes < c->geo.slab_bytes / 4 * 3)
		return 0; /* its end is never touched */
	if (most > AHEAD_OBJECTS / c->geo.objects)
		most = AHEAD_OBJECTS / c->geo.objects;
	return (uint32_t)(slabs < most ? slabs : most);
}

/* The length, at most most, of the run of slabs from i on that are free, not warm, hole or not. */
static uint32_t cold_run(const struct slab_span *span, uint32_t i, uint32_t most, bool hole)
{
	uint32_t n = 0;

	while (n < most && i + n < span->slabs && slab_bit_test(span->free, i + n) &&
	       !slab_bit_test(span->warm, i + n) && slab_bit_test(span->hole, i + n) == hole)
		n++;
	return n;
}

static uint32_t first_cold(const struct slab_span *span, bool hole)
{
	for (uint32_t w = 0; w < SLAB_SPAN_WORDS; w++) {
		uint64_t word = span->free[w] & ~span->warm[w] &
		                (hole ? span->hole[w] : ~span->hole[w]);

		if (word != 0)
			return w * 64 + (uint32_t)__builtin_ctzll(word);
	}
	return span->slabs;
}

/* Maps n holes from i on again: EEXIST where somebody else lives by now. */
static int remap(struct slab_span *span, uint32_t i, uint32_t n)
{
	size_t slab_bytes = slab_span_slab_bytes(span);
	uintptr_t at = span->base + i * slab_bytes;
	/* a hole in a span of ours that lies in our hole is free, but that span's */
	bool others = slab_map_has_other(at, n * slab_bytes, span);
	int error = others ? EEXIST : slab_page_map_at(at, n * slab_bytes);

	if (error != 0)
		return error;
	slab_span_set_holes(span, i, n, false);
	slab_page_advise_huge(at, n * slab_bytes, false);
	/* another span may have come and gone there, and the map forgotten it */
	slab_map_reenter(at, n * slab_bytes, span, (uint8_t)(span->order + 1));
	return 0;
}

/*
 * Refills holes, the first of them at i. One that somebody else has taken is lost for the life of
 * the span. Returns whether slab i is mapped.
 */
static bool refill_holes(struct slab_span *span, uint32_t i, uint32_t most)
{
	uint32_t n = cold_run(span, i, most, true);
	int error = remap(span, i, n);

	if (error == EEXIST && n > 1)
		error = remap(span, i, 1);
	if (error == EEXIST) {
		slab_bit_clear(span->free, i);
		span->n_free--;
		span->n_lost++;
		slab_root.lost_holes++;
		slab_span_place(span);
	}
	return error == 0;
}

static void set_held(struct slab_span *span, uint32_t i)
{
	size_t bytes = slab_span_slab_bytes(span);

	SLAB_ASSERT(slab_bit_test(span->free, i) && !slab_bit_test(span->hole, i));
	slab_bit_clear(span->free, i);
	span->n_free--;
	if (slab_bit_test(span->warm, i)) {
		slab_bit_clear(span->warm, i);
		span->n_warm--;
		slab_add(&slab_root.reserve.warm_bytes, -bytes);
	}
	slab_add(&slab_root.reserve.held_bytes, bytes);
	slab_span_place(span);
}

static struct slab *take_warm(struct slab_span *span)
{
	uint32_t i = slab_bit_next(span->warm, span->slabs, 0);

	note_turned(slab_span_slab_bytes(span));
	set_held(span, i);
	return (struct slab *)(span->base + i * slab_span_slab_bytes(span));
}

/* The bytes of n slabs of c that are ever touched; of a sparse one not the end. */
static size_t touched_bytes(const struct slab_cache *c, uint32_t n)
{
	size_t used = c->geo.header_bytes + c->geo.area_bytes;

	return n > 1 ? n * (size_t)c->geo.slab_bytes : n * slab_page_round(used);
}

/*
 * A slab without pages, its pages and some following made present. A fault costs much more than a
 * page of many: where pages go and come again, as many as have gone are made present. NULL: nothing
 * mapped left.
 */
static struct slab *take_clean(const struct slab_cache *c, struct slab_span *span, uint32_t ahead)
{
	size_t slab_bytes = slab_span_slab_bytes(span);
	uint32_t i = first_cold(span, false), n;
	uintptr_t at = span->base + i * slab_bytes;

	if (i >= span->slabs)
		return NULL;
	if (note_refault(slab_bytes) && ahead == 0)
		ahead = 1;
	n = span->huge ? 1 : cold_run(span, i, ahead, false);
	if (n > 0)
		slab_page_populate(at, touched_bytes(c, n));
	for (uint32_t k = 1; k < n; k++) {
		note_paid(slab_bytes);
		slab_span_set_warm(span, i + k);
	}
	set_held(span, i);
	return (struct slab *)at;
}

static struct slab *take_cold(const struct slab_cache *c, struct slab_pool *pool, uint32_t ahead)
{
	while (!slab_list_empty(&pool->cold)) {
		struct slab_span *span = slab_container(pool->cold.next, struct slab_span, link);
		struct slab *s = take_clean(c, span, ahead);
		uint32_t lost = span->n_lost;

		if (s != NULL)
			return s;
		if (!refill_holes(span, first_cold(span, true), ahead > 0 ? ahead : 1) &&
		    span->n_lost == lost)
			return NULL; /* the kernel has no memory or no mapping left */
	}
	return NULL;
}

/* Any span of the order with a warm slab, whoever it was mapped for. */
static struct slab_span *find_warm(struct slab_cache *c)
{
	struct slab_pool *pools[2] = { &c->own, &slab_root.shared[c->geo.order] };
	struct slab_list *all = &slab_root.warm[c->geo.order];

	for (int i = 0; i < 2; i++)
		if (!slab_list_empty(&pools[i]->warm))
			return slab_container(pools[i]->warm.next, struct slab_span, link);
	return slab_list_empty(all) ? NULL
	                            : slab_container(all->next, struct slab_span, warm_link);
}

/* Of what large blocks have left, at most bytes. NULL: none. */
static struct slab_span *adopt(struct slab_cache *owner, uint32_t order, size_t bytes, size_t least)
{
	struct slab_span *run = NULL, *span;

	span = slab_root.recent_bytes >= least ? slab_meta_get(SLAB_META_SPAN) : NULL;
	if (span == NULL)
		return NULL;
	for (; run == NULL && bytes >= least; bytes /= 2)
		run = slab_recent_take_locked(bytes, least, true);
	if (run != NULL) {
		slab_span_adopt(span, run, owner, order);
		return span;
	}
	slab_meta_put(SLAB_META_SPAN, span);
	return NULL;
}

/* Memory with its pages, in no slab yet, cut for the order; at most bytes. NULL: none. */
static struct slab_span *find_pages(struct slab_cache *owner, uint32_t order, size_t bytes)
{
	size_t slab_bytes = (size_t)slab_root.page_bytes << order;
	size_t least = slab_bytes > SLAB_SPAN_MIN_BYTES ? slab_bytes : SLAB_SPAN_MIN_BYTES;
	struct slab_span *span = slab_span_find_whole(order);

	if (span == NULL)
		return adopt(owner, order, bytes < ADOPT_MOST ? bytes : ADOPT_MOST, least);
	slab_span_recut(span, owner, order);
	return span;
}

/* What is not warm in any span of the order: with its pages where there are some, else without. */
static struct slab *take_other(struct slab_cache *c, uint32_t ahead)
{
	uint32_t order = c->geo.order;
	struct slab_pool *shared = &slab_root.shared[order];
	size_t cache_bytes = slab_read(&c->slabs.slabs) * c->geo.slab_bytes;
	bool large = cache_bytes >= OWN_SPANS_BYTES;
	size_t bytes = span_bytes(large ? cache_bytes : shared->bytes, c->geo.slab_bytes);
	struct slab_cache *owner = large ? c : NULL;
	struct slab_span *span = find_pages(owner, order, bytes);
	struct slab *s;

	if (span != NULL)
		return take_warm(span);
	s = take_cold(c, &c->own, ahead);
	if (s == NULL && !large)
		s = take_cold(c, shared, ahead);
	if (s != NULL)
		return s;
	span = slab_span_new(owner, order, bytes);
	if (span == NULL) /* little memory left: as little as will do */
		span = slab_span_new(owner, order,
		                c->geo.slab_bytes > SLAB_SPAN_MIN_BYTES ? c->geo.slab_bytes
		                                                        : SLAB_SPAN_MIN_BYTES);
	if (span != NULL)
		return take_clean(c, span, ahead);
	return large ? take_cold(c, shared, 1) : NULL;
}

/* The header of the slab that is c's from now on. NULL: no memory. */
static struct slab *hold(struct slab_cache *c, uint32_t ahead)
{
	struct slab_span *span = find_warm(c);
	struct slab *s = span != NULL ? take_warm(span) : take_other(c, ahead);

	if (s == NULL)
		return NULL;
	span = slab_map_span(s);
	span->slot[slab_span_index(span, s)] = (uint16_t)c->number;
	slab_map_set_holder(c, (uintptr_t)s, true);
	return slab_of(&c->geo, s);
}

uint32_t slab_span_take_some(struct slab_cache *c, uint32_t n, struct slab **slabs)
{
	uint32_t ahead = ahead_slabs(c), i = 0;

	if (n > ahead)
		n = ahead > 0 ? ahead : 1;
	pthread_mutex_lock(&slab_root.span_lock);
	while (i < n && (slabs[i] = hold(c, ahead)) != NULL)
		i++;
	pthread_mutex_unlock(&slab_root.span_lock);
	return i;
}

struct slab *slab_span_take(struct slab_cache *c)
{
	struct slab *s;

	return slab_span_take_some(c, 1, &s) > 0 ? s : NULL;
}
