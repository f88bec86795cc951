/*
 * magazine.c - taking an object from the magazines, giving one back                      Floor 9
 *
 * Called by slow.c. Two magazines per slot keep a thread that swings around an edge away from the
 * depot for a magazine's length at least (Bonwick and Adams 2001, section 3). Magazines start small
 * and double with use, up to what the cache asks for and the thread's budget grants; where that is
 * few objects a slot has one, of which half is exchanged.
 */
#include <string.h>

#include "slab/magazine.h"
#include "slab/budget.h"
#include "slab/depot.h"
#include "slab/meta.h"
#include "slab/reserve.h"
#include "slab/slablist.h"
#include "slab/slot.h"
#include "slab/take.h"

#define FIRST_MAGAZINE 16
#define BURST_TIMES 8 /* what is parked, given back by a burst of frees: see is_after_burst() */
/* Until a thread has made so many calls for a size class, or all have taken so many blocks without
 * magazines, there are none of it; of blocks of more than so many bytes. */
#define RARE_CALLS  256
#define RARE_ALLOCS 2048
#define RARE_BYTES  128

static uint32_t next_size(const struct slab__slot *s, uint32_t cap)
{
	uint32_t size = s->objs == NULL ? FIRST_MAGAZINE : 2u * slab_slot_loaded(s)->cap;

	return size < cap ? size : cap;
}

/* The object outside goes to its slab, and hot is what the fast path finds from now on. */
static void replace_hot(struct slab_cache *c, struct slab__slot *s, uintptr_t hot,
                        struct slab_list *empties)
{
	void *obj = slab_slot_hot(s);

	slab_write(&s->hot, hot);
	if (obj != NULL)
		slab_slot_give(c, s, &obj, 1, empties);
}

static void drop_hot(struct slab_thread *t, struct slab_cache *c, void *ctx)
{
	struct slab__slot *s = slab_slot_opened(t, c);

	if ((s->seq & 1) != 0 || slab_slot_is_stopped(s)) /* being opened; stopped, or closed */
		return;
	slab_slot_begin(s);
	replace_hot(c, s, SLAB__NONE, ctx);
	slab_slot_end(s);
}

/* Before slot s gets its first magazine; what it counted until then is over. The second one that a
 * thread opens is the end of objects outside of the magazines: see choose_hot(). */
static void note_open(struct slab_thread *t, struct slab__slot *s, struct slab_list *empties)
{
	if (s->objs != NULL)
		return;
	s->grant = 0;
	if (++t->open == 2)
		slab_slot_for_each(t, drop_hot, empties);
}

/* A loaded magazine, empty, that has room for what is granted. */
static bool renew_loaded(struct slab_thread *t, struct slab__slot *s, uint32_t cap,
                         struct slab_list *empties)
{
	struct slab_magazine *old = slab_slot_loaded(s), *m;
	uint32_t size = next_size(s, cap);

	if (old != NULL && old->cap >= size) {
		slab_slot_set_cap(s, cap);
		return true;
	}
	m = slab_magazine_get(size);
	if (m == NULL)
		return old != NULL;
	note_open(t, s, empties);
	slab_slot_install(s, m, cap);
	slab_magazine_put(old);
	return true;
}

static void swap(struct slab__slot *s, uint32_t cap)
{
	struct slab_magazine *was = slab_slot_loaded(s), *now = s->prev;

	was->count = (uint16_t)slab_slot_count(s);
	slab_slot_install(s, now, cap);
	slab_slot_set_prev(s, was);
}

/* Objects that another processor has had last are asked for side by side, the first to be taken
 * first: one by one each takes longer than all that is done with it here. */
static void fetch(const struct slab_magazine *m)
{
	for (uint32_t i = m->count; i-- > 0;)
		__builtin_prefetch(m->objs[i], 1);
}

/* What the slot may park; its loaded magazine takes no more from now on. */
static struct slab_grant ask(struct slab_thread *t, struct slab_cache *c, struct slab__slot *s,
                             struct slab_list *empties)
{
	struct slab_grant grant = slab_budget_grant(t, c, s, empties);

	if (s->objs != NULL)
		slab_slot_set_cap(s, grant.cap);
	return grant;
}

/* Objects that the empty loaded magazine gets: of one alone half is for what will be freed. */
static uint32_t room_to_fill(const struct slab__slot *s, struct slab_grant grant)
{
	uint32_t cap = slab_read(&s->cap);

	return grant.pair ? cap : (cap + 1) / 2;
}

/*
 * Fills the empty loaded magazine with new slabs, as many as it takes with all their objects: no
 * other thread finds room in them, and neighbours in time are neighbours in memory. What is
 * constructed is to be used, and many size classes are to stay small: they get a slab at a time.
 */
static bool load_new(struct slab_thread *t, struct slab_cache *c, struct slab__slot *s,
                     struct slab_list *empties)
{
	struct slab *slabs[SLAB_TAKE_MOST];
	uint32_t n, room, per_slab = c->geo.objects;
	struct slab_grant grant;

	if (c->ctor != NULL || c->by_size || slab_read(&s->cap) < per_slab)
		return false;
	grant = ask(t, c, s, empties);
	if (grant.cap < per_slab || !slab_list_empty(empties) || /* those first */
	    !renew_loaded(t, s, grant.cap, empties))
		return false;
	room = room_to_fill(s, grant);
	if (room < per_slab)
		return false;
	n = slab_span_take_some(c, room / per_slab, slabs);
	for (uint32_t i = 0; i < n; i++) {
		slab_format(slabs[i], &c->geo);
		slab_take(slabs[i], &c->geo, per_slab, s->objs + (n - i) * per_slab);
	}
	slab_slablist_add_full(c, slabs, n);
	slab_write(&s->net, s->net + (int64_t)(n * per_slab));
	slab_slot_set_count(s, n * per_slab);
	return n > 0;
}

/*
 * Whether so many objects have gone back to the slabs, none taken since, that what is parked may
 * follow at a small part of that cost. It would be served next, from anywhere in the cache, and
 * each object after it out of its turn by address. Where few are left there is no order to keep.
 */
static bool is_after_burst(const struct slab_cache *c, const struct slab__slot *s)
{
	uint64_t parked = slab_slot_count(s) + s->prev_count + slab_read(&c->depot.objects);

	return parked > 0 && slab_read(&c->slabs.used) > 2 * parked &&
	       slab_slablist_is_draining(c, BURST_TIMES * parked);
}

static void give_parked(struct slab_cache *c, struct slab__slot *s, struct slab_list *empties)
{
	slab_slot_give_prev(c, s, empties);
	slab_depot_flush(c, empties);
}

/* Loads a magazine that has some: the previous one, else one from the depot. */
static bool load_filled(struct slab_thread *t, struct slab_cache *c, struct slab__slot *s,
                        uint32_t cap, struct slab_list *empties)
{
	struct slab_magazine *m;

	if (s->prev_count > 0) {
		swap(s, cap);
		return true;
	}
	m = slab_depot_get(c, slab_slot_loaded(s));
	if (m == NULL)
		return false;
	note_open(t, s, empties);
	slab_slot_install(s, m, cap);
	if (m->filler != (uint32_t)t->tid)
		fetch(m);
	slab_write(&s->net, s->net + m->count);
	return true;
}

/* Fills the empty loaded magazine. False: nothing to be had, or no magazine. */
static bool load(struct slab_thread *t, struct slab_cache *c, struct slab__slot *s,
                 struct slab_list *empties)
{
	struct slab_grant grant;
	uint32_t most, n;

	if (s->prev_count == 0 && slab_slablist_is_full(c) && slab_read(&c->depot.objects) == 0)
		return load_new(t, c, s, empties);
	grant = ask(t, c, s, empties);
	if (slab_unlikely(is_after_burst(c, s))) {
		give_parked(c, s, empties); /* nor does what others park meanwhile come first */
	} else if (load_filled(t, c, s, grant.cap, empties)) {
		most = grant.cap > 0 ? grant.cap << grant.pair : 1; /* one is asked for */
		if (slab_unlikely(slab_slot_count(s) > most)) /* more than is charged */
			slab_slot_trim(c, s, most, empties);
		return true;
	}
	if (grant.cap == 0 || slab_slablist_is_full(c) || !renew_loaded(t, s, grant.cap, empties))
		return false;
	n = slab_slablist_take(c, room_to_fill(s, grant), s->objs); /* the slabs have some */
	slab_write(&s->net, s->net + (int64_t)n);
	slab_slot_set_count(s, n);
	return n > 0;
}

static void choose_hot(const struct slab_thread *t, const struct slab_cache *c,
                       struct slab__slot *s)
{
	bool may = slab_read(&s->cap) > 0 && slab_slot_may_have_hot(t, c);

	if (s->objs != NULL && slab_slot_hot(s) == NULL)
		slab_write(&s->hot, may ? SLAB__VACANT : SLAB__NONE);
}

/* The thread's slot, where c has magazines at all. */
static struct slab__slot *slot_with_magazines(struct slab_thread *t, const struct slab_cache *c)
{
	return slab_read(&c->magazine_cap) > 0 ? slab_slot(t, c) : NULL;
}

/*
 * Whether c is a size class that is used rarely, by this thread and by all. What it would park
 * keeps slabs of 16 KiB and more; a program that uses dozens of classes a few times each had four
 * times as much in such slabs as in blocks. Threads that live for a few calls find a class in use.
 */
static bool is_rare(const struct slab_cache *c, const struct slab__slot *s)
{
	return c->by_size && c->geo.object_bytes > RARE_BYTES && s->objs == NULL &&
	       s->grant < RARE_CALLS && slab_read(&c->slabs.direct_allocs) < RARE_ALLOCS &&
	       slab_read(&c->depot.objects) == 0;
}

void *slab_magazine_alloc(struct slab_thread *t, struct slab_cache *c, struct slab_list *empties)
{
	struct slab__slot *s = slot_with_magazines(t, c);
	bool rare = s != NULL && is_rare(c, s);
	void *obj = NULL;

	if (s != NULL) {
		uint32_t count = slab_slot_count(s);

		slab_slot_begin(s);
		slab_slot_open(t, c, s);
		if (slab_unlikely(slab_slot_is_stopped(s)) && is_after_burst(c, s)) {
			slab_slot_trim(c, s, 0, empties);
			count = 0; /* and the other magazines in load() */
		}
		if (count > 0 || (!rare && load(t, c, s, empties))) {
			count = slab_slot_count(s);
			obj = s->objs[count - 1];
			slab_write(&s->word, slab_read(&s->word) + SLAB__COUNT_MASK);
		}
		if (s->objs == NULL) /* none to be had */
			slab_slot_charge(t, s, (struct slab_pin){ 0 });
		choose_hot(t, c, s);
		slab_slot_end(s);
	}
	/* no magazine: straight from a slab */
	if (obj == NULL && !slab_slablist_is_full(c) && slab_slablist_take(c, 1, &obj) > 0) {
		slab_slablist_count_direct(c, 1, 0);
		if (rare)
			s->grant++;
	}
	if (slab_read(&c->slabs.empty) > (c->ctor != NULL)) /* added, and not needed after all */
		slab_slablist_drain(c, false, empties);
	return obj;
}

/* The previous magazine is full too: to the depot if it may stay, else back to the slabs. */
static void put_prev_away(struct slab_thread *t, struct slab_cache *c, struct slab__slot *s,
                          struct slab_list *empties)
{
	struct slab_magazine *m = s->prev;

	if (!slab_reserve_may_park(t, c, slab_slot_fill_pin_bytes(s), s->prev_count)) {
		slab_slot_give_prev(c, s, empties);
		if (slab_reserve_is_pinned(t, c, slab_slot_fill_pin_bytes(s)))
			slab_depot_flush(c, empties);
		return;
	}
	slab_write(&s->net, s->net - (int64_t)m->count);
	m->filler = (uint32_t)t->tid;
	slab_slot_set_prev(s, slab_depot_put(c, m));
}

/* An empty previous magazine as large as the loaded one is to be; none if there is to be one alone,
 * or no memory for it. */
static void fit_prev(struct slab__slot *s, struct slab_grant grant)
{
	uint32_t size = next_size(s, grant.cap);
	struct slab_magazine *m = NULL;

	if (grant.pair) {
		if (s->prev != NULL && s->prev->cap >= size)
			return;
		m = slab_magazine_get(size);
		if (m == NULL)
			return;
	}
	slab_magazine_put(s->prev);
	slab_slot_set_prev(s, m);
}

/* The loaded magazine, which is alone, becomes larger, as far as there is memory for it. */
static void enlarge(struct slab__slot *s, uint32_t cap)
{
	struct slab_magazine *old = slab_slot_loaded(s), *m;
	uint32_t size = next_size(s, cap);

	m = old->cap < size ? slab_magazine_get(size) : NULL;
	if (m == NULL)
		return;
	m->count = (uint16_t)slab_slot_count(s);
	memcpy(m->objs, old->objs, m->count * sizeof *m->objs);
	slab_slot_install(s, m, cap);
	slab_magazine_put(old);
}

/* The loaded magazine has room afterwards. False: no magazine could be had. */
static bool unload(struct slab_thread *t, struct slab_cache *c, struct slab__slot *s,
                   struct slab_grant grant, struct slab_list *empties)
{
	if (s->objs == NULL)
		return renew_loaded(t, s, grant.cap, empties);
	slab_slot_trim(c, s, grant.cap, empties); /* the grant may have shrunk */
	if (s->prev_count > 0)
		put_prev_away(t, c, s, empties);
	fit_prev(s, grant);
	if (!grant.pair)
		enlarge(s, grant.cap);
	if (slab_slot_count(s) < s->cap)
		return true;
	if (s->prev != NULL)
		swap(s, grant.cap);
	else
		slab_slot_trim(c, s, slab_slot_count(s) / 2, empties);
	return true;
}

/* Whether there is no room for one more, or a magazine more than is granted. */
static bool is_over(const struct slab__slot *s, struct slab_grant grant)
{
	return slab_slot_count(s) >= s->cap || (!grant.pair && s->prev_count > 0);
}

void slab_magazine_free(struct slab_thread *t, struct slab_cache *c, void *obj,
                        struct slab_list *empties)
{
	struct slab__slot *s = slot_with_magazines(t, c);
	struct slab_grant grant = { 0, false };
	uint32_t count;

	if (s != NULL) {
		slab_slot_begin(s);
		slab_slot_open(t, c, s);
		if (is_rare(c, s))
			s->grant++;
		else
			grant = ask(t, c, s, empties);
		if (grant.cap > 0 && is_over(s, grant) && !unload(t, c, s, grant, empties))
			grant.cap = 0;
		if (is_after_burst(c, s)) /* the next alloc ends it */
			replace_hot(c, s, 0, empties);
		else
			choose_hot(t, c, s);
		if (grant.cap > 0 && slab_read(&s->hot) == SLAB__VACANT) {
			/* where the fast path looks, should it be freed once more */
			slab_write(&s->hot, (uintptr_t)obj);
		} else if (grant.cap > 0) {
			count = slab_slot_count(s);
			s->objs[count] = obj;
			slab_slot_set_count(s, count + 1);
		}
		slab_slot_end(s);
	}
	if (grant.cap > 0)
		return;
	/* no magazine: straight to its slab */
	if (s != NULL)
		slab_slot_close(t, c, s, empties);
	slab_slot_give(c, NULL, &obj, 1, empties);
	slab_slablist_count_direct(c, 0, 1);
}
