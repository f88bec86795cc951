/*
 * depot.c - the shelf of magazines of one cache                                          Floor 5
 *
 * Called by reserve.c, magazine.c, slot.c and cache.c. How much may stand here is decided above, in
 * reserve.h; the depot only keeps account of what it pins.
 * Source: Bonwick and Adams, "Magazines and Vmem" (2001), section 3.
 */
#define _GNU_SOURCE
#include "slab/depot.h"
#include "slab/check.h"
#include "slab/meta.h"
#include "slab/slabpage.h"

#define CONTENTION_WINDOW 64 /* exchanges after which contention is judged */
#define CONTENTION_LIMIT 8   /* locks found taken in a window that make magazines larger */
#define SPARES 64            /* most empty magazines that wait here for the next exchange */

void slab_depot_init(struct slab_depot *d)
{
	*d = (struct slab_depot){ .lock = SLAB_SHORT_LOCK };
}

static void lock(struct slab_depot *d)
{
	pthread_mutex_lock(&d->lock);
	slab_seq_begin(&d->generation);
}

static void lock_to_exchange(struct slab_depot *d)
{
	bool taken = pthread_mutex_trylock(&d->lock) != 0;

	if (taken)
		pthread_mutex_lock(&d->lock);
	slab_seq_begin(&d->generation);
	d->contended += taken;
}

static void unlock(struct slab_depot *d)
{
	slab_seq_end(&d->generation);
	pthread_mutex_unlock(&d->lock);
}

size_t slab_depot_may_pin(const struct slab_cache *c, uint64_t objects)
{
	uint64_t slabs = slab_read(&c->slabs.slabs), full = slab_read(&c->slabs.full);
	uint64_t thin = slab_read(&c->slabs.thin), each = slab_not_thin(&c->geo), between, rest;
	size_t all = slab_pin_bytes(c, slabs);

	if (objects <= thin || all > SLAB_SCATTERED_BYTES || full + thin > slabs /* changing */ ||
	    (objects >= slabs && all <= slab_read(&slab_root.reserve.reserve_bytes) / 2))
		return slab_pin_bytes(c, objects);
	rest = objects - thin;
	between = slabs - full - thin;
	if (rest >= slabs * c->geo.objects)
		return all;
	if (rest < between * each)
		return slab_pin_bytes(c, thin + (uint32_t)rest / (uint32_t)each);
	rest -= between * each;
	return slab_pin_bytes(c, thin + between + (uint32_t)rest / c->geo.objects);
}

static void account(struct slab_cache *c)
{
	struct slab_depot *d = &c->depot;
	uint64_t pin = slab_depot_may_pin(c, d->objects);

	if (pin == d->pin_bytes) /* all of a small cache: spare the atomic */
		return;
	__atomic_fetch_add(&slab_root.depot_pin_bytes, pin - d->pin_bytes, __ATOMIC_RELAXED);
	slab_write(&d->pin_bytes, pin);
}

/* Threads meet at this lock too often: larger magazines come here less. */
static void judge_contention(struct slab_cache *c)
{
	struct slab_depot *d = &c->depot;

	if (++d->exchanges < CONTENTION_WINDOW)
		return;
	if (d->contended >= CONTENTION_LIMIT && c->magazine_cap < SLAB_MAGAZINE_MAX)
		slab_write(&c->magazine_cap, c->magazine_cap * 2);
	d->exchanges = d->contended = 0;
}

static bool add_spare(struct slab_depot *d, struct slab_magazine *empty)
{
	if (empty == NULL || d->spares == SPARES)
		return false;
	empty->next = d->spare;
	empty->count = 0;
	d->spare = empty;
	slab_write(&d->spares, d->spares + 1);
	return true;
}

static struct slab_magazine *take_spare(struct slab_depot *d)
{
	struct slab_magazine *m = d->spare;

	if (m == NULL)
		return NULL;
	d->spare = m->next;
	slab_write(&d->spares, d->spares - 1);
	m->next = NULL;
	return m;
}

struct slab_magazine *slab_depot_get(struct slab_cache *c, struct slab_magazine *empty)
{
	struct slab_depot *d = &c->depot;
	struct slab_magazine *m;
	bool kept = false;

	if (slab_read(&d->objects) == 0)
		return NULL;
	lock_to_exchange(d);
	m = d->shelf;
	if (m != NULL) {
		d->shelf = m->next;
		m->next = NULL;
		slab_add(&d->objects, -(uint64_t)m->count);
		account(c);
		judge_contention(c);
		kept = add_spare(d, empty);
	}
	unlock(d);
	if (m != NULL && !kept)
		slab_magazine_put(empty);
	return m;
}

struct slab_magazine *slab_depot_put(struct slab_cache *c, struct slab_magazine *m)
{
	struct slab_depot *d = &c->depot;
	struct slab_magazine *empty;

	SLAB_ASSERT(m->count > 0 && m->count <= m->cap);
	lock_to_exchange(d);
	m->next = d->shelf;
	d->shelf = m;
	slab_add(&d->objects, m->count);
	account(c);
	judge_contention(c);
	empty = take_spare(d);
	unlock(d);
	return empty;
}

void slab_depot_reckon(struct slab_cache *c)
{
	struct slab_depot *d = &c->depot;
	uint64_t objects = slab_read(&d->objects);

	if (objects == 0 || slab_depot_may_pin(c, objects) <= slab_read(&d->pin_bytes))
		return;
	lock(d);
	account(c);
	unlock(d);
}

void slab_depot_drop_spares(struct slab_cache *c)
{
	struct slab_depot *d = &c->depot;
	struct slab_magazine *m;

	if (slab_read(&d->spares) == 0)
		return;
	do {
		lock(d);
		m = take_spare(d);
		unlock(d);
		slab_magazine_put(m);
	} while (m != NULL);
}
