/*
 * misuse.c - naming what was done wrong                                                  Floor 5
 *
 * Called by every floor above when a free, or a call with a dead cache, cannot be right. Cold;
 * looks at everything again, from the address map on, because nothing about the pointer is known.
 */
#include <stdlib.h>

#include "slab/misuse.h"
#include "slab/bitmap.h"
#include "slab/map.h"
#include "slab/owner.h"
#include "slab/registry.h"
#include "slab/report.h"
#include "slab/slabpage.h"
#include "slab/span.h"

#define INTERIOR " is an interior pointer, not the start of an object"

static void add_slot(struct slab_report *r, const struct slab_cache *c, const struct slab *s,
                     const void *obj)
{
	uint32_t i = slab_slot_at(s, &c->geo, obj);

	if (i >= c->geo.objects) {
		bool behind = (uintptr_t)obj >= (uintptr_t)s + c->geo.header_bytes;

		slab_report_text(r, behind ? " (behind the last slot of slab "
		                           : " (in the header of slab ");
		slab_report_hex(r, slab_base(&c->geo, s));
		slab_report_text(r, ")");
		return;
	}
	slab_report_text(r, " (slot ");
	slab_report_dec(r, i);
	slab_report_text(r, " of slab ");
	slab_report_hex(r, slab_base(&c->geo, s));
	slab_report_text(r, ")");
}

/* obj lies in no slab: in a malloc block of ours (mode M), or nowhere. */
static void add_outside(struct slab_report *r, const struct slab_cache *c, const void *obj)
{
	void *start = NULL;
	uint64_t word = slab_owner_around(obj, &start);

	if (slab_owner_at(obj) != 0 && word == 0) {
		slab_report_text(r, " is a block of no cache: slab_free() takes it");
	} else if (word == 0) {
		slab_report_text(r, c != NULL ? " is no object of any cache"
		                              : " is no block of this allocator");
	} else if (c == NULL || slab_owner_cache(word) == c) {
		slab_report_text(r, INTERIOR);
	} else {
		slab_report_text(r, start == obj ? " belongs to " : " lies inside an object of ");
		slab_report_cache(r, slab_owner_cache(word));
	}
}

static void add_foreign(struct slab_report *r, const void *obj, const struct slab *s)
{
	const struct slab_cache *owner = slab_span_holder(s);

	if (owner == NULL) {
		size_t slab_bytes = slab_root.page_bytes << (slab_map_order1(obj) - 1);

		slab_report_text(r, " lies in slab ");
		slab_report_hex(r, (uintptr_t)obj & ~(slab_bytes - 1));
		slab_report_text(r, " whose header is damaged");
	} else {
		slab_report_text(r, " belongs to ");
		slab_report_cache(r, owner);
		add_slot(r, owner, s, obj);
	}
}

static struct slab *slab_around(const void *obj)
{
	struct slab *s;

	pthread_mutex_lock(&slab_root.span_lock);
	s = slab_span_held_locked(obj);
	pthread_mutex_unlock(&slab_root.span_lock);
	return s;
}

void slab_misuse_write_double(struct slab_report *r, const struct slab_cache *c, const void *obj)
{
	slab_report_begin(r, "double free: ");
	slab_report_hex(r, (uintptr_t)obj);
	slab_report_text(r, " of ");
	slab_report_cache(r, c);
	slab_report_text(r, " is free already");
	add_slot(r, c, slab_of(&c->geo, obj), obj);
}

static void write_bad(struct slab_report *r, const char *what, const struct slab_cache *c,
                      const void *obj, const struct slab *s)
{
	slab_report_begin(r, what);
	slab_report_hex(r, (uintptr_t)obj);
	if (c != NULL) {
		slab_report_text(r, " freed to ");
		slab_report_cache(r, c);
	}
	if (s == NULL) {
		add_outside(r, c, obj);
	} else if (c == NULL || !slab_is_of(s, c)) {
		add_foreign(r, obj, s);
	} else {
		slab_report_text(r, INTERIOR);
		add_slot(r, c, s, obj);
	}
}

void slab_misuse_write_free(struct slab_report *r, const struct slab_cache *c, const void *obj)
{
	struct slab *s = slab_around(obj);
	uint32_t i;

	if (s != NULL && slab_is_of(s, c)) {
		i = slab_slot_at(s, &c->geo, obj);
		if (i < c->geo.objects && slab_object(s, &c->geo, i) == obj) {
			slab_misuse_write_double(r, c, obj);
			return;
		}
	}
	write_bad(r, "bad free: ", c, obj, s);
}

void slab_misuse_say_free(const char *what, const struct slab_cache *c, const void *obj)
{
	struct slab_report r;

	slab_registry_lock(); /* no fork meanwhile: the process may go on */
	write_bad(&r, what, c, obj, slab_around(obj));
	slab_registry_unlock();
	slab_report_send(&r);
}

void slab_misuse_free(const struct slab_cache *c, const void *obj)
{
	struct slab_report r;

	slab_misuse_write_free(&r, c, obj);
	slab_report_abort(&r);
}

void slab_misuse_double(const struct slab_cache *c, const void *obj)
{
	struct slab_report r;

	slab_misuse_write_double(&r, c, obj);
	slab_report_abort(&r);
}

void slab_misuse_say_dead(const struct slab_cache *c, const char *call)
{
	struct slab_report r;

	slab_report_begin(&r, "use after destroy: ");
	slab_report_text(&r, call);
	slab_report_text(&r, " with ");
	slab_report_cache(&r, c);
	slab_report_text(&r, ", which has been destroyed");
	slab_report_send(&r);
}

void slab_misuse_own_destroy(const struct slab_cache *c)
{
	struct slab_report r;

	slab_report_begin(&r, "bad destroy: ");
	slab_report_cache(&r, c);
	slab_report_text(&r, " is destroyed by a destructor of its own objects, for whose end "
	                     "destroy waits");
	slab_report_abort(&r);
}

void slab_misuse_dead(const struct slab_cache *c, const char *call)
{
	slab_misuse_say_dead(c, call);
	abort();
}
