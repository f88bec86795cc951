/*
 * slot.c - one thread's slots: two magazines each, and what they may pin                 Floor 7
 *
 * Called by magazine.c, thread.c (thread exit, fork), cache.c (destroy) and reap.c (flush). A slot
 * is charged with what it can pin at worst, min(slabs of the cache, 2 magazines + 1) slabs, and
 * with what it pins as full as the slabs are now (reserve.h).
 * A slot whose cache grows meanwhile is charged again at its next slow path.
 */
#include <string.h>

#include "slab/slot.h"
#include "slab/bitmap.h"
#include "slab/depot.h"
#include "slab/meta.h"
#include "slab/misuse.h"
#include "slab/reserve.h"
#include "slab/slablist.h"

#define SWEEP_SPACING 64 /* slow paths at least between two sweeps over a thread's slots */

/* What a large cache is freed is scattered over it, and served before what lies at its turn: the
 * fewer objects are parked, the nearer to each other come those that are allocated together. One
 * that only grows has no scattered ones. */
#define LARGE_CACHE_BYTES ((size_t)8 << 20)
#define LARGE_CACHE_CAP 32

/* Makes m, with its m->count objects, the loaded magazine; at most cap objects are to be in it. */
void slab_slot_install(struct slab__slot *s, struct slab_magazine *m, uint32_t cap)
{
	slab_write(&s->objs, m->objs);
	if (s->hot == 0)
		slab_write(&s->hot, SLAB__VACANT);
	slab_slot_set_cap(s, cap);
	slab_slot_set_count(s, m->count);
}

void slab_slot_set_prev(struct slab__slot *s, struct slab_magazine *m)
{
	slab_write(&s->prev, m);
	slab_write(&s->prev_count, m != NULL ? m->count : 0);
}

/* Slab memory, counted twice: at worst, and as full as the slabs are now. */
struct pin {
	size_t worst_bytes, fill_bytes;
};

/* Beyond 256 MiB the charge stays there. */
static uint16_t charge(uint64_t *sum, uint16_t was_4k, size_t bytes)
{
	size_t units = (bytes + 4095) / 4096;
	uint16_t now_4k = (uint16_t)(units < UINT16_MAX ? units : UINT16_MAX);

	*sum += (uint64_t)now_4k * 4096 - (uint64_t)was_4k * 4096;
	return now_4k;
}

static void set_pin(struct slab_thread *t, struct slab__slot *s, struct pin pin)
{
	s->pin_4k = charge(&t->pin_bytes, s->pin_4k, pin.worst_bytes);
	s->fill_pin_4k = charge(&t->fill_pin_bytes, s->fill_pin_4k, pin.fill_bytes);
}

/* First use of a slot by this thread, or the first since it was closed. */
void slab_slot_open(struct slab_thread *t, struct slab_cache *c, struct slab__slot *s)
{
	size_t index = c->slot_bytes / sizeof *s;

	s->cookie = slab_cookie(c);
	if (!slab_bit_test(t->touched, (uint32_t)(index / SLAB_SLOTS_PER_PAGE))) {
		slab_bit_set(t->touched, (uint32_t)(index / SLAB_SLOTS_PER_PAGE));
		slab_meta_account((int64_t)slab_root.page_bytes);
	}
}

void slab_slot_give(struct slab_cache *c, struct slab__slot *s, void **objs, uint32_t n,
                 struct slab_list *empties)
{
	struct slab_misuse misuse = slab_slablist_give(c, objs, n, empties);

	if (slab_unlikely(misuse.fault != SLAB_GOOD))
		slab_misuse_free(c, misuse.obj);
	if (s != NULL)
		slab_write(&s->net, s->net - (int64_t)n);
}

void slab_slot_give_prev(struct slab_cache *c, struct slab__slot *s, struct slab_list *empties)
{
	if (s->prev_count == 0)
		return;
	slab_slot_give(c, s, s->prev->objs, s->prev_count, empties);
	s->prev->count = 0;
	slab_write(&s->prev_count, 0);
}

/* Leaves the keep newest objects in the loaded magazine. */
void slab_slot_trim(struct slab_cache *c, struct slab__slot *s, uint32_t keep,
                        struct slab_list *empties)
{
	uint32_t count = slab_slot_count(s);

	if (count <= keep)
		return;
	slab_slot_give(c, s, s->objs, count - keep, empties);
	memmove(s->objs, s->objs + (count - keep), keep * sizeof *s->objs);
	slab_slot_set_count(s, keep);
}

/* Everything to the slabs, both magazines away. The counters of the slot stay. */
size_t slab_slot_close(struct slab_thread *t, struct slab_cache *c, struct slab__slot *s,
                         struct slab_list *empties)
{
	void *hot = slab_slot_hot(s);
	size_t n = slab_slot_parked(s);

	if (s->objs == NULL)
		return 0;
	slab_slot_begin(s);
	slab_slot_give_prev(c, s, empties);
	slab_slot_trim(c, s, 0, empties);
	if (hot != NULL)
		slab_slot_give(c, s, &hot, 1, empties);
	slab_write(&s->hot, 0);
	slab_magazine_put(s->prev);
	slab_slot_set_prev(s, NULL);
	slab_magazine_put(slab_slot_loaded(s));
	slab_write(&s->cap, 0);
	slab_write(&s->objs, NULL);
	set_pin(t, s, (struct pin){ 0 });
	t->open--;
	slab_slot_end(s);
	return n;
}

/* ---- the thread's budget ---- */

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

/* How many objects a magazine of c may have if its slot may pin room; charges the slot. */
static uint32_t grant_within(struct slab_thread *t, struct slab_cache *c, struct slab__slot *s,
                             struct pin room)
{
	size_t held = slab_pin_bytes(c, UINT64_MAX), slack = slack_slabs(c), k = c->geo.objects;
	unsigned shift = (unsigned)__builtin_ctz(c->geo.slab_bytes);
	size_t most = SIZE_MAX, parked = 0;
	uint32_t cap = slab_read(&c->magazine_cap);
	struct pin pin;

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
	set_pin(t, s, pin);
	return cap;
}

static size_t room_in(size_t budget, uint64_t used, size_t own, size_t part)
{
	size_t others = used - own;

	return budget > others ? (budget - others) / part : 0;
}

/* What a slot may have of the thread's budget: what others leave, or half of it, so that the next
 * one finds some, too. */
static struct pin room_for(const struct slab_thread *t, const struct slab__slot *s,
                           struct pin budget)
{
	size_t part = t->open > (s->objs != NULL) ? 2 : 1;

	return (struct pin){
		room_in(budget.worst_bytes, t->pin_bytes, slab_slot_pin_bytes(s), part),
		room_in(budget.fill_bytes, t->fill_pin_bytes, slab_slot_fill_pin_bytes(s), part)
	};
}

static bool is_used_up(const struct slab_thread *t, struct pin budget)
{
	return t->pin_bytes > budget.worst_bytes - budget.worst_bytes / 8 ||
	       t->fill_pin_bytes > budget.fill_bytes - budget.fill_bytes / 8;
}

struct sweep {
	struct slab_list *empties;
	struct pin fair; /* what each slot may pin */
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

uint32_t slab_slot_grant(struct slab_thread *t, struct slab_cache *c, struct slab__slot *s,
                      struct slab_list *empties)
{
	struct pin budget = { slab_read(&slab_root.thread_bytes), slab_reserve_thread_budget() };

	/* one that may stay whole, parked anywhere, needs no half kept free for its depot */
	if (slab_reserve_may_park(t, c, slab_slot_fill_pin_bytes(s), UINT32_MAX))
		budget.fill_bytes = budget.worst_bytes;
	if (t->sweep_credit > 0)
		t->sweep_credit--;
	if (is_used_up(t, budget) && t->open > (s->objs != NULL)) /* others have some */
		balance(t, s->objs == NULL, empties);
	return grant_within(t, c, s, room_for(t, s, budget));
}

size_t slab_slot_flush(struct slab_thread *t, struct slab_cache *c, struct slab_list *empties)
{
	struct slab__slot *s = slab_slot(t, c);

	return s == NULL ? 0 : slab_slot_close(t, c, s, empties);
}

void slab_slot_for_each(struct slab_thread *t,
                            void (*fn)(struct slab_thread *t, struct slab_cache *c, void *ctx),
                            void *ctx)
{
	for (uint32_t page = 0; page < SLAB_SLOT_PAGES; page++) {
		if (!slab_bit_test(t->touched, page))
			continue;
		for (uint32_t i = 0; i < SLAB_SLOTS_PER_PAGE; i++) {
			struct slab__slot *s = &t->slots[page * SLAB_SLOTS_PER_PAGE + i];

			if (s->cookie != 0)
				fn(t, (struct slab_cache *)(s->cookie ^ slab_root.secret), ctx);
		}
	}
}

struct flush {
	struct slab_list *empties;
	size_t bytes;
};

static void flush_one(struct slab_thread *t, struct slab_cache *c, void *ctx)
{
	struct flush *flush = ctx;

	flush->bytes += slab_slot_flush(t, c, flush->empties) * c->geo.stride_bytes;
}

size_t slab_slot_flush_all(struct slab_thread *t, struct slab_list *empties)
{
	struct flush flush = { empties, 0 };

	slab_slot_for_each(t, flush_one, &flush);
	return flush.bytes;
}

void slab_depot_flush(struct slab_cache *c, struct slab_list *empties)
{
	struct slab_magazine *m;

	while ((m = slab_depot_get(c, NULL)) != NULL) {
		slab_slot_give(c, NULL, m->objs, m->count, empties);
		slab_magazine_put(m);
	}
	slab_depot_drop_spares(c);
}

void slab_slot_retire(struct slab_thread *t, struct slab_cache *c)
{
	struct slab__slot *s = slab_slot(t, c);

	if (s == NULL || s->cookie == 0)
		return;
	SLAB_BUG_ON(s->objs != NULL);
	slab_slot_begin(s);
	slab_slablist_retire(c, slab_read(&s->word) >> SLAB__COUNT_BITS, s->net);
	memset(s, 0, sizeof *s);
}

static void shelve(struct slab_cache *c, struct slab_magazine *m)
{
	slab_magazine_put(m != NULL && m->count > 0 ? slab_depot_put(c, m) : m);
}

/* To whichever magazine has room. False: nowhere; the object is lost. */
static bool adopt_hot(struct slab_cache *c, struct slab__slot *s)
{
	struct slab_magazine *m = slab_slot_loaded(s);

	if (m->count == m->cap)
		m = s->prev;
	if (m != NULL && m->count < m->cap) {
		m->objs[m->count++] = slab_slot_hot(s);
		return true;
	}
	m = slab_magazine_get(1);
	if (m == NULL)
		return false;
	m->objs[m->count++] = slab_slot_hot(s);
	slab_magazine_put(slab_depot_put(c, m));
	return true;
}

static void adopt_one(struct slab_thread *t, struct slab_cache *c, void *ctx)
{
	struct slab__slot *s = slab_slot_opened(t, c);

	(void)ctx;
	if (s->objs != NULL) {
		slab_slot_loaded(s)->count = (uint16_t)slab_slot_count(s);
		slab_write(&s->net, s->net - (int64_t)(slab_slot_loaded(s)->count + s->prev_count));
		if (slab_slot_hot(s) != NULL)
			slab_write(&s->net, s->net - adopt_hot(c, s));
		shelve(c, s->prev);
		shelve(c, slab_slot_loaded(s));
		s->objs = NULL;
		set_pin(t, s, (struct pin){ 0 });
	}
	slab_slot_retire(t, c);
}

void slab_slot_adopt_all(struct slab_thread *t)
{
	slab_slot_for_each(t, adopt_one, NULL);
}
