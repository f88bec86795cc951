/*
 * slot.h - one thread's slots: their magazines                                           Floor 7
 *
 * A slot has a loaded magazine, on which the fast path of slab.h works, and a previous one. All
 * calls work on the thread that is handed in, under its lock. Slabs that become empty are collected
 * on a list for slab_release() of release.c, which may have to run destructors without the lock.
 */
#ifndef SLAB_SLOT_H
#define SLAB_SLOT_H

#include "slab/layout.h"
#include "slab/bitmap.h"
#include "slab/check.h"
#include "slab/list.h"

/* The slot of c, which has been opened. */
static inline struct slab__slot *slab_slot_opened(struct slab_thread *t, const struct slab_cache *c)
{
	return (struct slab__slot *)(void *)((char *)t->slots + c->slot_bytes);
}

/* The slot of c, or NULL when the thread or the cache has none. */
static inline struct slab__slot *slab_slot(struct slab_thread *t, const struct slab_cache *c)
{
	return t->slots == NULL || c->slot_bytes == 0 ? NULL : slab_slot_opened(t, c);
}

/* The page of a slot table that the slot of c lies in. */
static inline uint32_t slab_slot_page(const struct slab_cache *c)
{
	return c->slot_bytes / (SLAB_SLOTS_PER_PAGE * sizeof(struct slab__slot));
}

/* As slab_slot(), but NULL also where no slot of its page was ever opened: it stays untouched. */
static inline struct slab__slot *slab_slot_used(struct slab_thread *t, const struct slab_cache *c)
{
	return slab_bit_test(t->touched, slab_slot_page(c)) ? slab_slot(t, c) : NULL;
}

static inline uint32_t slab_slot_count(const struct slab__slot *s)
{
	return (uint32_t)(slab_read(&s->word) & SLAB__COUNT_MASK);
}

static inline size_t slab_slot_pin_bytes(const struct slab__slot *s)
{
	return (size_t)s->pin_4k * 4096;
}

static inline size_t slab_slot_fill_pin_bytes(const struct slab__slot *s)
{
	return (size_t)s->fill_pin_4k * 4096;
}

/* A reader in another process sees an odd seq while the slot changes in more than its word. */
static inline void slab_slot_begin(struct slab__slot *s)
{
	slab_seq_begin(&s->seq);
}

static inline void slab_slot_end(struct slab__slot *s)
{
	slab_seq_end(&s->seq);
}

/* The object outside of the magazines, or NULL. */
static inline void *slab_slot_hot(const struct slab__slot *s)
{
	uintptr_t hot = slab_read(&s->hot);

	return hot > SLAB__VACANT ? (void *)hot : NULL;
}

/* Whether the next alloc takes the slow path, however many are in the magazine: the first one
 * behind a burst of frees. True of a closed slot as well. */
static inline bool slab_slot_is_stopped(const struct slab__slot *s)
{
	return slab_read(&s->hot) == 0;
}

/*
 * Whether one object may stay outside of the magazines. In a thread that uses one cache a processor
 * foresees whether there is one, as it depends on the call before. Of several in any order it is
 * wrong every other time, at more than the cost of both calls.
 */
static inline bool slab_slot_may_have_hot(const struct slab_thread *t, const struct slab_cache *c)
{
	return t->open <= 1 && !c->by_size;
}

/* Everything that a slot has parked, in objects. */
static inline uint32_t slab_slot_parked(const struct slab__slot *s)
{
	return slab_slot_count(s) + slab_read(&s->prev_count) + (slab_slot_hot(s) != NULL);
}

/* The count, and most of the allocs: the same as before where nobody has used the magazine. */
static inline uint32_t slab_slot_tick(const struct slab__slot *s)
{
	return (uint32_t)slab_read(&s->word);
}

/* The magazine that the fast path works on, or NULL. Its own count is stale meanwhile. */
static inline struct slab_magazine *slab_slot_loaded(const struct slab__slot *s)
{
	return s->objs == NULL ? NULL : slab_container(s->objs, struct slab_magazine, objs);
}

static inline void slab_slot_set_count(struct slab__slot *s, uint32_t count)
{
	uint64_t word = slab_read(&s->word);

	__atomic_store_n(&s->word, (word & ~SLAB__COUNT_MASK) | count, __ATOMIC_RELEASE);
}

/* At most cap objects are to be in the loaded magazine. */
static inline void slab_slot_set_cap(struct slab__slot *s, uint32_t cap)
{
	uint32_t room = slab_slot_loaded(s)->cap;

	slab_write(&s->cap, cap < room ? cap : room);
}

/* Makes m, with its m->count objects, the loaded magazine; at most cap objects are to be in it. */
void slab_slot_install(struct slab__slot *s, struct slab_magazine *m, uint32_t cap);
void slab_slot_set_prev(struct slab__slot *s, struct slab_magazine *m);

/* Before the first use of a slot, and whenever it may have counted far; harmless later. */
void slab_slot_open_first(struct slab_thread *t, struct slab_cache *c, struct slab__slot *s);

static inline void slab_slot_open(struct slab_thread *t, struct slab_cache *c, struct slab__slot *s)
{
	if (slab_unlikely(s->cookie == 0 || slab_read(&s->word) >> 63 != 0))
		slab_slot_open_first(t, c, s);
}

/* Everything to the slabs, both magazines away. The counters of the slot stay. Returns objects. */
size_t slab_slot_close(struct slab_thread *t, struct slab_cache *c, struct slab__slot *s,
                       struct slab_list *empties);

/* n objects of slot s (NULL: of none) to their slabs. A misused one is reported: no return. */
void slab_slot_give(struct slab_cache *c, struct slab__slot *s, void **objs, uint32_t n,
                    struct slab_list *empties);
void slab_slot_give_prev(struct slab_cache *c, struct slab__slot *s, struct slab_list *empties);

/* Leaves the keep newest objects in the loaded magazine. */
void slab_slot_trim(struct slab_cache *c, struct slab__slot *s, uint32_t keep,
                    struct slab_list *empties);

/* Charges the thread with what slot s may pin from now on, in place of what it was charged with. */
void slab_slot_charge(struct slab_thread *t, struct slab__slot *s, struct slab_pin pin);

/* Empties the depot of c into the slabs, but for what others put there meanwhile. */
void slab_depot_flush(struct slab_cache *c, struct slab_list *empties);

/* Closes the slot of c, or every slot; size classes count as rarely used again. Return objects;
 * bytes of objects. */
size_t slab_slot_flush(struct slab_thread *t, struct slab_cache *c, struct slab_list *empties);
size_t slab_slot_flush_all(struct slab_thread *t, struct slab_list *empties);

/* Moves the counters of a closed slot to the cache; the slot is zero afterwards. */
void slab_slot_retire(struct slab_thread *t, struct slab_cache *c);

/* For a thread that has vanished: its magazines go to the depots, its counters to the caches. */
void slab_slot_adopt_all(struct slab_thread *t);

/* Calls fn for every slot that was ever opened. */
void slab_slot_for_each(struct slab_thread *t,
                        void (*fn)(struct slab_thread *t, struct slab_cache *c, void *ctx),
                        void *ctx);

#endif
