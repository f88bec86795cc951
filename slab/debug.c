/*
 * debug.c - zones, poison and tracks around the objects of a cache under debug           Floor 6
 *
 * Called by slow.c, quarantine.c, release.c, verify.c and sized.c. What is written and checked is
 * what the kernel writes: zones of 0xbb around free and 0xcc around live objects, 0x6b up to a last
 * 0xa5 in free ones, 0x5a in new ones. Objects of a cache with a constructor are never written.
 */
#include <string.h>

#include "slab/debug.h"
#include "slab/bitmap.h"
#include "slab/config.h"
#include "slab/damage.h"
#include "slab/map.h"
#include "slab/misuse.h"
#include "slab/report.h"
#include "slab/span.h"

static bool has_zones(const struct slab_cache *c)
{
	return (c->flags & SLAB_RED_ZONE) != 0;
}

static bool has_poison(const struct slab_cache *c)
{
	return (c->flags & SLAB_POISON) != 0 && c->ctor == NULL;
}

/* ---- writing ---- */

static void set_zones(const struct slab_cache *c, void *obj, int byte)
{
	unsigned char *p = obj;

	if (!has_zones(c))
		return;
	memset(p - c->geo.lead_bytes, byte, c->geo.lead_bytes);
	memset(p + c->geo.object_bytes, byte, c->geo.track_offset - c->geo.object_bytes);
}

static void set_poison(const struct slab_cache *c, void *obj)
{
	unsigned char *p = obj;

	if (!has_poison(c))
		return;
	memset(p, SLAB_POISON_FREE, c->geo.object_bytes - 1);
	p[c->geo.object_bytes - 1] = SLAB_POISON_END;
}

static void set_state(const struct slab_cache *c, void *obj, uint64_t state)
{
	slab_write(&slab_track_of(c, obj)->state, state);
}

void slab_debug_format(const struct slab_cache *c, struct slab *s)
{
	for (uint32_t i = 0; i < c->geo.objects; i++) {
		void *obj = slab_object(s, &c->geo, i);

		memset(slab_track_of(c, obj), 0, slab_track_bytes(c->flags));
		set_zones(c, obj, SLAB_ZONE_FREE);
		set_poison(c, obj);
		set_state(c, obj, SLAB_TRACK_FREE);
	}
}

/* ---- checking ---- */

/* Whether all bytes from p on are as they should be; else where the wrong ones begin and end. */
static bool all_are(const unsigned char *p, size_t bytes, unsigned char should,
                    struct slab_damage *damage)
{
	const unsigned char *end = p + bytes;

	while (p < end && *p == should)
		p++;
	if (p == end)
		return true;
	while (end[-1] == should)
		end--;
	damage->from = p;
	damage->end = end;
	damage->should = should;
	return false;
}

static bool zones_are(const struct slab_cache *c, const void *obj, unsigned char should,
                      struct slab_damage *damage)
{
	const unsigned char *p = obj;
	size_t bytes = slab_track_asked(c, obj);

	if (!has_zones(c))
		return true;
	damage->what = "red zone behind the object overwritten";
	if (!all_are(p + bytes, c->geo.track_offset - bytes, should, damage))
		return false;
	damage->what = "red zone before the object overwritten";
	return all_are(p - c->geo.lead_bytes, c->geo.lead_bytes, should, damage);
}

static bool poison_is_whole(const struct slab_cache *c, const void *obj,
                            struct slab_damage *damage)
{
	const unsigned char *p = obj;
	size_t bytes = c->geo.object_bytes - 1;

	if (!has_poison(c))
		return true;
	damage->what = "poison overwritten: written after free";
	return all_are(p, bytes, SLAB_POISON_FREE, damage) &&
	       all_are(p + bytes, 1, SLAB_POISON_END, damage);
}

/* The first wrong byte of a record's state, against what it is likely to have been. */
static void state_damage(const struct slab_cache *c, const void *obj, uint64_t likely,
                         struct slab_damage *damage)
{
	const struct slab_track *track = slab_track_of(c, obj);
	const unsigned char *p = (const unsigned char *)&track->state;
	const unsigned char *should = (const unsigned char *)&likely;
	size_t i = 0;

	while (i < sizeof likely - 1 && p[i] == should[i])
		i++;
	*damage = (struct slab_damage){ "track record overwritten", p + i, p + i + 1, should[i] };
}

/* Whether a slot is as its state says; used: as its bit says. */
static bool slot_is_whole(const struct slab_cache *c, const void *obj, bool used,
                          struct slab_damage *damage)
{
	uint64_t state = slab_read(&slab_track_of(c, obj)->state);

	if (state == SLAB_TRACK_LIVE && used)
		return zones_are(c, obj, SLAB_ZONE_LIVE, damage);
	if (state == (used ? SLAB_TRACK_WAITING : SLAB_TRACK_FREE))
		return zones_are(c, obj, SLAB_ZONE_FREE, damage) && poison_is_whole(c, obj, damage);
	state_damage(c, obj, used ? SLAB_TRACK_LIVE : SLAB_TRACK_FREE, damage);
	return false;
}

/* Reports, and repairs if the program goes on. */
static void expect_whole(const struct slab_cache *c, void *obj, bool used, uint64_t state)
{
	struct slab_damage damage;

	/* overwritten in more than one place: each is a report */
	while (slab_unlikely(!slot_is_whole(c, obj, used, &damage))) {
		slab_damage_report(c, obj, &damage, true);
		memset((unsigned char *)obj + (damage.from - (unsigned char *)obj), damage.should,
		       (size_t)(damage.end - damage.from));
		if ((uintptr_t)damage.from >= (uintptr_t)slab_track_of(c, obj))
			set_state(c, obj, state);
	}
}

unsigned slab_debug_check(const struct slab_cache *c, const struct slab *s, bool fatal,
                          uint64_t *waiting)
{
	unsigned damaged = 0;

	for (uint32_t i = 0; i < c->geo.objects; i++) {
		void *obj = slab_object(s, &c->geo, i);
		bool used = slab_bit_test(s->bitmap, i);
		struct slab_damage damage;

		*waiting += slab_read(&slab_track_of(c, obj)->state) == SLAB_TRACK_WAITING;
		if (slab_likely(slot_is_whole(c, obj, used, &damage)))
			continue;
		damaged++;
		if (fatal)
			expect_whole(c, obj, used, used ? SLAB_TRACK_LIVE : SLAB_TRACK_FREE);
		else
			slab_damage_report(c, obj, &damage, false);
	}
	return damaged;
}

/* ---- alloc and free ---- */

bool slab_debug_must_fail(const struct slab_cache *c)
{
	static uint64_t turn; /* relaxed atomic */
	uint64_t x;

	if ((c->flags & SLAB_FAULT_INJECT) == 0)
		return false;
	x = slab_config()->fail_seed +
	    __atomic_add_fetch(&turn, 1, __ATOMIC_RELAXED) * 0x9e3779b97f4a7c15ULL;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL; /* splitmix64 */
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return (x ^ (x >> 31)) % slab_config()->fail_every == 0;
}

static void trace(const struct slab_cache *c, const char *call, const void *obj,
                  const struct slab_event *event)
{
	struct slab_report r;

	if ((c->flags & SLAB_TRACE) == 0)
		return;
	slab_report_begin(&r, "trace: ");
	slab_report_text(&r, call);
	slab_report_hex(&r, (uintptr_t)obj);
	slab_report_text(&r, " of ");
	slab_report_cache(&r, c);
	slab_report_text(&r, " by thread ");
	slab_report_dec(&r, event->thread);
	slab_report_write(&r);
}

void slab_debug_take(const struct slab_cache *c, void *obj, const struct slab_event *taken)
{
	struct slab_track *track = slab_track_of(c, obj);

	/* its bit is 1 by now, but in all else it is free still */
	expect_whole(c, obj, false, SLAB_TRACK_FREE);
	set_zones(c, obj, SLAB_ZONE_LIVE);
	if (has_poison(c))
		memset(obj, SLAB_POISON_NEW, c->geo.object_bytes);
	if ((c->flags & SLAB_STORE_USER) != 0) {
		track->taken = *taken;
		track->freed.time_ns = 0;
	}
	slab_write(&track->asked, c->geo.object_bytes);
	set_state(c, obj, SLAB_TRACK_LIVE);
	trace(c, "alloc ", obj, taken);
}

void slab_debug_trim(const struct slab_cache *c, void *obj, size_t bytes)
{
	if (!has_zones(c))
		return;
	memset((unsigned char *)obj + bytes, SLAB_ZONE_LIVE, c->geo.object_bytes - bytes);
	/* the zone first, for a validator that looks meanwhile */
	__atomic_store_n(&slab_track_of(c, obj)->asked, bytes, __ATOMIC_RELEASE);
}

static bool is_start(const struct slab_cache *c, const void *p)
{
	const struct slab *s = slab_of(&c->geo, p);
	uint32_t i = slab_slot_at(s, &c->geo, p);

	return i < c->geo.objects && slab_object(s, &c->geo, i) == p;
}

bool slab_debug_is_object(const struct slab_cache *c, const void *p)
{
	return is_start(c, p) && slab_debug_is_live(c, p);
}

size_t slab_debug_usable(const struct slab_cache *c, const void *p)
{
	return is_start(c, p) ? slab_track_asked(c, p) : c->geo.object_bytes;
}

/* The start of an object of c whose slab c holds; else it is reported. */
static bool is_object(const struct slab_cache *c, const void *obj)
{
	struct slab_report r;
	struct slab *s;
	uint32_t i = UINT32_MAX;

	pthread_mutex_lock(&slab_root.span_lock); /* the slab may be no more: not a byte is read */
	s = slab_span_held_locked(obj);
	if (s != NULL && slab_is_of(s, c))
		i = slab_slot_at(s, &c->geo, obj);
	pthread_mutex_unlock(&slab_root.span_lock);
	if (i < c->geo.objects && slab_object(s, &c->geo, i) == obj)
		return true;
	slab_misuse_write_free(&r, c, obj);
	if (i < c->geo.objects)
		slab_damage_add_users(&r, c, slab_object(s, &c->geo, i));
	slab_damage_send(&r);
	return false;
}

static void report_double(const struct slab_cache *c, const void *obj)
{
	struct slab_report r;

	slab_misuse_write_double(&r, c, obj);
	slab_damage_add_users(&r, c, obj);
	slab_damage_send(&r);
}

bool slab_debug_give(const struct slab_cache *c, void *obj, const struct slab_event *freed)
{
	struct slab_track *track = slab_track_of(c, obj);
	uint64_t live = SLAB_TRACK_LIVE;

	if (!is_object(c, obj))
		return false;
	if (!slab_debug_is_live(c, obj)) {
		report_double(c, obj);
		return false;
	}
	expect_whole(c, obj, true, SLAB_TRACK_LIVE);
	if (!__atomic_compare_exchange_n(&track->state, &live, SLAB_TRACK_WAITING, false,
	                                 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		report_double(c, obj); /* by two threads at the same time */
		return false;
	}
	if ((c->flags & SLAB_STORE_USER) != 0)
		track->freed = *freed;
	set_zones(c, obj, SLAB_ZONE_FREE);
	set_poison(c, obj);
	trace(c, "free ", obj, freed);
	return true;
}

void slab_debug_leave(const struct slab_cache *c, void *obj)
{
	expect_whole(c, obj, true, SLAB_TRACK_WAITING);
	set_state(c, obj, SLAB_TRACK_FREE);
}
