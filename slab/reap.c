/*
 * reap.c - giving back on request                                                        Floor 10
 *
 * Called by users, and by slow.c when memory is short. None of these can reach into the magazines
 * of another thread, whose fast path takes no lock.
 */
#include "slab/layout.h"
#include "slab/check.h"
#include "slab/list.h"
#include "slab/misuse.h"
#include "slab/quarantine.h"
#include "slab/recent.h"
#include "slab/registry.h"
#include "slab/release.h"
#include "slab/return.h"
#include "slab/slablist.h"
#include "slab/slot.h"
#include "slab/thread.h"

EXPORT size_t slab_cache_shrink(struct slab_cache *c)
{
	struct slab_list empties;
	struct slab_thread *t;
	size_t bytes;

	if (c->state != SLAB_CACHE_LIVE)
		slab_misuse_dead(c, "shrink");
	slab_list_init(&empties);
	t = slab_thread_lock();
	slab_slot_flush(t, c, &empties);
	slab_quarantine_drain(c, &empties);
	slab_depot_flush(c, &empties);
	slab_slablist_drain(c, true, &empties);
	bytes = slab_release(t, &empties);
	bytes += slab_return_all((int)c->geo.order);
	slab_thread_unlock(t);
	return bytes;
}

EXPORT size_t slab_reap(void)
{
	struct slab_list *pos, empties;
	struct slab_thread *t;
	size_t bytes;

	slab_list_init(&empties);
	t = slab_thread_lock(); /* makes the struct, if need be: not under the registry's lock */
	slab_quarantine_drain(NULL, &empties); /* nor this, which may report with names */
	bytes = slab_release(t, &empties);
	slab_thread_unlock(t);
	slab_registry_lock();
	pthread_mutex_lock(&t->lock);
	slab_slot_flush_all(t, &empties);
	slab_list_for_each(pos, &slab_root.caches) {
		struct slab_cache *c = slab_container(pos, struct slab_cache, link);

		slab_depot_flush(c, &empties);
		slab_slablist_drain(c, true, &empties);
	}
	slab_registry_unlock();
	bytes += slab_release(t, &empties);
	bytes += slab_recent_trim(0);
	bytes += slab_return_all(SLAB_ALL_ORDERS);
	slab_thread_unlock(t);
	return bytes;
}

EXPORT size_t slab_thread_flush(void)
{
	struct slab_list empties;
	struct slab_thread *t = slab_thread_lock();
	size_t bytes;

	slab_list_init(&empties);
	bytes = slab_slot_flush_all(t, &empties);
	slab_release(t, &empties);
	slab_thread_unlock(t);
	return bytes;
}
