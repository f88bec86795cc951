/*
 * budget.c - what a slot may park, within its thread's budget                            Floor 8
 *
 * Called by magazine.c at every exchange, and by cache.c for the size of one. A slot is charged
 * with what it can pin at worst, min(slabs of the cache, objects granted) slabs, all of which
 * together stay within SLAB_THREAD_BYTES; and with what it pins as full as the slabs are now, for
 * which a part of the reserve is there (reserve.h). Of that each slot may have an equal share,
 * whatever others have taken before: they shrink to theirs. What is granted holds for a few
 * exchanges, but a slot whose cache grows beyond its charge is charged again at the next one.
 */
#include "slab/budget.h"
#include "slab/depot.h"
#include "slab/reserve.h"
#include "slab/slablist.h"
#include "slab/slot.h"

#define PAIR_LEAST 64 /* objects: two magazines of so many are not short */
#define PASSED_LEAST 8 /* blocks of a size class: fewer, and so large ones, do not pass the depot */
#define SWEEP_SPACING 64 /* exchanges at least between two sweeps over a thread's slots */
#define RENEWALS 7 /* exchanges after it for which a grant holds: reckoning takes as long as one */

/* slot.grant of a slot with a magazine */
#define GRANT_PAIR    1u
#define GRANT_RENEWAL 2u  /* one of at most RENEWALS */
#define GRANT_CAP     16u /* one object */

/* Where what is parked would be served out of turn, a magazine has so many: see parks_few(). */
#define SCATTERED_CAP 32
#define DRAINING_LEAST (16 * SLAB_MAGAZINE_MAX) /* objects of a burst of frees */

/* Whether there are free objects in more slabs than the one that is being filled. */
static bool is_scattered(const struct slab_cache *c)
{
	uint64_t whole = slab_read(&c->slabs.full) + slab_read(&c->slabs.empty);

	return slab_read(&c->slabs.slabs) > whole + 1;
}

/*
 * What is parked comes from anywhere, and is served before that whose turn it is by address. So a
 * slot parks few of a cache beyond SLAB_SCATTERED_BYTES, once it is scattered (one that only grows
 * is not), and of any while a burst of frees goes back to its slabs.
 */
static bool parks_few(const struct slab_cache *c, size_t held)
{
	return (held > SLAB_SCATTERED_BYTES && is_scattered(c)) ||
	       slab_slablist_is_draining(c, DRAINING_LEAST);
}

/* Slabs that a few parked objects may pin: the thin ones, but for that which is being filled. */
static uint64_t thin_slabs(const struct slab_cache *c)
{
	uint64_t thin = slab_read(&c->slabs.thin);

	return thin > 0 ? thin - 1 : 0;
}

/* What so many parked objects of c pin as full as its slabs are: a thin slab each, as far as
 * there are any, and their share of all slabs. At most what they pin at worst. */
static size_t fill_pin_bytes(const struct slab_cache *c, uint64_t parked)
{
	uint64_t used = slab_read(&c->slabs.used), thin = thin_slabs(c);
	size_t worst = slab_pin_bytes(c, parked), pin;

	if (parked >= used)
		return worst;
	pin = (parked < thin ? parked : thin) * c->geo.slab_bytes +
	      parked * slab_pin_bytes(c, UINT64_MAX) / used;
	return pin < worst ? pin : worst;
}

/* The most objects whose fill_pin_bytes() are within room, of a cache that holds more than room. */
static uint64_t most_by_fill(const struct slab_cache *c, size_t room, size_t held)
{
	uint64_t used = slab_read(&c->slabs.used), thin = thin_slabs(c), most = 0;
	size_t slab_bytes = c->geo.slab_bytes;

	if (room > thin * slab_bytes)
		most = (room - thin * slab_bytes) * used / held;
	return most > thin ? most : room * used / (used * slab_bytes + held);
}

uint32_t slab_budget_cap(const struct slab_geometry *geo, bool by_size)
{
	size_t size = geo->object_bytes;

	if (geo->objects < 8 && size > 4096 && by_size)
		return size > 16384 ? 2 : 4;
	if (geo->objects < 8 && size > 4096)
		return size > 8192 ? 0 : 2;
	return size <= 256 ? 256 : size <= 512 ? 64 : size <= 1024 ? 32 : size <= 4096 ? 16 : 8;
}

/*
 * Two magazines pass the depot as they are, which suits batches. One of both their lengths, which
 * is filled and emptied by half, is exchanged less often by calls in any order: it is what a slot
 * has if two would be short, and a few large blocks of a size class are not to pass the depot.
 */
static struct slab_grant divide(const struct slab_cache *c, uint32_t cap, uint64_t most)
{
	uint32_t asked = slab_budget_cap(&c->geo, c->by_size); /* not by contention */
	bool is_short = most < 4 || (most / 2 < PAIR_LEAST &&
	                             (c->by_size || most / 2 + 1 < asked / 2));

	if (c->by_size && asked < PASSED_LEAST)
		return (struct slab_grant){ (uint32_t)(most < asked ? most : asked), false };
	if (most / 2 >= cap)
		return (struct slab_grant){ cap, true };
	return (struct slab_grant){ (uint32_t)(is_short ? most : most / 2), !is_short };
}

/* What slot s of c may park if it may pin room; charges the slot. */
static struct slab_grant grant_within(struct slab_thread *t, struct slab_cache *c,
                                      struct slab__slot *s, struct slab_pin room)
{
	size_t held = slab_pin_bytes(c, UINT64_MAX);
	uint64_t most = UINT64_MAX, parked = 0, hot = slab_slot_may_have_hot(t, c);
	uint32_t cap = slab_read(&c->magazine_cap);
	struct slab_grant grant;

	if (held > room.fill_bytes)
		most = most_by_fill(c, room.fill_bytes, held);
	if (held > room.worst_bytes && most > room.worst_bytes / c->geo.slab_bytes)
		most = room.worst_bytes / c->geo.slab_bytes;
	if (cap > SCATTERED_CAP && parks_few(c, held))
		cap = SCATTERED_CAP;
	grant = divide(c, cap, most > hot ? most - hot : 0);
	if (grant.cap > 0)
		parked = ((uint64_t)grant.cap << grant.pair) + hot;
	slab_slot_charge(t, s, (struct slab_pin){ slab_pin_bytes(c, parked),
	                                          fill_pin_bytes(c, parked) });
	if (s->objs != NULL)
		s->grant = (uint16_t)(grant.cap * GRANT_CAP + grant.pair * GRANT_PAIR);
	return grant;
}

static size_t room_in(size_t budget, uint64_t used, size_t own, size_t part)
{
	size_t others = used - own;

	return budget > others ? (budget - others) / part : 0;
}

/* What a slot may have of the thread's budget: what others leave, or half of it, so that the next
 * one finds some, too; by fill an equal share at least, as an object from a slab is dear. */
static struct slab_pin room_for(const struct slab_thread *t, const struct slab__slot *s,
                                struct slab_pin budget)
{
	uint64_t others = t->open - (s->objs != NULL);
	size_t part = others > 0 ? 2 : 1, fair = budget.fill_bytes / (others + 1);
	struct slab_pin room = {
		room_in(budget.worst_bytes, t->pin_bytes, slab_slot_pin_bytes(s), part),
		room_in(budget.fill_bytes, t->fill_pin_bytes, slab_slot_fill_pin_bytes(s), part)
	};

	if (room.fill_bytes < fair)
		room.fill_bytes = fair;
	return room;
}

static bool is_used_up(const struct slab_thread *t, struct slab_pin budget)
{
	return t->pin_bytes > budget.worst_bytes - budget.worst_bytes / 8 ||
	       t->fill_pin_bytes > budget.fill_bytes - budget.fill_bytes / 8;
}

struct sweep {
	struct slab_list *empties;
	struct slab_pin fair; /* what each slot may pin */
};

static void close_if_idle(struct slab_thread *t, struct slab_cache *c, void *ctx)
{
	struct sweep *sweep = ctx;
	struct slab__slot *s = slab_slot_opened(t, c);
	uint32_t now = slab_slot_tick(s);

	if ((s->seq & 1) != 0) /* the one that is being used */
		return;
	if (s->objs == NULL || now == slab_slot_loaded(s)->seen)
		slab_slot_close(t, c, s, sweep->empties);
	else
		slab_slot_loaded(s)->seen = now;
}

static void shrink_to_fair(struct slab_thread *t, struct slab_cache *c, void *ctx)
{
	struct sweep *sweep = ctx;
	struct slab__slot *s = slab_slot_opened(t, c);
	struct slab_grant grant;

	SLAB_ASSERT(s->objs != NULL || s->pin_4k == 0);
	if ((slab_slot_pin_bytes(s) <= sweep->fair.worst_bytes &&
	     slab_slot_fill_pin_bytes(s) <= sweep->fair.fill_bytes) || (s->seq & 1) != 0)
		return;
	grant = grant_within(t, c, s, sweep->fair);
	if (grant.cap == 0) {
		slab_slot_close(t, c, s, sweep->empties);
		return;
	}
	slab_slot_begin(s);
	if (!grant.pair || s->prev_count > grant.cap)
		slab_slot_give_prev(c, s, sweep->empties);
	slab_slot_trim(c, s, grant.cap, sweep->empties);
	slab_slot_set_cap(s, grant.cap);
	slab_slot_end(s);
}

/* The budget is used up: slots that were not used since the last time close, large ones shrink.
 * Not more often than every so many slow paths, so that its cost stays spread. */
static void balance(struct slab_thread *t, uint64_t newcomers, struct slab_list *empties)
{
	struct sweep sweep = { empties, { 0 } };

	if (t->sweep_credit > 0)
		return;
	slab_slot_for_each(t, close_if_idle, &sweep);
	sweep.fair.worst_bytes = slab_read(&slab_root.thread_bytes) / (t->open + newcomers);
	sweep.fair.fill_bytes = slab_reserve_thread_budget() / (t->open + newcomers);
	slab_slot_for_each(t, shrink_to_fair, &sweep);
	t->sweep_credit = (uint32_t)t->open + SWEEP_SPACING;
}

/* Grants slot s what it may park from now on: see slab_budget_grant(). */
static __attribute__((noinline)) struct slab_grant reckon(struct slab_thread *t,
                                                          struct slab_cache *c,
                                                          struct slab__slot *s,
                                                          struct slab_list *empties)
{
	struct slab_grant grant;
	struct slab_pin budget = {
		.worst_bytes = slab_read(&slab_root.thread_bytes),
		.fill_bytes = slab_reserve_thread_budget(),
	};

	/* one that may stay whole, parked anywhere, needs no half kept free for its depot */
	if (slab_reserve_may_stay(t, c, slab_slot_fill_pin_bytes(s)))
		budget.fill_bytes = budget.worst_bytes;
	if (is_used_up(t, budget) && t->open > (s->objs != NULL)) /* others have some */
		balance(t, s->objs == NULL, empties);
	grant = grant_within(t, c, s, room_for(t, s, budget));
	if (s->objs != NULL && grant.cap > 0)
		s->grant += RENEWALS * GRANT_RENEWAL;
	return grant;
}

static struct slab_grant last_grant(const struct slab__slot *s)
{
	return (struct slab_grant){ s->grant / GRANT_CAP, (s->grant & GRANT_PAIR) != 0 };
}

/* Whether the last grant holds: all that it lets the slot pin is charged, though the cache may
 * have more slabs since, and the thread may pin as much. */
static bool holds(const struct slab_thread *t, const struct slab_cache *c,
                  const struct slab__slot *s)
{
	struct slab_grant grant = last_grant(s);
	uint32_t parked = (grant.cap << grant.pair) + slab_slot_may_have_hot(t, c);

	return s->objs != NULL && s->grant % GRANT_CAP >= GRANT_RENEWAL &&
	       t->pin_bytes <= slab_read(&slab_root.thread_bytes) &&
	       slab_pin_bytes(c, parked) <= slab_slot_pin_bytes(s);
}

struct slab_grant slab_budget_grant(struct slab_thread *t, struct slab_cache *c,
                                    struct slab__slot *s, struct slab_list *empties)
{
	if (t->sweep_credit > 0)
		t->sweep_credit--;
	if (!holds(t, c, s))
		return reckon(t, c, s, empties);
	s->grant -= GRANT_RENEWAL;
	return last_grant(s);
}
