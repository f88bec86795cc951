/*
 * slow.c - what the inline fast path of slab.h does not do itself                        Floor 10
 *
 * Called by every user through slab.h: the named slow paths of alloc and free, the calls for many
 * objects, and the out-of-line twins of alloc and free. Out of memory comes up to here as NULL; it
 * is decided here: free what is parked and try again, give everything back and try once more.
 */
#define SLAB_NO_INLINE
#include <errno.h>
#include <string.h>

#include "slab/layout.h"
#include "slab/check.h"
#include "slab/debug.h"
#include "slab/direct.h"
#include "slab/fallow.h"
#include "slab/list.h"
#include "slab/magazine.h"
#include "slab/map.h"
#include "slab/misuse.h"
#include "slab/quarantine.h"
#include "slab/registry.h"
#include "slab/release.h"
#include "slab/reserve.h"
#include "slab/slablist.h"
#include "slab/slot.h"
#include "slab/span.h"
#include "slab/take.h"
#include "slab/thread.h"
#include "slab/track.h"

/* Constructs every object of a slab that is nobody's yet; the thread is unlocked meanwhile.
 * Returns 0, or the errno of the constructor that failed; nothing half-built stays. */
static int construct(struct slab_thread *t, struct slab_cache *c, struct slab *s)
{
	int error = 0, cancel;
	uint32_t i;

	/* a constructor that opens a file is no place to end at: nobody has s yet */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	slab_thread_unlock(t);
	for (i = 0; i < c->geo.objects; i++) {
		errno = ENOMEM; /* unless the constructor says otherwise */
		if (c->ctor(slab_object(s, &c->geo, i), c->ctx) == 0)
			continue;
		error = errno != 0 ? errno : ENOMEM;
		while (i-- > 0 && c->dtor != NULL)
			c->dtor(slab_object(s, &c->geo, i), c->ctx);
		break;
	}
	pthread_mutex_lock(&t->lock);
	pthread_setcancelstate(cancel, NULL);
	return error;
}

enum growth { GREW, NO_MEMORY, CTOR_FAILED };

/* Gives the cache one more slab; leaves the reason in *error if it cannot. */
static enum growth grow(struct slab_thread *t, struct slab_cache *c, int *error)
{
	struct slab *s = slab_span_take(c);

	*error = s != NULL ? 0 : ENOMEM;
	if (s == NULL)
		return NO_MEMORY;
	slab_format(s, &c->geo);
	if (slab_unlikely(c->mode == SLAB_MODE_DEBUG))
		slab_debug_format(c, s);
	if (c->ctor != NULL) {
		*error = construct(t, c, s);
		if (*error != 0) {
			slab_span_put(c, s);
			return CTOR_FAILED;
		}
	}
	slab_slablist_add(c, s);
	return GREW;
}

/* Empties the depots of all caches: together they pin more than the process may keep. */
static void empty_depots(void)
{
	struct slab_list *pos, empties;
	struct slab_thread *t;

	slab_list_init(&empties);
	slab_registry_lock();
	slab_list_for_each(pos, &slab_root.caches)
		slab_depot_flush(slab_container(pos, struct slab_cache, link), &empties);
	slab_registry_unlock();
	t = slab_thread_lock_to_free();
	slab_release(t, &empties);
	slab_thread_unlock(t);
}

/* Memory is short: first what is parked becomes free slots and warm slabs, which need no mapping;
 * then everything goes back to the kernel, which may map it where it is wanted. */
static void relieve(struct slab_thread *t, int step)
{
	slab_thread_unlock(t);
	if (step == 0) {
		slab_thread_flush();
		empty_depots();
	} else {
		slab_reap();
		slab_fallow_yield(SLAB_SPAN_MIN_BYTES);
	}
	pthread_mutex_lock(&t->lock);
}

/* An object for the thread, which is locked. NULL: *error says why. */
static void *take_one(struct slab_thread *t, struct slab_cache *c, struct slab_list *empties,
                      int *error)
{
	int relieved = 0;
	void *obj;

	while ((obj = slab_magazine_alloc(t, c, empties)) == NULL) {
		enum growth growth;

		slab_release(t, empties); /* a constructor may destroy their caches */
		growth = grow(t, c, error);
		if (growth == CTOR_FAILED || (growth == NO_MEMORY && relieved == 2))
			break;
		if (growth == NO_MEMORY)
			relieve(t, relieved++);
	}
	return obj;
}

/* Locks the thread; before that notes who calls a cache under debug, and when, if wanted. */
static struct slab_thread *note_and_lock(const struct slab_cache *c, struct slab_event *event,
                                         const void *caller, bool frees)
{
	bool wanted = (c->flags & (SLAB_STORE_USER | SLAB_TRACE)) != 0;
	struct slab_thread *t;

	event->time_ns = 0;
	if (wanted) /* before any lock */
		slab_event_set(event, (c->flags & SLAB_STORE_USER) != 0 ? caller : NULL);
	t = frees ? slab_thread_lock_to_free() : slab_thread_lock();
	if (wanted)
		event->thread = t->tid != 0 ? (uint32_t)t->tid : slab_track_thread();
	return t;
}

/* take_one() for a cache under debug, called from caller; locks the thread itself. */
static void *take_debugged(struct slab_cache *c, const void *caller, struct slab_list *empties,
                           int *error)
{
	struct slab_event event;
	struct slab_thread *t;
	void *obj;

	*error = ENOMEM;
	if (slab_debug_must_fail(c))
		return NULL;
	t = note_and_lock(c, &event, caller, false);
	obj = take_one(t, c, empties, error);
	if (obj != NULL)
		slab_debug_take(c, obj, &event);
	slab_release(t, empties);
	slab_thread_unlock(t);
	return obj;
}

EXPORT void *slab__alloc_slow(struct slab_cache *c)
{
	int saved_errno = errno, error = 0;
	struct slab_list empties;
	struct slab_thread *t;
	void *obj;

	if (slab_unlikely(c->state != SLAB_CACHE_LIVE))
		slab_misuse_dead(c, "alloc");
	if (slab_unlikely(c->mode == SLAB_MODE_MALLOC))
		return slab_direct_alloc(c, c->geo.object_bytes);
	slab_list_init(&empties);
	if (slab_unlikely(c->mode == SLAB_MODE_DEBUG)) {
		obj = take_debugged(c, __builtin_return_address(0), &empties, &error);
	} else {
		t = slab_thread_lock();
		obj = take_one(t, c, &empties, &error);
		slab_release_in_turn(t, &empties);
		slab_thread_unlock(t);
	}
	if (obj == NULL)
		__atomic_fetch_add(&c->alloc_failures, 1, __ATOMIC_RELAXED);
	errno = obj != NULL ? saved_errno : error;
	return obj;
}

/* Says what is wrong with a pointer before anything trusts it. */
static void check_free(struct slab_cache *c, void *obj)
{
	struct slab__slot *s = slab__slot_of(c);
	uint32_t count = slab_slot_count(s);

	if (slab_unlikely(slab_map_order1(obj) != c->geo.order + 1 ||
	                  slab_map_holder(obj) != c->number ||
	                  (c->number == 0 && !slab_is_of(slab_of(&c->geo, obj), c))))
		slab_misuse_free(c, obj);
	if (slab_unlikely(slab_slot_hot(s) == obj || (count > 0 && s->objs[count - 1] == obj)))
		slab_misuse_double(c, obj);
}

/* slab__free_slow() for a cache under debug, called from caller. */
static void give_debugged(struct slab_cache *c, void *obj, const void *caller)
{
	struct slab_list empties;
	struct slab_event event;
	struct slab_thread *t;

	slab_list_init(&empties);
	t = note_and_lock(c, &event, caller, true);
	if (slab_debug_give(c, obj, &event)) {
		slab_slablist_count_direct(c, 0, 1);
		slab_quarantine_put(c, obj, &empties);
	}
	slab_release_in_turn(t, &empties);
	slab_thread_unlock(t);
}

static size_t slot_pin_bytes(struct slab_thread *t, const struct slab_cache *c)
{
	const struct slab__slot *s = slab_slot(t, c);

	return s != NULL ? slab_slot_fill_pin_bytes(s) : 0;
}

static __attribute__((noinline)) void free_slowly(struct slab_cache *c, void *obj,
                                                  const void *caller)
{
	int saved_errno = errno;
	struct slab_list empties;
	struct slab_thread *t;
	bool pinned;

	if (obj == NULL)
		return;
	if (slab_unlikely(c->mode == SLAB_MODE_MALLOC)) {
		slab_direct_free(c, obj);
		return;
	}
	if (slab_unlikely(c->state != SLAB_CACHE_LIVE))
		slab_misuse_dead(c, "free");
	if (slab_unlikely(c->mode == SLAB_MODE_DEBUG)) {
		give_debugged(c, obj, caller);
		errno = saved_errno;
		return;
	}
	check_free(c, obj);
	slab_list_init(&empties);
	t = slab_thread_lock_to_free();
	slab_magazine_free(t, c, obj, &empties);
	slab_release_in_turn(t, &empties);
	pinned = slab_reserve_is_pinned(t, c, slot_pin_bytes(t, c));
	slab_thread_unlock(t);
	if (slab_unlikely(pinned))
		empty_depots();
	errno = saved_errno;
}

/* Whether obj lies in a slab of c where slab.h does not look: of a cache in several leaves. */
static bool is_beyond_window(const struct slab_cache *c, const void *obj)
{
	uintptr_t base = slab_read(&c->window.base);

	return base != SLAB__NOWHERE &&
	       ((uintptr_t)obj - base) >> SLAB__PAGE_SHIFT >= SLAB__LEAF_PAGES &&
	       slab_map_order1(obj) != 0 && slab_map_holder(obj) == c->number;
}

EXPORT void slab__free_slow(struct slab_cache *c, void *obj)
{
	if (!is_beyond_window(c, obj) || !slab__park(slab__slot_of(c), obj))
		free_slowly(c, obj, __builtin_return_address(0));
}

EXPORT void *slab_cache_alloc(struct slab_cache *c)
{
	return slab__alloc_fast(c);
}

EXPORT void slab_cache_free(struct slab_cache *c, void *obj)
{
	slab__free_fast(c, obj);
}

EXPORT void *slab_cache_zalloc(struct slab_cache *c)
{
	void *obj;

	if (slab_unlikely(c->state != SLAB_CACHE_LIVE))
		slab_misuse_dead(c, "zalloc");
	if (c->ctor != NULL) { /* zeroes would undo what it constructed */
		__atomic_fetch_add(&c->alloc_failures, 1, __ATOMIC_RELAXED);
		errno = EINVAL;
		return NULL;
	}
	obj = slab__alloc_fast(c);
	return obj != NULL ? memset(obj, 0, c->geo.object_bytes) : NULL;
}

EXPORT size_t slab_cache_alloc_bulk(struct slab_cache *c, size_t n, void **objs)
{
	for (size_t i = 0; i < n; i++) {
		objs[i] = slab__alloc_fast(c);
		if (slab_unlikely(objs[i] == NULL)) {
			slab_cache_free_bulk(c, i, objs);
			return 0;
		}
	}
	return n;
}

EXPORT void slab_cache_free_bulk(struct slab_cache *c, size_t n, void *const *objs)
{
	for (size_t i = 0; i < n; i++)
		if (objs[i] != NULL)
			slab__free_fast(c, objs[i]);
}
