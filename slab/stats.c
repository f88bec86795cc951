/*
 * stats.c - figures of a cache and of the process; settings; the reporter                Floor 10
 *
 * Called by users. Counters are read where they are kept, never pushed up to here. Takes no lock of
 * a cache: while threads run the figures are approximate, at rest exact.
 */
#include <errno.h>
#include <string.h>

#include "slab/layout.h"
#include "slab/check.h"
#include "slab/list.h"
#include "slab/registry.h"
#include "slab/report.h"
#include "slab/reserve.h"
#include "slab/slot.h"
#include "slab/thread.h"

/* What the threads' slots of one cache add up to. */
struct slot_sums {
	uint64_t cached, allocs, frees;
};

static void add_slot(struct slot_sums *sums, struct slab_thread *t, const struct slab_cache *c)
{
	struct slab__slot *s = slab_slot_used(t, c);
	uint64_t parked, allocs;

	if (s == NULL)
		return;
	allocs = slab_read(&s->word) >> SLAB__COUNT_BITS;
	parked = slab_slot_parked(s);
	sums->cached += parked;
	sums->allocs += allocs;
	/* what came in is handed out, moved on or parked: net = allocs - frees + parked */
	sums->frees += allocs + parked - (uint64_t)slab_read(&s->net);
}

/* Figures are read one after the other while others change them: never below zero. */
static uint64_t less(uint64_t all, uint64_t some)
{
	return all > some ? all - some : 0;
}

static void collect(struct slab_cache *c, struct slab_cache_stats *st)
{
	struct slab_slablist *l = &c->slabs;
	struct slot_sums sums = { 0, 0, 0 };
	uint64_t used = slab_read(&l->used);
	struct slab_list *pos;

	slab_list_for_each(pos, &slab_root.threads)
		add_slot(&sums, slab_container(pos, struct slab_thread, link), c);
	*st = (struct slab_cache_stats){
		.id = c->id,
		.flags = c->flags,
		.mode = c->mode,
		.object_bytes = c->geo.object_bytes,
		.stride_bytes = c->geo.stride_bytes,
		.align_bytes = c->geo.align_bytes,
		.slab_bytes = c->geo.slab_bytes,
		.objects_per_slab = c->geo.objects,
		.slabs = slab_read(&l->slabs),
		.slabs_full = slab_read(&l->full),
		.slabs_empty = slab_read(&l->empty),
		.objects_cached = sums.cached + slab_read(&c->depot.objects) +
		                  slab_read(&l->waiting),
		.objects_peak = slab_read(&l->used_peak),
		.allocs = sums.allocs + slab_read(&l->retired_allocs) +
		          slab_read(&l->direct_allocs),
		.frees = sums.frees + slab_read(&l->retired_allocs) -
		         (uint64_t)slab_read(&l->retired_net) + slab_read(&l->direct_frees),
		.alloc_failures = slab_read(&c->alloc_failures),
	};
	memcpy(st->name, c->name, sizeof st->name);
	if ((int64_t)st->frees < 0) /* a slot's net was read after more had come in */
		st->frees = 0;
	st->slabs_partial = less(st->slabs, st->slabs_full + st->slabs_empty);
	st->objects_live = less(used, st->objects_cached);
	st->objects_capacity = st->slabs * st->objects_per_slab;
	st->objects_free = less(st->objects_capacity, used);
	st->mapped_bytes = st->slabs * st->slab_bytes;
	st->returned_bytes = slab_read(&l->released_slabs) * st->slab_bytes;
}

EXPORT int slab_cache_stats(const struct slab_cache *c, struct slab_cache_stats *out,
                            size_t out_size)
{
	struct slab_cache_stats st;

	if (c == NULL || out == NULL || c->state != SLAB_CACHE_LIVE) {
		errno = EINVAL;
		return -1;
	}
	slab_registry_lock();
	collect((struct slab_cache *)(uintptr_t)c, &st);
	slab_registry_unlock();
	memcpy(out, &st, out_size < sizeof st ? out_size : sizeof st);
	return 0;
}

EXPORT int slab_totals(struct slab_totals *out, size_t out_size)
{
	struct slab_totals totals;

	if (out == NULL) {
		errno = EINVAL;
		return -1;
	}
	slab_init();
	slab_registry_lock();
	pthread_mutex_lock(&slab_root.span_lock);
	totals = (struct slab_totals){
		.mapped_bytes = slab_root.mapped_bytes,
		.reserve_bytes = slab_reserve_ceiling(),
		.holes = slab_root.holes,
		.lost_holes = slab_root.lost_holes,
		.metadata_bytes = slab_read(&slab_root.metadata_bytes),
		.unmap_failures = slab_read(&slab_root.unmap_failures),
		.caches = slab_root.cache_count,
		.threads = slab_root.thread_count,
	};
	pthread_mutex_unlock(&slab_root.span_lock);
	slab_registry_unlock();
	memcpy(out, &totals, out_size < sizeof totals ? out_size : sizeof totals);
	return 0;
}

/* Returns 0 or an errno; *lower: what is kept by the old figure may be too much now. */
static int set_locked(enum slab_option option, size_t bytes, bool *lower)
{
	struct slab_reserve *r = &slab_root.reserve;

	switch (option) {
	case SLAB_RESERVE_BYTES: /* a figure that is set stays as it is */
		*lower = bytes < r->reserve_bytes;
		r->min_bytes = r->max_bytes = bytes;
		slab_write(&r->reserve_bytes, bytes);
		return 0;
	case SLAB_THREAD_BYTES:
		*lower = bytes < slab_root.thread_bytes;
		slab_write(&slab_root.thread_bytes, bytes);
		slab_root.thread_bytes_set = 1;
		return 0;
	case SLAB_HUGEPAGES:
		if (bytes > 1)
			return EINVAL;
		slab_root.hugepages = bytes;
		return 0;
	}
	return EINVAL;
}

EXPORT int slab_set(enum slab_option option, size_t bytes)
{
	struct slab_thread *t;
	bool lower = false;
	int error;

	slab_init();
	t = slab_thread_lock();
	pthread_mutex_lock(&slab_root.span_lock);
	error = set_locked(option, bytes, &lower);
	pthread_mutex_unlock(&slab_root.span_lock);
	slab_thread_unlock(t);
	if (lower) /* at once: empty slabs, the depots, the caller's magazines */
		slab_reap();
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}

EXPORT void slab_set_reporter(void (*fn)(const char *text, size_t len, void *ctx), void *ctx)
{
	slab_registry_lock();
	slab_report_to(fn, ctx);
	slab_registry_unlock();
}
