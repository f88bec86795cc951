/*
 * quarantine.c - freed objects of caches under debug wait before they are used again     Floor 7
 *
 * Called by slow.c, reap.c and destroy.c. First in, first out, of all caches together, up to the
 * bytes that SLAB_DEBUG's Q names. Objects leave in small batches: they are taken out under the
 * lock, and checked and given to their slabs without it, because a report may take long.
 */
#include "slab/quarantine.h"
#include "slab/check.h"
#include "slab/config.h"
#include "slab/damage.h"
#include "slab/debug.h"
#include "slab/meta.h"
#include "slab/misuse.h"
#include "slab/page.h"
#include "slab/slablist.h"

#define BATCH 32
#define ENTRY_OBJECT_BYTES 64 /* there is an entry for so many bytes of the limit */

static void give(struct slab_cache *c, void *obj, struct slab_list *empties)
{
	struct slab_report r;

	slab_debug_leave(c, obj);
	if (slab_unlikely(slab_slablist_give(c, &obj, 1, empties).fault != SLAB_GOOD)) {
		/* it waited twice, because its record was overwritten in between */
		slab_misuse_write_free(&r, c, obj);
		slab_damage_send(&r);
	}
	__atomic_fetch_sub(&c->slabs.waiting, 1, __ATOMIC_RELEASE);
}

static struct slab_waiting *entry(uint64_t n)
{
	return &slab_root.quarantine.ring[n % slab_root.quarantine.room];
}

/* False: there is no memory for it, or nothing is to wait. */
static bool has_ring(size_t limit)
{
	struct slab_quarantine *q = &slab_root.quarantine;
	uint64_t room = limit / ENTRY_OBJECT_BYTES + BATCH;
	size_t bytes = slab_page_round(room * sizeof *q->ring);

	if (q->ring != NULL || limit == 0)
		return limit > 0;
	q->ring = (struct slab_waiting *)slab_page_map(bytes, slab_root.page_bytes);
	if (q->ring == NULL)
		return false;
	q->room = bytes / sizeof *q->ring;
	slab_meta_account((int64_t)bytes);
	return true;
}

/* Up to BATCH of the oldest, as long as too many wait. */
static unsigned take_oldest(struct slab_waiting *batch, size_t limit)
{
	struct slab_quarantine *q = &slab_root.quarantine;
	unsigned n = 0;

	while (n < BATCH && q->first < q->next &&
	       (q->bytes > limit || q->next - q->first == q->room)) {
		batch[n] = *entry(q->first++);
		if (batch[n].cache == NULL)
			continue;
		q->bytes -= batch[n].cache->geo.stride_bytes;
		n++;
	}
	return n;
}

void slab_quarantine_put(struct slab_cache *c, void *obj, struct slab_list *empties)
{
	struct slab_quarantine *q = &slab_root.quarantine;
	size_t limit = slab_config()->quarantine_bytes;
	struct slab_waiting batch[BATCH];
	bool waits;
	unsigned n;

	__atomic_fetch_add(&c->slabs.waiting, 1, __ATOMIC_RELAXED);
	do {
		pthread_mutex_lock(&q->lock);
		n = 0;
		waits = has_ring(limit) && c->geo.stride_bytes <= limit;
		if (waits && q->next - q->first < q->room) {
			*entry(q->next++) = (struct slab_waiting){ c, obj };
			q->bytes += c->geo.stride_bytes;
			obj = NULL;
		}
		if (q->ring != NULL)
			n = take_oldest(batch, limit);
		pthread_mutex_unlock(&q->lock);
		for (unsigned i = 0; i < n; i++)
			give(batch[i].cache, batch[i].obj, empties);
	} while (waits && obj != NULL);
	if (obj != NULL)
		give(c, obj, empties);
}

void slab_quarantine_drain(struct slab_cache *c, struct slab_list *empties)
{
	struct slab_quarantine *q = &slab_root.quarantine;
	struct slab_waiting batch[BATCH];
	uint64_t at = 0;
	unsigned n;

	do {
		n = 0;
		pthread_mutex_lock(&q->lock);
		for (at = at > q->first ? at : q->first; n < BATCH && at < q->next; at++) {
			struct slab_waiting *w = entry(at);

			if (w->cache == NULL || (c != NULL && w->cache != c))
				continue;
			batch[n++] = *w;
			q->bytes -= w->cache->geo.stride_bytes;
			*w = (struct slab_waiting){ NULL, NULL };
		}
		while (q->first < q->next && entry(q->first)->cache == NULL)
			q->first++;
		pthread_mutex_unlock(&q->lock);
		for (unsigned i = 0; i < n; i++)
			give(batch[i].cache, batch[i].obj, empties);
	} while (n == BATCH);
}
