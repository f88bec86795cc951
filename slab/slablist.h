/*
 * slablist.h - the slabs of one cache                                                    Floor 5
 *
 * Moves objects in batches between slabs and magazines. Every call takes the cache's slablist lock
 * itself; the caller holds its thread's lock or root.registry_lock.
 */
#ifndef SLAB_SLABLIST_H
#define SLAB_SLABLIST_H

#include "slab/layout.h"
#include "slab/check.h"
#include "slab/slabpage.h"

void slab_slablist_init(struct slab_slablist *list);

/* A formatted, constructed slab joins the cache. */
void slab_slablist_add(struct slab_cache *c, struct slab *s);

/* So do n that no object is free in: each is in a magazine. */
void slab_slablist_add_full(struct slab_cache *c, struct slab *const *slabs, uint32_t n);

/*
 * Takes up to want objects, oldest or fullest slabs first, lowest address last in objs. Returns how
 * many; 0: every slab is full.
 */
uint32_t slab_slablist_take(struct slab_cache *c, uint32_t want, void **objs);

/* Whether that would bring nothing; without the lock, so only a hint. */
static inline bool slab_slablist_is_full(const struct slab_cache *c)
{
	return slab_read(&c->slabs.slabs) == slab_read(&c->slabs.full);
}

/*
 * Whether a burst of frees, in any order, is the last that has happened: at least so many objects
 * have gone back since any were taken, and most slabs have free ones. Only a hint, likewise.
 */
static inline bool slab_slablist_is_draining(const struct slab_cache *c, uint64_t least)
{
	uint64_t whole = slab_read(&c->slabs.full) + slab_read(&c->slabs.empty);

	return slab_read(&c->slabs.given) >= least && slab_read(&c->slabs.slabs) > 2 * whole;
}

/* A slot that could not be freed, and why. */
struct slab_misuse {
	enum slab_fault fault;
	void *obj;
};

/*
 * Gives n objects back. Slabs that hold none by it leave the cache and join the list empties, for
 * slab_release(). Stops at the first object that cannot be freed and says which.
 */
struct slab_misuse slab_slablist_give(struct slab_cache *c, void *const *objs, uint32_t n,
                                      struct slab_list *empties);

/*
 * Empty slabs that stayed leave now: one that a thread added while another made it unnecessary;
 * with kept also the one that a cache with a constructor keeps.
 */
void slab_slablist_drain(struct slab_cache *c, bool kept, struct slab_list *empties);

/* Stores and pins every slab of c for an iteration of the caller's; returns how many there are.
 * None if that is more than room. */
size_t slab_slablist_pin(struct slab_cache *c, struct slab_walk *walk);
void slab_slablist_unpin(struct slab_cache *c, struct slab_walk *walk, struct slab_list *empties);

/* In a child of fork: ends the iterations of all threads but the caller, the only one left. Slabs
 * that are empty by then stay until they are drained. */
void slab_slablist_forget_walks(struct slab_cache *c);

/* Counters of calls that pass no magazine, and of slots that are folded away. */
void slab_slablist_count_direct(struct slab_cache *c, uint64_t allocs, uint64_t frees);
void slab_slablist_retire(struct slab_cache *c, uint64_t allocs, int64_t net);

#endif
