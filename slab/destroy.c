/*
 * destroy.c - destroying caches                                                          Floor 10
 *
 * Called by users. Descriptors of destroyed caches are never unmapped: they wait, oldest first, so
 * that a use after destroy finds a dead cache and not somebody else's memory.
 */
#include <errno.h>
#include <sched.h>

#include "slab/layout.h"
#include "slab/bitmap.h"
#include "slab/check.h"
#include "slab/leaks.h"
#include "slab/list.h"
#include "slab/misuse.h"
#include "slab/quarantine.h"
#include "slab/registry.h"
#include "slab/release.h"
#include "slab/return.h"
#include "slab/slablist.h"
#include "slab/slot.h"
#include "slab/span.h"
#include "slab/thread.h"

/* Not under the registry's lock: names for a report's stack need the dynamic loader's, which
 * another thread may hold while a library's constructor creates a cache. */
static void end_quarantine(struct slab_cache *c, struct slab_list *empties)
{
	struct slab_thread *t = slab_thread_lock();

	slab_quarantine_drain(c, empties);
	slab_thread_unlock(t);
	/* what another thread had taken out just before */
	while (__atomic_load_n(&c->slabs.waiting, __ATOMIC_ACQUIRE) > 0)
		sched_yield();
}

/* Every thread's magazines to the slabs. */
static void flush_threads_locked(struct slab_cache *c, struct slab_list *empties)
{
	struct slab_list *pos;

	slab_list_for_each(pos, &slab_root.threads) {
		struct slab_thread *t = slab_container(pos, struct slab_thread, link);

		pthread_mutex_lock(&t->lock);
		if (slab_slot_used(t, c) != NULL) {
			slab_slot_flush(t, c, empties);
			slab_slot_retire(t, c);
		}
		pthread_mutex_unlock(&t->lock);
	}
}

/* All that is parked to the slabs: what is used afterwards is live. A cache under debug has no
 * slots, and waits for no thread: one may be at a report, with names, as above. */
static void flush_everywhere_locked(struct slab_cache *c, struct slab_list *empties)
{
	if (c->slot_bytes != 0)
		flush_threads_locked(c, empties);
	slab_depot_flush(c, empties);
	slab_slablist_drain(c, true, empties);
}

static void give_number_back_locked(struct slab_cache *c)
{
	if (c->number != 0) { /* slot 0 is zero for ever: what a dead cache uses */
		slab_cache_by_slot[c->number] = NULL;
		slab_bit_clear(slab_root.slots_used, c->number);
	}
	c->number = 0;
	c->slot_bytes = 0;
}

static void delist_locked(struct slab_cache *c)
{
	slab_seq_begin(&slab_root.generation);
	slab_list_del(&c->link);
	slab_add(&slab_root.cache_count, (uint64_t)-1);
	slab_seq_end(&slab_root.generation);
}

static void release_now(struct slab_list *empties)
{
	struct slab_thread *t = slab_thread_lock();

	slab_release(t, empties);
	slab_thread_unlock(t);
}

static void bury(struct slab_cache *c)
{
	slab_registry_lock();
	slab_list_add_tail(&c->link, &slab_root.dead);
	slab_root.dead_count++;
	slab_registry_unlock();
}

EXPORT int slab_cache_destroy(struct slab_cache *c)
{
	int saved_errno = errno;
	struct slab_list empties;
	struct slab_thread *t;
	uint64_t live;

	if (c == NULL)
		return 0;
	slab_list_init(&empties);
	if (c->mode == SLAB_MODE_DEBUG)
		end_quarantine(c, &empties);
	slab_registry_lock();
	if (c->state != SLAB_CACHE_LIVE)
		slab_misuse_dead(c, "destroy");
	flush_everywhere_locked(c, &empties);
	live = slab_read(&c->slabs.used);
	if (live == 0) {
		give_number_back_locked(c);
		c->state = SLAB_CACHE_DEAD;
		delist_locked(c);
	}
	slab_registry_unlock();
	release_now(&empties);
	if (live > 0) {
		slab_leaks_report_destroy(c, live);
		errno = EBUSY;
		return -1;
	}
	slab_thread_await(c);
	t = slab_thread_lock();
	slab_span_disown(c);
	slab_return_all((int)c->geo.order);
	slab_thread_unlock(t);
	bury(c);
	errno = saved_errno;
	return 0;
}
