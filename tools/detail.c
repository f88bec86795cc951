/*
 * detail.c - what keeps the memory of one cache, and who has parked what                 Floor t7
 *
 * Called by verbs.c and top_detail.c. A slab is kept by its live objects; without any, by what is
 * parked of it; without that, by the cache. Every number comes from the target.
 */
#include <errno.h>
#include <stdlib.h>

#include "tools/detail.h"

static struct detail_holder *holder_of(struct detail *detail, uint32_t owner)
{
	return &detail->holder[owner < detail->holders - 1 ? owner : detail->holders - 1];
}

/* Counts what is parked of a slab. Return: who alone has parked there, or NULL. */
static struct detail_holder *count_held(struct detail *detail, const struct slabs_slab *slab)
{
	struct detail_holder *only = NULL;

	for (size_t i = 0; i < slab->helds; i++) {
		struct detail_holder *holder = holder_of(detail, slab->held[i].owner);

		holder->objects++;
		if (i == 0)
			only = holder;
		else if (only != holder)
			only = NULL;
	}
	return only;
}

static void count_slab(void *ctx, const struct walk_cache *cache, const struct slabs_slab *slab)
{
	struct detail *detail = ctx;
	struct detail_holder *only;
	uint64_t tenth;

	detail->hole_bytes += slab->hole_before;
	detail->holes += slab->hole_before > 0;
	if (slab->missing)
		return;
	only = count_held(detail, slab);
	tenth = ((uint64_t)slab->live * 10 + cache->objects_per_slab - 1) / cache->objects_per_slab;
	detail->tenths[tenth < DETAIL_TENTHS ? tenth : DETAIL_TENTHS - 1]++;
	if (slab->live > 0 || slab->damaged)
		detail->by_live++;
	else if (slab->parked == 0)
		detail->by_nobody++;
	else if (only)
		only->slabs++;
	else
		detail->by_many++;
}

/* Numbers of the cache that older libraries do not tell. */
static void take_numbers(struct detail *detail, struct walk *walk, const struct walk_cache *cache)
{
	uint64_t ctor = 0, dtor = 0, addr = cache->addr;

	detail->magazines_known =
	    walk_number(walk, addr, SLAB_F_CACHE_MAGAZINE_CAP, &detail->magazine_cap) == 0 &&
	    walk_number(walk, addr, SLAB_F_CACHE_DEPOT_CONTENDED, &detail->contended) == 0 &&
	    walk_number(walk, addr, SLAB_F_CACHE_DEPOT_EXCHANGES, &detail->exchanges) == 0 &&
	    walk_number(walk, addr, SLAB_F_CACHE_CTOR, &ctor) == 0 &&
	    walk_number(walk, addr, SLAB_F_CACHE_DTOR, &dtor) == 0;
	walk_number(walk, addr, SLAB_F_CACHE_HEADER_BYTES, &detail->header_bytes);
	detail->ctor = ctor != 0;
	detail->dtor = dtor != 0;
}

int detail_take(struct detail *detail, struct walk *walk, const struct walk_cache *cache)
{
	struct slabs_visit visit = { .slab = count_slab };
	int error;

	*detail = (struct detail){ .holders = walk->threads + 1 };
	visit.ctx = detail;
	detail->holder = calloc(detail->holders, sizeof *detail->holder);
	if (!detail->holder) {
		detail->holders = 0;
		return ENOMEM;
	}
	for (size_t t = 0; t < walk->threads; t++)
		detail->holder[t].tid = walk->thread[t].tid;
	detail->on_malloc = walk_on_malloc(walk, cache);
	take_numbers(detail, walk, cache);
	error = slabs_each(walk, cache, &visit, &detail->sum);
	detail->own_spans = detail->sum.own_spans;
	detail->warm_slabs = detail->sum.own_warm;
	detail->owners_known = table_has(walk->table, SLAB_F_SPAN_OWNER, 8, 8);
	return error;
}

void detail_free(struct detail *detail)
{
	free(detail->holder);
}
