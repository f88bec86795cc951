/*
 * budget.c - what a slot may park, within its thread's budget                            Floor 8
 *
 * Called by magazine.c at every exchange. A slot is charged with what it can pin at worst,
 * min(slabs of the cache, 2 magazines + 1) slabs, all of which together stay within
 * SLAB_THREAD_BYTES; and with what it pins as full as the slabs are now, for which a part of the
 * reserve is there (reserve.h). A slot whose cache grows meanwhile is charged again at its next
 * exchange.
 */
#include "slab/budget.h"
#include "slab/depot.h"
#include "slab/reserve.h"
#include "slab/slablist.h"
#include "slab/slot.h"

#define SWEEP_SPACING 64 /* exchanges at least between two sweeps over a thread's slots */
#define LEAST_FILL_BYTES ((size_t)32 << 10) /* of a large enough budget, where a cache grows */

/* What a large cache is freed is scattered over it, and served before what lies at its turn: the
 * fewer objects are parked, the nearer to each other come those that are allocated together. One
 * that only grows has no scattered ones. */
#define LARGE_CACHE_BYTES ((size_t)8 << 20)
#define LARGE_CACHE_CAP 32

/* How many slabs of c could be empty, were its objects in as few as hold them. */
static size_t slack_slabs(const struct slab_cache *c)
{
	uint64_t slabs = slab_read(&c->slabs.slabs), used = slab_read(&c->slabs.used);
	uint64_t all = slabs * c->geo.objects;

	return used < all ? (size_t)((all - used + c->geo.objects - 1) / c->geo.objects) : 0;
}

/* Whether there are free objects in more slabs than the one that is being filled. */
static bool is_scattered(const struct slab_cache *c)
{
	uint64_t whole = slab_read(&c->slabs.full) + slab_read(&c->slabs.empty);

	return slab_read(&c->slabs.slabs) > whole + 1;
}

/* What a slot of a cache that only grows may pin by fill, whatever others have taken: the slab that
 * is being filled is charged like one that could go, and with dozens of such caches nobody's share
 * would be a magazine. */
static size_t least_fill_bytes(const struct slab_cache *c)
{
	size_t part = is_scattered(c) ? 0 : slab_reserve_thread_budget() / 16;

	return part < LEAST_FILL_BYTES ? part : LEAST_FILL_BYTES;
}

/* How many objects a magazine of c may have if its slot may pin room; charges the slot. */
static uint32_t grant_within(struct slab_thread *t, struct slab_cache *c, struct slab__slot *s,
                             struct slab_pin room)
{
	size_t held = slab_pin_bytes(c, UINT64_MAX), slack = slack_slabs(c), k = c->geo.objects;
	unsigned shift = (unsigned)__builtin_ctz(c->geo.slab_bytes);
	size_t most = SIZE_MAX, parked = 0, least = 0;
	uint32_t cap = slab_read(&c->magazine_cap);
	struct slab_pin pin;

	if (room.fill_bytes < LEAST_FILL_BYTES)
		least = least_fill_bytes(c);
	if (room.fill_bytes < least)
		room.fill_bytes = least;
	if (held > room.fill_bytes) {
		most = room.fill_bytes >> shift;
		if (most > slack + 1 && (most - slack - 1) * k > most)
			most = (most - slack - 1) * k;
	}
	if (held > room.worst_bytes && most > room.worst_bytes >> shift)
		most = room.worst_bytes >> shift;
	if (held > LARGE_CACHE_BYTES && cap > LARGE_CACHE_CAP && is_scattered(c))
		cap = LARGE_CACHE_CAP;
	most = most > 0 ? (most - 1) / 2 : 0; /* two magazines and the hot object */
	if (cap > most)
		cap = (uint32_t)most;
	if (cap > 0)
		parked = (size_t)2 * cap + 1;
	pin.worst_bytes = slab_pin_bytes(c, parked);
	pin.fill_bytes = parked > 0 ? (slack + (parked + k - 1) / k) << shift : 0;
	if (pin.fill_bytes > pin.worst_bytes)
		pin.fill_bytes = pin.worst_bytes;
	slab_slot_charge(t, s, pin);
	return cap;
}

static size_t room_in(size_t budget, uint64_t used, size_t own, size_t part)
{
	size_t others = used - own;

	return budget > others ? (budget - others) / part : 0;
}

/* What a slot may have of the thread's budget: what others leave, or half of it, so that the next
 * one finds some, too. */
static struct slab_pin room_for(const struct slab_thread *t, const struct slab__slot *s,
                                struct slab_pin budget)
{
	size_t part = t->open > (s->objs != NULL) ? 2 : 1;

	return (struct slab_pin){
		room_in(budget.worst_bytes, t->pin_bytes, slab_slot_pin_bytes(s), part),
		room_in(budget.fill_bytes, t->fill_pin_bytes, slab_slot_fill_pin_bytes(s), part)
	};
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
	uint64_t word = slab_read(&s->word);
	uint16_t now = (uint16_t)(word ^ word >> SLAB__COUNT_BITS); /* count and allocs */

	if (now == s->seen && (s->seq & 1) == 0)
		slab_slot_close(t, c, s, sweep->empties);
	s->seen = now;
}

static void shrink_to_fair(struct slab_thread *t, struct slab_cache *c, void *ctx)
{
	struct sweep *sweep = ctx;
	struct slab__slot *s = slab_slot_opened(t, c);
	uint32_t cap;

	SLAB_ASSERT(s->objs != NULL || s->pin_4k == 0);
	if ((slab_slot_pin_bytes(s) <= sweep->fair.worst_bytes &&
	     slab_slot_fill_pin_bytes(s) <= sweep->fair.fill_bytes) || (s->seq & 1) != 0)
		return;
	cap = grant_within(t, c, s, sweep->fair);
	if (cap == 0) {
		slab_slot_close(t, c, s, sweep->empties);
		return;
	}
	slab_slot_begin(s);
	if (s->prev_count > cap)
		slab_slot_give_prev(c, s, sweep->empties);
	slab_slot_trim(c, s, cap, sweep->empties);
	slab_slot_set_cap(s, cap);
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

uint32_t slab_budget_grant(struct slab_thread *t, struct slab_cache *c, struct slab__slot *s,
                           struct slab_list *empties)
{
	struct slab_pin budget = {
		.worst_bytes = slab_read(&slab_root.thread_bytes),
		.fill_bytes = slab_reserve_thread_budget(),
	};

	/* one that may stay whole, parked anywhere, needs no half kept free for its depot */
	if (slab_reserve_may_park(t, c, slab_slot_fill_pin_bytes(s), UINT32_MAX))
		budget.fill_bytes = budget.worst_bytes;
	if (t->sweep_credit > 0)
		t->sweep_credit--;
	if (is_used_up(t, budget) && t->open > (s->objs != NULL)) /* others have some */
		balance(t, s->objs == NULL, empties);
	return grant_within(t, c, s, room_for(t, s, budget));
}
