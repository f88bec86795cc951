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
 * Takes the registry's lock and that of every thread, those without slots included: nobody is in
 * the middle of a slow path then, or holds a lower lock.
 */
void slab_thread_stop_all(void);
void slab_thread_go_on(void);

/*
 * Waits until every slab that has left c, which is destroyed, is back with its span: slab_release()
 * in other threads, and further up this one's stack, may still be on the way to it.
 */
void slab_thread_await(struct slab_cache *c);

#endif
