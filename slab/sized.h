/*
 * sized.h - the by-size front end: what is inlined of it                                 Floor 11
 *
 * Used by sized.c and by malloc.c, whose functions are the same by other names. From a size to
 * its class's slot is one load from a table; from a pointer to its slot one from the address map,
 * by way of a window. Neither touches the cache, nor does free compare a number as slab.h does: the
 * map has told whose the slab is. The slot of a class that is not made yet, and of a pointer that
 * is none, is slot 0, closed for ever.
 */
#ifndef SLAB_SIZED_H
#define SLAB_SIZED_H

#include "slab/layout.h"
#include "slab/check.h"
#include "slab/map.h"

#define SLAB_SIZED_STEP 16
#define SLAB_SIZED_MOST ((size_t)60 << 10) /* of a class: 64 KiB would need 68 in a slab */
#define SLAB_SIZED_DIRECT 1024 /* sizes up to this have an entry for each step in the table */

/* Offsets of slots in every thread's table, by size / 16 rounded up; entry 0 is for size 0. */
extern uint32_t slab_sized_slots[SLAB_SIZED_DIRECT / SLAB_SIZED_STEP + 1]
    __attribute__((visibility("hidden")));

void *slab_sized_alloc_slow(size_t size);
void slab_sized_free_slow(void *p);

/* Whether a block of usable bytes stays where it is when it is to be of size bytes. */
static inline bool slab_sized_fits(size_t usable, size_t size)
{
	return size <= usable && (size > usable / 2 || usable <= 4 * SLAB_SIZED_STEP);
}

/* As slab__alloc_fast() of slab.h, from a slot instead of a cache. No object of a class is outside
 * of the magazine: see choose_hot() in magazine.c. */
static inline void *slab_sized_alloc(size_t size)
{
	struct slab__slot *s;
	uint64_t word, count;
	void *obj;

	if (slab_unlikely(size > SLAB_SIZED_DIRECT))
		return slab_sized_alloc_slow(size);
	s = (struct slab__slot *)(void *)((char *)slab__slots_v6 +
	                                  slab_read(&slab_sized_slots[(size + SLAB_SIZED_STEP - 1) /
	                                                              SLAB_SIZED_STEP]));
	word = slab_read(&s->word) + SLAB__ONE_ALLOC - 1;
	count = word & SLAB__COUNT_MASK;
	if (slab_unlikely(count >= slab__get(&s->hot)))
		return slab_sized_alloc_slow(size);
	obj = s->objs[count];
	slab_write(&s->word, word);
	return obj;
}

/* As slab__free_fast() of slab.h; to the magazine, likewise. */
static inline void slab_sized_free(void *p)
{
	struct slab__slot *s = slab__slots_v6 + slab_map_slot(p);
	uint64_t word = slab_read(&s->word), count = word & SLAB__COUNT_MASK;

	/* full, closed, or freed twice in a row */
	if (slab_unlikely((uint32_t)count >= s->cap) ||
	    slab_unlikely(s->objs[(ptrdiff_t)count - 1] == p)) {
		slab_sized_free_slow(p);
		return;
	}
	s->objs[count] = p;
	__atomic_store_n(&s->word, word + 1, __ATOMIC_RELEASE);
}

#endif
