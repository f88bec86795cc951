/*
 * detail.h - what keeps the memory of one cache, and who has parked what                 Floor t7
 */
#ifndef SLABSTAT_DETAIL_H
#define SLABSTAT_DETAIL_H

#include "tools/slabs.h"

#define DETAIL_TENTHS 11 /* slabs by how full of live objects: 0, up to 10 %, ... 100 % */

/* One that parks objects: a thread, or the depot. */
struct detail_holder {
	uint64_t tid;     /* 0: the depot */
	uint64_t objects; /* parked by it in the slabs that were read */
	uint64_t slabs;   /* without a live object, kept by these objects alone */
};

struct detail {
	struct slabs_sum sum;
	struct detail_holder *holder; /* the threads in the order of the list, then the depot */
	size_t holders;
	uint64_t by_live;   /* slabs that hold live objects */
	uint64_t by_many;   /* slabs with no live object, but parked ones of several holders */
	uint64_t by_nobody; /* empty slabs that the cache keeps all the same */
	uint64_t holes, hole_bytes; /* between the slabs */
	uint64_t tenths[DETAIL_TENTHS];
	uint64_t own_spans, warm_slabs; /* spans of this cache alone, and their empty slabs */

	/* The cache's own numbers, which are no figures; known: the library tells them. */
	bool magazines_known, owners_known;
	uint64_t magazine_cap, contended, exchanges, header_bytes;
	bool ctor, dtor;
	bool on_malloc; /* each object is a block of malloc: of the rest nothing is known */
};

/* Return: 0 or the errno of slabs_each(). detail_free() in each case. */
int detail_take(struct detail *detail, struct walk *walk, const struct walk_cache *cache);
void detail_free(struct detail *detail);

#endif
