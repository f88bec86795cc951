/*
 * thread.h - threads come and go; fork; init                                             Floor 9
 */
#ifndef SLAB_THREAD_H
#define SLAB_THREAD_H

#include "slab/layout.h"

/* Completes the root. Called first by everything that creates; cheap when done. */
void slab_init(void);

/*
 * The calling thread's struct, locked, made at its first slow path. A thread that cannot have one
 * (no memory, or its end is under way) shares one without slots: it works, without magazines.
 */
struct slab_thread *slab_thread_lock(void);

/* The same for a free: a thread that has only freed so far, and little, shares that one, too. */
struct slab_thread *slab_thread_lock_to_free(void);
void slab_thread_unlock(struct slab_thread *t);

/*
 * Waits until every slab that has left c, which is destroyed, is back with its span: slab_release()
 * in other threads, and further up this one's stack, may still be on the way to it.
 */
void slab_thread_await(struct slab_cache *c);

#endif
