/*
 * release.h - letting go of slabs that have left their caches                            Floor 8
 */
#ifndef SLAB_RELEASE_H
#define SLAB_RELEASE_H

#include "slab/layout.h"

/*
 * Lets go of slabs that have left their caches: runs destructors, for which the thread is unlocked
 * in between, hands the memory to the spans, and gives back what is above the reserve. Returns the
 * bytes given back. The thread is locked before and after.
 */
size_t slab_release(struct slab_thread *t, struct slab_list *empties);

/* The same for a free or an alloc. Within a destructor the slabs are left to whoever runs it,
 * behind those that wait there already. */
size_t slab_release_in_turn(struct slab_thread *t, struct slab_list *empties);

/* Whether all slabs that have left c so far are back with their spans. */
bool slab_release_is_over(const struct slab_cache *c);

/*
 * Takes the slabs of c that t lets go after those whose destructors run now onto empties. Returns
 * whether the calling thread itself is in a destructor of c. Locks t; under registry_lock.
 */
bool slab_release_overtake(struct slab_thread *t, const struct slab_cache *c,
                           struct slab_list *empties);

/*
 * In a forked child, first forget for every thread, then recount: what is on its way is that of the
 * calling thread alone.
 */
void slab_release_forget(struct slab_thread *t);
void slab_release_recount(struct slab_thread *t);

#endif
