/*
 * slablist.c - the slabs of one cache                                                    Floor 5
 *
 * Called by magazine.c, slot.c, slow.c, quarantine.c, cache.c, destroy.c, reap.c and walk.c.
 * Objects are taken from the fullest of the four bands in which partial slabs stand by fill; those
 * in spans of the cache alone come after, from the oldest span that has one (home.c), so that the
 * younger ones drain. Full slabs are on no list: the first free of an object brings them back.
 * Empty slabs leave at once, unless pinned or kept.
 */
#define _GNU_SOURCE
#include "slab/slablist.h"
#include "slab/bitmap.h"
#include "slab/check.h"
#include "slab/home.h"
#include "slab/list.h"
#include "slab/page.h"
#include "slab/span.h"

#define GIVE_MOST 256 /* objects that go back in one hold of the lock; a magazine */

static void lock(struct slab_slablist *l)
{
	pthread_mutex_lock(&l->lock);
	slab_seq_begin(&l->generation);
}

static void unlock(struct slab_slablist *l)
{
	slab_seq_end(&l->generation);
	pthread_mutex_unlock(&l->lock);
}

void slab_slablist_init(struct slab_slablist *l)
{
	*l = (struct slab_slablist){ .lock = SLAB_SHORT_LOCK };
	for (int b = 0; b < SLAB_BANDS; b++)
		slab_list_init(&l->band[b]);
	slab_list_init(&l->homes);
	slab_list_init(&l->walks);
}

/* Puts the slab on the list that its fill asks for. */
static void rank(struct slab_cache *c, struct slab *s)
{
	struct slab_slablist *l = &c->slabs;
	bool was_thin = s->band_floor == 1;
	uint8_t old = s->band;

	s->band = slab_band(s, &c->geo, &s->band_floor);
	if ((s->band_floor == 1) != was_thin)
		slab_add(&l->thin, was_thin ? (uint64_t)-1 : 1);
	if (s->band == old)
		return;
	if (old == SLAB_BAND_NONE)
		slab_add(&l->full, (uint64_t)-1);
	else if (old == SLAB_BAND_HOME)
		slab_home_clear(c, s);
	else
		slab_list_del(&s->link);
	if (s->band == SLAB_BAND_NONE)
		slab_add(&l->full, 1);
	else if (s->band == SLAB_BAND_HOME)
		slab_home_set(c, s);
	else
		slab_list_add(&s->link, &l->band[s->band]);
}

void slab_slablist_add(struct slab_cache *c, struct slab *s)
{
	lock(&c->slabs);
	slab_write(&s->cookie, slab_cookie(c) ^ (uintptr_t)s);
	slab_home_join(c, s);
	s->band = slab_band(s, &c->geo, &s->band_floor);
	slab_list_add(&s->link, &c->slabs.band[s->band]);
	slab_add(&c->slabs.slabs, 1);
	slab_add(&c->slabs.empty, 1);
	slab_add(&c->slabs.thin, 1);
	unlock(&c->slabs);
}

static void note_taken(struct slab_slablist *l, uint64_t more)
{
	slab_add(&l->used, more);
	slab_write(&l->given, 0);
	if (l->used > l->used_peak)
		slab_write(&l->used_peak, l->used);
}

void slab_slablist_add_full(struct slab_cache *c, struct slab *const *slabs, uint32_t n)
{
	lock(&c->slabs);
	for (uint32_t i = 0; i < n; i++) {
		struct slab *s = slabs[i];

		slab_write(&s->cookie, slab_cookie(c) ^ (uintptr_t)s);
		slab_home_join(c, s);
		s->band = slab_band(s, &c->geo, &s->band_floor);
		slab_add(&c->slabs.thin, s->band_floor == 1); /* one of a single object is */
	}
	slab_add(&c->slabs.slabs, n);
	slab_add(&c->slabs.full, n);
	note_taken(&c->slabs, (uint64_t)n * c->geo.objects);
	unlock(&c->slabs);
}

/* The fullest from before the cache had spans of its own, else the oldest at home. */
static struct slab *next_slab(struct slab_cache *c)
{
	struct slab_slablist *l = &c->slabs;

	for (int b = 0; b < SLAB_BANDS; b++)
		if (!slab_list_empty(&l->band[b]))
			return slab_container(l->band[b].next, struct slab, link);
	return slab_home_first(c);
}

static void set_kept(struct slab_cache *c, struct slab *s, bool kept)
{
	size_t bytes = c->geo.slab_bytes;

	if (s->kept == kept)
		return;
	s->kept = kept;
	__atomic_fetch_add(&slab_root.kept_bytes, kept ? bytes : -bytes, __ATOMIC_RELAXED);
}

uint32_t slab_slablist_take(struct slab_cache *c, uint32_t want, void **objs)
{
	struct slab_slablist *l = &c->slabs;
	uint32_t short_of;
	uint64_t free;

	lock(l);
	free = l->slabs * c->geo.objects - l->used; /* each in a slab that next_slab() finds */
	if (want > free)
		want = (uint32_t)free;
	for (short_of = want; short_of > 0;) {
		struct slab *s = next_slab(c);

		SLAB_BUG_ON(s == NULL);
		if (s->in_use == 0) {
			slab_add(&l->empty, (uint64_t)-1);
			set_kept(c, s, false);
		}
		short_of -= slab_take(s, &c->geo, short_of, objs + short_of);
		rank(c, s);
	}
	note_taken(l, want);
	unlock(l);
	return want;
}

/*
 * Constructing a slab's objects anew at every swing around its edge is what constructors are to
 * avoid. So one empty slab stays, as long as all that stay fit into half of the reserve.
 */
static bool may_keep(const struct slab_cache *c)
{
	return c->ctor != NULL && c->slabs.empty == 1 &&
	       slab_read(&slab_root.kept_bytes) + c->geo.slab_bytes <=
	           slab_read(&slab_root.reserve.reserve_bytes) / 2;
}

/* An empty slab leaves the cache, unless an iteration pins it. */
static void leave(struct slab_cache *c, struct slab *s, struct slab_list *empties)
{
	struct slab_slablist *l = &c->slabs;

	if (s->pins > 0)
		return;
	set_kept(c, s, false);
	slab_add(&l->empty, (uint64_t)-1);
	slab_add(&l->thin, (uint64_t)-1);
	slab_list_del(&s->link);
	slab_home_leave(c, s);
	slab_list_add_tail(&s->link, empties);
	s->band = SLAB_BAND_NONE;
	slab_add(&l->slabs, (uint64_t)-1);
	slab_add(&l->released_slabs, 1);
}

/* An object of slab s has gone back, and less is in use than band_floor. */
static void drop(struct slab_cache *c, struct slab *s, struct slab_list *empties)
{
	rank(c, s);
	if (s->in_use > 0)
		return;
	slab_add(&c->slabs.empty, 1);
	if (may_keep(c))
		set_kept(c, s, true);
	else
		leave(c, s, empties);
}

/* Up to GIVE_MOST objects. Returns how many went well; the next is misused, if there is one. */
static uint32_t give_some(struct slab_cache *c, void *const *objs, uint32_t n,
                          struct slab_list *empties, enum slab_fault *fault)
{
	uintptr_t cookie = slab_cookie(c);
	enum slab_fault found = SLAB_GOOD;
	struct slab *slabs[GIVE_MOST];
	uint32_t i;

	/* header lines are cold after random frees: fetch them side by side, outside the lock */
	for (i = 0; i < n; i++) {
		slabs[i] = slab_of(&c->geo, objs[i]);
		__builtin_prefetch(slabs[i], 1);
	}
	lock(&c->slabs);
	for (i = 0; i < n; i++) {
		struct slab *s = slabs[i];

		if (slab_unlikely(slab_read(&s->cookie) != (cookie ^ (uintptr_t)s)))
			found = SLAB_NOT_OF_CACHE;
		else
			found = slab_give(s, &c->geo, objs[i]);
		if (slab_unlikely(found != SLAB_GOOD))
			break;
		if (slab_unlikely(s->in_use < s->band_floor))
			drop(c, s, empties);
	}
	slab_add(&c->slabs.used, -(uint64_t)i);
	slab_add(&c->slabs.given, i);
	unlock(&c->slabs);
	*fault = found;
	return i;
}

struct slab_misuse slab_slablist_give(struct slab_cache *c, void *const *objs, uint32_t n,
                                      struct slab_list *empties)
{
	struct slab_misuse misuse = { SLAB_GOOD, NULL };

	for (uint32_t done = 0; done < n; done += GIVE_MOST) {
		uint32_t some = n - done < GIVE_MOST ? n - done : GIVE_MOST;
		uint32_t good = give_some(c, objs + done, some, empties, &misuse.fault);

		if (good < some) {
			misuse.obj = objs[done + good];
			break;
		}
	}
	return misuse;
}

void slab_slablist_drain(struct slab_cache *c, bool kept, struct slab_list *empties)
{
	struct slab_list *pos, *after, *band = &c->slabs.band[SLAB_BANDS - 1];

	lock(&c->slabs);
	slab_list_for_each_safe(pos, after, band) {
		struct slab *s = slab_container(pos, struct slab, link);

		if (s->in_use == 0 && (kept || !s->kept))
			leave(c, s, empties);
	}
	unlock(&c->slabs);
}

size_t slab_slablist_pin(struct slab_cache *c, struct slab_walk *walk)
{
	struct slab_list *pos;
	size_t n = 0;

	lock(&c->slabs);
	pthread_mutex_lock(&slab_root.span_lock);
	slab_list_for_each(pos, &slab_root.spans[c->geo.order]) {
		struct slab_span *span = slab_container(pos, struct slab_span, all_link);

		for (uint32_t i = 0; i < span->slabs; i++) {
			struct slab *s = slab_span_slab_of(span, i, c);

			if (s == NULL || slab_is_leaving(s))
				continue;
			if (n < walk->room)
				walk->slabs[n] = s;
			n++;
		}
	}
	pthread_mutex_unlock(&slab_root.span_lock);
	if (n <= walk->room) {
		for (size_t i = 0; i < n; i++)
			walk->slabs[i]->pins++;
		walk->n = n;
		walk->self = (uintptr_t)&slab__slots_v6;
		slab_list_add(&walk->link, &c->slabs.walks);
	}
	unlock(&c->slabs);
	return n;
}

void slab_slablist_unpin(struct slab_cache *c, struct slab_walk *walk, struct slab_list *empties)
{
	lock(&c->slabs);
	slab_list_del(&walk->link);
	for (size_t i = 0; i < walk->n; i++) {
		struct slab *s = walk->slabs[i];

		SLAB_BUG_ON(s->pins == 0);
		if (--s->pins == 0 && s->in_use == 0 && !s->kept)
			leave(c, s, empties);
	}
	unlock(&c->slabs);
}

void slab_slablist_forget_walks(struct slab_cache *c)
{
	struct slab_list *pos, *after;

	slab_list_for_each_safe(pos, after, &c->slabs.walks) {
		struct slab_walk *walk = slab_container(pos, struct slab_walk, link);

		if (walk->self == (uintptr_t)&slab__slots_v6) /* goes on: its callback has forked */
			continue;
		slab_list_del(&walk->link);
		for (size_t i = 0; i < walk->n; i++)
			walk->slabs[i]->pins--;
		slab_page_unmap((uintptr_t)walk, walk->mapped_bytes);
	}
}

void slab_slablist_count_direct(struct slab_cache *c, uint64_t allocs, uint64_t frees)
{
	if (allocs > 0)
		__atomic_fetch_add(&c->slabs.direct_allocs, allocs, __ATOMIC_RELAXED);
	if (frees > 0)
		__atomic_fetch_add(&c->slabs.direct_frees, frees, __ATOMIC_RELAXED);
}

void slab_slablist_retire(struct slab_cache *c, uint64_t allocs, int64_t net)
{
	lock(&c->slabs);
	slab_add(&c->slabs.retired_allocs, allocs);
	slab_add(&c->slabs.retired_net, net);
	unlock(&c->slabs);
}
