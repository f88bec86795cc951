/*
 * verify.c - the executable definition of a consistent cache                             Floor 10
 *
 * Called by users and tests. One check per invariant of layout.h; each fault is one report, the
 * walk goes on as far as it can be trusted. Exact while no other thread uses the cache.
 */
#include "slab/layout.h"
#include "slab/bitmap.h"
#include "slab/check.h"
#include "slab/debug.h"
#include "slab/direct.h"
#include "slab/list.h"
#include "slab/map.h"
#include "slab/misuse.h"
#include "slab/report.h"
#include "slab/runs.h"
#include "slab/slabpage.h"
#include "slab/slot.h"
#include "slab/span.h"
#include "slab/thread.h"

struct verify {
	struct slab_cache *cache;
	int faults;
	uint64_t slabs, full, empty, thin, home, used, parked, waiting; /* as counted by walking */
};

static void fault(struct verify *v, const char *what, const void *where, uint64_t is,
                  uint64_t should)
{
	struct slab_report r;

	v->faults++;
	slab_report_begin(&r, "verify of ");
	slab_report_cache(&r, v->cache);
	slab_report_text(&r, ": ");
	slab_report_text(&r, what);
	if (where != NULL) {
		slab_report_text(&r, " at ");
		slab_report_hex(&r, (uintptr_t)where);
	}
	slab_report_text(&r, ": is ");
	slab_report_dec(&r, is);
	slab_report_text(&r, ", should be ");
	slab_report_dec(&r, should);
	slab_report_send(&r);
}

static void expect(struct verify *v, const char *what, const void *where, uint64_t is,
                   uint64_t should)
{
	if (is != should)
		fault(v, what, where, is, should);
}

/* One slab that a span says is held and whose header names the cache. */
static void check_slab(struct verify *v, const struct slab *s)
{
	const struct slab_geometry *geo = &v->cache->geo;
	uint32_t ones = slab_bit_count(s->bitmap, geo->words);
	uint32_t beyond = geo->words * 64 - geo->objects;
	uint16_t floor;

	if (geo->objects % 64 != 0 &&
	    (s->bitmap[geo->words - 1] >> (geo->objects % 64)) << (geo->objects % 64) !=
	        ~(uint64_t)0 << (geo->objects % 64))
		fault(v, "bits beyond the last slot", s, 0, 1);
	expect(v, "in_use of slab", s, s->in_use, ones - beyond);
	expect(v, "band of slab", s, s->band, slab_band(s, geo, &floor));
	expect(v, "band_floor of slab", s, s->band_floor, floor);
	v->slabs++;
	v->full += s->in_use == geo->objects;
	v->thin += s->band_floor == 1;
	v->empty += s->in_use == 0;
	v->used += ones - beyond;
	if (v->cache->mode == SLAB_MODE_DEBUG) /* zones, poison, tracks */
		v->faults += (int)slab_debug_check(v->cache, s, false, &v->waiting);
}

/* The states of a span's slabs, three bits each, and their counters. */
static void check_span(struct verify *v, const struct slab_span *span)
{
	uint64_t lost[SLAB_SPAN_WORDS], wrong[SLAB_SPAN_WORDS];

	for (uint32_t w = 0; w < SLAB_SPAN_WORDS; w++) {
		lost[w] = span->hole[w] & ~span->free[w];
		wrong[w] = span->warm[w] & (~span->free[w] | span->hole[w]);
	}
	expect(v, "free slabs of span", span, span->n_free,
	       slab_bit_count(span->free, SLAB_SPAN_WORDS));
	expect(v, "warm slabs of span", span, span->n_warm,
	       slab_bit_count(span->warm, SLAB_SPAN_WORDS));
	expect(v, "lost slabs of span", span, span->n_lost, slab_bit_count(lost, SLAB_SPAN_WORDS));
	expect(v, "warm slabs that are held or holes in span", span,
	       slab_bit_count(wrong, SLAB_SPAN_WORDS), 0);
}

/* What the span of a large cache knows of its slabs: home and partial were counted by walking. */
static void check_home(struct verify *v, const struct slab_span *span, uint32_t home,
                       uint32_t partial)
{
	const struct slab_span *oldest = v->cache->slabs.oldest;

	if (span->owner != v->cache)
		return;
	expect(v, "slabs at home in span", span, span->n_home, home);
	expect(v, "partial slabs in span", span, span->n_partial, partial);
	expect(v, "bits of partial slabs in span", span,
	       slab_bit_count(span->partial, SLAB_SPAN_WORDS), partial);
	if (partial > 0 && (oldest == NULL || span->home_serial < oldest->home_serial))
		fault(v, "a span with partial slabs older than the oldest such", span,
		      span->home_serial, oldest != NULL ? oldest->home_serial : 0);
	v->home += partial;
}

static bool is_partial_at_home(struct verify *v, const struct slab_span *span, uint32_t i,
                               const struct slab *s)
{
	bool partial = s->band == SLAB_BAND_HOME;

	expect(v, "at_home of slab", s, s->at_home, span->owner == v->cache);
	if (span->owner == v->cache)
		expect(v, "bit in the span of slab", s, slab_bit_test(span->partial, i), partial);
	return partial;
}

/* What the map says of slab i, on which the fast path of free relies. */
static void check_map(struct verify *v, const struct slab_span *span, uint32_t i)
{
	size_t bytes = slab_span_slab_bytes(span);
	uintptr_t base = span->base + i * bytes;

	if (slab_map_span((void *)base) != span)
		fault(v, "the map names another span for slab", (void *)base, 1, 0);
	for (uintptr_t page = base; page < base + bytes; page += (uintptr_t)1 << SLAB__PAGE_SHIFT)
		expect(v, "the number in the map of the cache that has the page", (void *)page,
		       slab_map_holder((void *)page), v->cache->number);
}

/* Through what free looks at the map. There is a window as soon as there was a slab. */
static void check_window(struct verify *v)
{
	const struct slab_cache *c = v->cache;
	const struct slab__window *w = c->by_size ? &slab_map_window : &c->window;
	const struct slab_map_leaf *l;

	if (c->slot_bytes == 0 || c->slabs.slabs == 0)
		return;
	l = slab_map_leaf(w->base % ((uintptr_t)1 << 48));
	expect(v, "bytes of the window before its leaf", w, w->base % SLAB_LEAF_BYTES, 0);
	expect(v, "window over the map", w, (uintptr_t)w->holder,
	       l == NULL ? 0 : (uintptr_t)(c->by_size ? l->by_size : l->number));
}

/* Every held slab, found through the spans: independent of the lists. */
static void check_slabs(struct verify *v)
{
	struct slab_list *pos;

	slab_list_for_each(pos, &slab_root.spans[v->cache->geo.order]) {
		struct slab_span *span = slab_container(pos, struct slab_span, all_link);
		uint32_t home = 0, partial = 0;

		check_span(v, span);
		for (uint32_t i = 0; i < span->slabs; i++) {
			struct slab *s = slab_span_slab_of(span, i, v->cache);

			if (s == NULL || slab_is_leaving(s))
				continue;
			check_slab(v, s);
			home++;
			partial += is_partial_at_home(v, span, i, s);
			check_map(v, span, i);
		}
		check_home(v, span, home, partial);
	}
}

/* The bands: every link leads to a slab of the cache and back, as often as there are slabs. */
static void check_bands(struct verify *v)
{
	uint64_t listed = 0, most = v->cache->slabs.slabs + 1;

	for (int b = 0; b < SLAB_BANDS; b++) {
		struct slab_list *head = &v->cache->slabs.band[b];
		struct slab_list *pos = head->next, *before = head;

		for (; pos != head && listed <= most; before = pos, pos = pos->next, listed++) {
			/* from whatever stands there, NULL even */
			uintptr_t at = (uintptr_t)pos - offsetof(struct slab, link);
			struct slab *s = (struct slab *)at, *held = slab_span_held_locked(s);

			if (held != s || !slab_is_of(s, v->cache)) {
				fault(v, "a slab of another cache on a partial list", s, 0, 1);
				break;
			}
			if (pos->prev != before)
				fault(v, "a broken link in slab", s, 0, 1);
			expect(v, "the list that slab stands on", s, (uint64_t)b, s->band);
		}
	}
	expect(v, "slabs on the partial lists", NULL, listed,
	       v->slabs - v->full - v->home);
}

static void check_parked(struct verify *v, void *const *objs, uint32_t n)
{
	const struct slab_geometry *geo = &v->cache->geo;

	for (uint32_t i = 0; i < n; i++) {
		void *obj = slab_read(&objs[i]); /* once: its thread may go on meanwhile */
		struct slab *s = slab_span_held_locked(obj);
		uint32_t slot;

		v->parked++;
		if (s == NULL || !slab_is_of(s, v->cache)) {
			fault(v, "a parked object of no slab of the cache", obj, 0, 1);
			continue;
		}
		slot = slab_slot_at(s, geo, obj);
		if (slot >= geo->objects || slab_object(s, geo, slot) != obj)
			fault(v, "a parked pointer that is no object", obj, 0, 1);
		else if (!slab_bit_test(s->bitmap, slot))
			fault(v, "a parked object whose slot is free", obj, 0, 1);
	}
}

static void check_magazine(struct verify *v, const struct slab_magazine *m, uint32_t count)
{
	if (m->bottom != NULL)
		fault(v, "the bottom of magazine", m, (uintptr_t)m->bottom, 0);
	if (count > m->cap)
		fault(v, "objects in magazine", m, count, m->cap);
	else
		check_parked(v, m->objs, count);
}

static void check_threads(struct verify *v)
{
	struct slab_list *pos;

	slab_list_for_each(pos, &slab_root.threads) {
		struct slab_thread *t = slab_container(pos, struct slab_thread, link);
		struct slab__slot *s = slab_slot(t, v->cache);
		void *hot;

		if (s == NULL)
			continue;
		if (s->objs == NULL) {
			expect(v, "the object beside a closed slot", s, slab_read(&s->hot), 0);
			continue;
		}
		hot = slab_slot_hot(s);
		check_parked(v, &hot, hot != NULL);
		check_magazine(v, slab_slot_loaded(s), slab_slot_count(s));
		if (s->prev != NULL) {
			expect(v, "objects in the previous magazine", s->prev, s->prev->count,
			       s->prev_count);
			check_magazine(v, s->prev, s->prev->count);
		}
	}
}

static void check_depot(struct verify *v)
{
	const struct slab_magazine *m;
	uint64_t objects = 0, pinned = 0;
	struct slab_list *pos;

	for (m = v->cache->depot.shelf; m != NULL; m = m->next) {
		objects += m->count;
		check_magazine(v, m, m->count);
		if (objects > v->used)
			break; /* a loop, or nonsense: said below */
	}
	expect(v, "objects in the depot", NULL, v->cache->depot.objects, objects);
	slab_list_for_each(pos, &slab_root.caches)
		pinned += slab_container(pos, struct slab_cache, link)->depot.pin_bytes;
	expect(v, "bytes that depots pin", NULL, slab_read(&slab_root.depot_pin_bytes), pinned);
}

static void check_totals(struct verify *v)
{
	const struct slab_slablist *l = &v->cache->slabs;

	expect(v, "number of slabs", NULL, slab_read(&l->slabs), v->slabs);
	expect(v, "number of full slabs", NULL, slab_read(&l->full), v->full);
	expect(v, "number of thin slabs", NULL, slab_read(&l->thin), v->thin);
	expect(v, "number of empty slabs", NULL, slab_read(&l->empty), v->empty);
	expect(v, "slots in use", NULL, slab_read(&l->used), v->used);
	expect(v, "objects in the quarantine", NULL, slab_read(&l->waiting), v->waiting);
	if (v->parked > v->used)
		fault(v, "objects parked, of those in use", NULL, v->parked, v->used);
	if (slab_read(&l->used_peak) < slab_read(&l->used))
		fault(v, "peak of slots in use", NULL, slab_read(&l->used_peak),
		      slab_read(&l->used));
}

/* Of the process, not of the cache: said in any case. */
static void run_fault(void *v, const char *what, const void *where, uint64_t is, uint64_t should)
{
	fault(v, what, where, is, should);
}

/* Mode M: the side table must know as many objects as the figures tell. */
static int verify_direct(struct verify *v)
{
	const struct slab_slablist *l = &v->cache->slabs;

	v->slabs = v->full = v->used = slab_direct_count(v->cache);
	check_totals(v);
	expect(v, "allocs - frees", NULL,
	       slab_read(&l->direct_allocs) - slab_read(&l->direct_frees), slab_read(&l->used));
	return v->faults;
}

EXPORT int slab_cache_verify(struct slab_cache *c)
{
	struct verify v = { .cache = c };
	const struct slab_runs_judge judge = { run_fault, &v };

	if (c->state != SLAB_CACHE_LIVE)
		slab_misuse_dead(c, "verify");
	if (c->mode == SLAB_MODE_MALLOC)
		return verify_direct(&v);
	slab_thread_stop_all();
	pthread_mutex_lock(&slab_root.span_lock); /* for what asks for it to be held */
	check_window(&v);
	check_slabs(&v);
	check_bands(&v);
	check_threads(&v);
	check_depot(&v);
	check_totals(&v);
	slab_runs_check_locked(&judge);
	pthread_mutex_unlock(&slab_root.span_lock);
	slab_thread_go_on();
	return v.faults;
}
