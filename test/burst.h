/* burst.h - a cache of which half is freed in any order: for test_burst.c and test_order.c */
#ifndef TEST_BURST_H
#define TEST_BURST_H

#include "test/unit.h"
#include "slab/depot.h"
#include "slab/slablist.h"

#define N 60000 /* of 64 bytes: 3.7 MiB, less than what counts as scattered */

static struct slab_cache *c;
static void *objs[N];

static inline void make(void)
{
	c = new_cache("burst", 64);
	slab_set(SLAB_RESERVE_BYTES, (size_t)512 << 10);
}

static inline void unmake(void)
{
	slab_thread_flush();
	end_cache(c);
	slab_root.reserve.max_bytes = (size_t)4 << 20; /* it may grow again */
}

static inline void take(size_t from, size_t n)
{
	for (size_t i = from; i < from + n; i++)
		objs[i] = slab_cache_alloc(c);
}

static inline void give(size_t from, size_t n)
{
	for (size_t i = from; i < from + n; i++)
		slab_cache_free(c, objs[i]);
}

/* The first n, in the same order at each run, so that every slab of theirs loses some. */
static inline void shuffle_first(size_t n)
{
	uint32_t x = 1;

	for (; n > 1; n--) {
		size_t at;
		void *p = objs[n - 1];

		x = x * 1664525 + 1013904223;
		at = x % n;
		objs[n - 1] = objs[at];
		objs[at] = p;
	}
}

static inline void shuffle(void)
{
	shuffle_first(N);
}

/* my_slot(), which is there. */
static inline struct slab__slot *slot(void)
{
	struct slab_thread *t = slab_thread_lock();
	struct slab__slot *s = slab_slot_opened(t, c);

	slab_thread_unlock(t);
	return s;
}

static inline uint64_t parked(void)
{
	return slab_slot_parked(slot()) + c->depot.objects;
}

#endif
