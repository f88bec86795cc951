/*
 * walk.c - all caches; the live objects of one; whose object an address is               Floor 10
 *
 * Called by users, by leaks.c and by sized.c. A slot that the bitmap calls used may be parked in a
 * magazine; what is parked is collected once, sorted, and collected again when the caller's own
 * slow paths have moved magazines. The caller's own two magazines are looked at each time, since
 * the callback may free.
 */
#include <errno.h>
#include <stdlib.h>

#include "slab/layout.h"
#include "slab/bitmap.h"
#include "slab/check.h"
#include "slab/debug.h"
#include "slab/direct.h"
#include "slab/list.h"
#include "slab/misuse.h"
#include "slab/owner.h"
#include "slab/page.h"
#include "slab/registry.h"
#include "slab/release.h"
#include "slab/slablist.h"
#include "slab/slot.h"
#include "slab/span.h"
#include "slab/thread.h"

EXPORT int slab_for_each_cache(int (*fn)(struct slab_cache *c, void *ctx), void *ctx)
{
	struct slab_list *pos;
	int last = 0, cancel;

	slab_init();
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel); /* fn may print */
	slab_registry_lock();
	slab_list_for_each(pos, &slab_root.caches) {
		last = fn(slab_container(pos, struct slab_cache, link), ctx);
		if (last != 0)
			break;
	}
	slab_registry_unlock();
	pthread_setcancelstate(cancel, NULL);
	return last;
}

/* An array from pages of its own. */
struct pointers {
	uintptr_t *at;
	size_t n, room;
	size_t mapped_bytes;
};

static bool pointers_map(struct pointers *p, size_t room)
{
	size_t bytes = slab_page_round(room * sizeof *p->at);

	*p = (struct pointers){ 0 };
	p->at = (uintptr_t *)slab_page_map(bytes, slab_root.page_bytes);
	p->mapped_bytes = bytes;
	p->room = bytes / sizeof *p->at;
	return p->at != NULL;
}

static void pointers_unmap(struct pointers *p)
{
	if (p->at != NULL)
		slab_page_unmap((uintptr_t)p->at, p->mapped_bytes);
	p->at = NULL;
}

static int compare(const void *a, const void *b)
{
	uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;

	return x < y ? -1 : x > y;
}

static void add_all(struct pointers *p, void *const *objs, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (p->n++ < p->room)
			p->at[p->n - 1] = (uintptr_t)slab_read(&objs[i]);
}

/* A shell sort, as qsort() may call malloc. */
static void sort(struct pointers *p)
{
	for (size_t gap = p->n / 2; gap > 0; gap = gap == 2 ? 1 : gap * 5 / 11) {
		for (size_t i = gap; i < p->n; i++) {
			uintptr_t v = p->at[i];
			size_t k = i;

			for (; k >= gap && p->at[k - gap] > v; k -= gap)
				p->at[k] = p->at[k - gap];
			p->at[k] = v;
		}
	}
}

/* Everything of c that is parked, but not by thread except. Returns how many there are. */
static size_t gather(struct slab_cache *c, const struct slab_thread *except, struct pointers *p)
{
	struct slab_magazine *m;
	struct slab_list *pos;

	p->n = 0;
	slab_registry_lock();
	slab_list_for_each(pos, &slab_root.threads) {
		struct slab_thread *t = slab_container(pos, struct slab_thread, link);
		struct slab__slot *s = slab_slot(t, c);
		void *hot;

		if (t == except || s == NULL)
			continue;
		pthread_mutex_lock(&t->lock);
		hot = slab_slot_hot(s);
		add_all(p, &hot, hot != NULL);
		if (s->objs != NULL)
			add_all(p, s->objs, slab_slot_count(s));
		if (s->prev != NULL)
			add_all(p, s->prev->objs, s->prev_count);
		pthread_mutex_unlock(&t->lock);
	}
	pthread_mutex_lock(&c->depot.lock);
	for (m = c->depot.shelf; m != NULL; m = m->next)
		add_all(p, m->objs, m->count);
	pthread_mutex_unlock(&c->depot.lock);
	slab_registry_unlock();
	return p->n;
}

/* The same into an array that is large enough. False: no memory for it. */
static bool collect_parked(struct slab_cache *c, const struct slab_thread *except,
                           struct pointers *p)
{
	for (size_t room = 512; pointers_map(p, room); room = p->n + p->n / 8) {
		if (gather(c, except, p) <= p->room) {
			sort(p);
			return true;
		}
		pointers_unmap(p);
	}
	return false;
}

static bool contains(const struct pointers *p, const void *obj)
{
	uintptr_t key = (uintptr_t)obj;

	return p->n > 0 && bsearch(&key, p->at, p->n, sizeof *p->at, compare) != NULL;
}

static bool in_slot(const struct slab__slot *s, const void *obj)
{
	uint32_t count = s == NULL || s->objs == NULL ? 0 : slab_slot_count(s);

	if (s != NULL && slab_slot_hot(s) == obj)
		return true;
	for (uint32_t i = 0; i < count; i++)
		if (s->objs[i] == obj)
			return true;
	for (uint32_t i = 0; s != NULL && i < s->prev_count; i++)
		if (s->prev->objs[i] == obj)
			return true;
	return false;
}

struct walk {
	struct slab_cache *cache;
	struct slab_thread *self;
	struct slab__slot *slot;  /* of the caller, or NULL */
	uint32_t seq;             /* of slot, when parked was collected */
	struct pointers parked;   /* by others and the depot */
	struct slab_walk *pinned; /* the slabs */
};

static bool is_live(struct walk *w, const struct slab *s, uint32_t i)
{
	const void *obj = slab_object(s, &w->cache->geo, i);

	if (!slab_bit_test(s->bitmap, i))
		return false;
	if (w->cache->mode == SLAB_MODE_DEBUG)
		return slab_debug_is_live(w->cache, obj);
	return !contains(&w->parked, obj) && !in_slot(w->slot, obj);
}

/* The caller's slow paths may have moved magazines to or from the depot. */
static bool refresh(struct walk *w)
{
	uint32_t seq = w->slot != NULL ? slab_read(&w->slot->seq) : 0;

	if (seq == w->seq && w->parked.at != NULL)
		return true;
	pointers_unmap(&w->parked);
	w->seq = seq;
	return collect_parked(w->cache, w->self, &w->parked);
}

static int walk_slab(struct walk *w, const struct slab *s, int (*fn)(void *obj, void *ctx),
                     void *ctx)
{
	int last = 0;

	for (uint32_t i = 0; i < w->cache->geo.objects && last == 0; i++) {
		if (!slab_bit_test(s->bitmap, i))
			continue;
		if (!refresh(w)) {
			errno = ENOMEM;
			return -1;
		}
		if (is_live(w, s, i))
			last = fn(slab_object(s, &w->cache->geo, i), ctx);
	}
	return last;
}

static struct slab_walk *walk_map(size_t room)
{
	size_t bytes = slab_page_round(sizeof(struct slab_walk) + room * sizeof(struct slab *));
	struct slab_walk *walk = (struct slab_walk *)slab_page_map(bytes, slab_root.page_bytes);

	if (walk != NULL) {
		walk->mapped_bytes = bytes;
		walk->room = (bytes - sizeof *walk) / sizeof walk->slabs[0];
	}
	return walk;
}

static bool pin_all(struct walk *w)
{
	size_t n, room = slab_read(&w->cache->slabs.slabs) + 8;
	struct slab_thread *t;

	for (;; room = n + n / 8) {
		w->pinned = walk_map(room);
		if (w->pinned == NULL)
			return false;
		t = slab_thread_lock();
		n = slab_slablist_pin(w->cache, w->pinned);
		slab_thread_unlock(t);
		if (n <= w->pinned->room)
			return true;
		/* it grew meanwhile; nothing was pinned */
		slab_page_unmap((uintptr_t)w->pinned, w->pinned->mapped_bytes);
	}
}

static void unpin_all(struct walk *w)
{
	struct slab_list empties;
	struct slab_thread *t = slab_thread_lock();

	slab_list_init(&empties);
	slab_slablist_unpin(w->cache, w->pinned, &empties);
	slab_release(t, &empties);
	slab_thread_unlock(t);
	slab_page_unmap((uintptr_t)w->pinned, w->pinned->mapped_bytes);
}

static int walk_cache(struct slab_cache *c, int (*fn)(void *obj, void *ctx), void *ctx)
{
	struct walk w = { .cache = c };
	int last = 0;

	if (c->mode == SLAB_MODE_MALLOC)
		return slab_direct_for_each(c, fn, ctx);
	if (!pin_all(&w)) {
		errno = ENOMEM;
		return -1;
	}
	w.self = slab_thread_lock();
	w.slot = slab_slot(w.self, c);
	slab_thread_unlock(w.self);
	for (size_t i = 0; i < w.pinned->n && last == 0; i++)
		last = walk_slab(&w, w.pinned->slabs[i], fn, ctx);
	unpin_all(&w);
	pointers_unmap(&w.parked);
	return last;
}

EXPORT int slab_cache_for_each_object(struct slab_cache *c, int (*fn)(void *obj, void *ctx),
                                      void *ctx)
{
	int last, cancel;

	if (c->state != SLAB_CACHE_LIVE)
		slab_misuse_dead(c, "for_each_object");
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel); /* fn may print */
	last = walk_cache(c, fn, ctx);
	pthread_setcancelstate(cancel, NULL);
	return last;
}

/* ---- whose object ---- */

/* The object that contains p if its slot is in use, and its cache. */
static void *used_object_at(const void *p, struct slab_cache **cache)
{
	struct slab_cache *c = NULL;
	void *obj = NULL;
	struct slab *s;
	uint32_t i;

	slab_registry_lock();
	pthread_mutex_lock(&slab_root.span_lock);
	s = slab_span_held_locked(p);
	if (s != NULL)
		c = slab_span_holder(s);
	pthread_mutex_unlock(&slab_root.span_lock);
	if (c != NULL) { /* again in the order of the locks: it may have gone meanwhile */
		pthread_mutex_lock(&c->slabs.lock);
		pthread_mutex_lock(&slab_root.span_lock);
		s = slab_span_held_locked(p);
		if (s != NULL && slab_is_of(s, c)) {
			i = slab_slot_at(s, &c->geo, p);
			if (i < c->geo.objects && slab_bit_test(s->bitmap, i))
				obj = slab_object(s, &c->geo, i);
			if (obj != NULL && c->mode == SLAB_MODE_DEBUG)
				obj = slab_debug_is_live(c, obj) ? obj : NULL;
		}
		pthread_mutex_unlock(&slab_root.span_lock);
		pthread_mutex_unlock(&c->slabs.lock);
	}
	slab_registry_unlock();
	*cache = c;
	return obj;
}

EXPORT struct slab_cache *slab_cache_of(const void *p)
{
	struct pointers parked;
	struct slab_cache *c;
	const void *obj = used_object_at(p, &c);
	void *start;
	bool live;

	if (obj == NULL)
		return slab_owner_cache(slab_owner_around(p, &start));
	if ((const char *)p >= (const char *)obj + c->geo.object_bytes)
		return NULL;
	if (c->number == 0)
		return c; /* without slots nothing of it is parked, and no free waits for memory */
	if (!collect_parked(c, NULL, &parked))
		return NULL;
	live = !contains(&parked, obj);
	pointers_unmap(&parked);
	return live ? c : NULL;
}
