/*
 * slot.c - one thread's slots: their magazines                                           Floor 7
 *
 * Called by budget.c, magazine.c, thread.c (thread exit, fork), destroy.c, reap.c (flush) and
 * slow.c. What a slot may park is decided in budget.c; here it is charged to the thread.
 */
#include <string.h>

#include "slab/slot.h"
#include "slab/bitmap.h"
#include "slab/depot.h"
#include "slab/meta.h"
#include "slab/misuse.h"
#include "slab/reserve.h"
#include "slab/slablist.h"

void slab_slot_install(struct slab__slot *s, struct slab_magazine *m, uint32_t cap)
{
	slab_write(&s->objs, m->objs);
	slab_slot_set_cap(s, cap);
	slab_slot_set_count(s, m->count);
}

void slab_slot_set_prev(struct slab__slot *s, struct slab_magazine *m)
{
	slab_write(&s->prev, m);
	slab_write(&s->prev_count, m != NULL ? m->count : 0);
}

/* Beyond 256 MiB the charge stays there. */
static uint16_t charge(uint64_t *sum, uint16_t was_4k, size_t bytes)
{
	size_t units = (bytes + 4095) / 4096;
	uint16_t now_4k = (uint16_t)(units < UINT16_MAX ? units : UINT16_MAX);

	*sum += (uint64_t)now_4k * 4096 - (uint64_t)was_4k * 4096;
	return now_4k;
}

void slab_slot_charge(struct slab_thread *t, struct slab__slot *s, struct slab_pin pin)
{
	s->pin_4k = charge(&t->pin_bytes, s->pin_4k, pin.worst_bytes);
	s->fill_pin_4k = charge(&t->fill_pin_bytes, s->fill_pin_4k, pin.fill_bytes);
}

/* The allocs of word move to the cache before they overflow; what is parked stays net. */
static void fold(struct slab_cache *c, struct slab__slot *s)
{
	int64_t parked = slab_slot_parked(s);

	slab_slablist_retire(c, slab_read(&s->word) >> SLAB__COUNT_BITS, s->net - parked);
	slab_write(&s->net, parked);
	slab_write(&s->word, (uint64_t)slab_slot_count(s));
}

void slab_slot_open_first(struct slab_thread *t, struct slab_cache *c, struct slab__slot *s)
{
	s->cookie = slab_cookie(c);
	if (slab_unlikely(slab_read(&s->word) >> 63 != 0))
		fold(c, s);
	if (!slab_bit_test(t->touched, slab_slot_page(c))) {
		slab_bit_set(t->touched, slab_slot_page(c));
		slab_meta_account((int64_t)slab_root.page_bytes);
	}
}

void slab_slot_give(struct slab_cache *c, struct slab__slot *s, void **objs, uint32_t n,
                    struct slab_list *empties)
{
	struct slab_misuse misuse = slab_slablist_give(c, objs, n, empties);

	if (slab_unlikely(misuse.fault != SLAB_GOOD))
		slab_misuse_free(c, misuse.obj);
	slab_depot_reckon(c);
	if (s == NULL)
		return;
	slab_write(&s->net, s->net - (int64_t)n);
	if (slab_unlikely(slab_reserve_depots_exceed()))
		slab_depot_flush(c, empties);
}

void slab_slot_give_prev(struct slab_cache *c, struct slab__slot *s, struct slab_list *empties)
{
	if (s->prev_count == 0)
		return;
	slab_slot_give(c, s, s->prev->objs, s->prev_count, empties);
	s->prev->count = 0;
	slab_write(&s->prev_count, 0);
}

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

size_t slab_slot_close(struct slab_thread *t, struct slab_cache *c, struct slab__slot *s,
                       struct slab_list *empties)
{
	void *hot = slab_slot_hot(s);
	size_t n = slab_slot_parked(s);

	if (s->objs == NULL) { /* charged, but no magazine was to be had */
		slab_slot_charge(t, s, (struct slab_pin){ 0 });
		return 0;
	}
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
	s->grant = UINT16_MAX; /* not of a rarely used class */
	slab_slot_charge(t, s, (struct slab_pin){ 0 });
	t->open--;
	slab_slot_end(s);
	return n;
}

size_t slab_slot_flush(struct slab_thread *t, struct slab_cache *c, struct slab_list *empties)
{
	struct slab__slot *s = slab_slot(t, c);
	size_t n = s != NULL ? slab_slot_close(t, c, s, empties) : 0;

	if (s != NULL && s->cookie != 0)
		s->grant = 0;
	return n;
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
	uint64_t left = slab_read(&c->depot.objects);
	struct slab_magazine *m;

	/* what others put there meanwhile stays: they are quicker, and it would be all they free */
	while (left > 0 && (m = slab_depot_get(c, NULL)) != NULL) {
		left -= m->count < left ? m->count : left;
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
		slab_slot_charge(t, s, (struct slab_pin){ 0 });
	}
	slab_slot_retire(t, c);
}

void slab_slot_adopt_all(struct slab_thread *t)
{
	slab_slot_for_each(t, adopt_one, NULL);
}
