/*
 * release.c - letting go of slabs that have left their caches                            Floor 8
 *
 * Called by thread.c and whatever empties slabs. A destructor may use other caches, and so destroy
 * one whose slab waits behind on the same list: while it runs, the list can be reached from the
 * thread, and destroy takes from it what it would otherwise wait for in vain. What its own frees
 * and allocs let go joins that list: under debug each free pushes others out of the quarantine, and
 * their destructors would run within each other, as many as there are slabs waiting; an alloc may
 * give back what is parked behind a burst.
 */
#include "slab/release.h"
#include "slab/check.h"
#include "slab/debug.h"
#include "slab/list.h"
#include "slab/reserve.h"
#include "slab/slabpage.h"
#include "slab/span.h"

static uintptr_t me(void)
{
	return (uintptr_t)&slab__slots_v6;
}

/* Destructs the objects of s, with t unlocked; rest comes after it. */
static void destruct(struct slab_thread *t, struct slab_cache *c, const struct slab *s,
                     struct slab_list *rest)
{
	struct slab_leaving leaving = { .rest = rest, .cache = c, .self = me() };
	int cancel;

	/* a destructor that closes a file is no place to end at: rest lies on this stack */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	slab_list_add(&leaving.link, &t->leaving);
	pthread_mutex_unlock(&t->lock);
	for (uint32_t i = 0; i < c->geo.objects; i++)
		c->dtor(slab_object(s, &c->geo, i), c->ctx);
	pthread_mutex_lock(&t->lock);
	slab_list_del(&leaving.link);
	pthread_setcancelstate(cancel, NULL);
}

size_t slab_release(struct slab_thread *t, struct slab_list *empties)
{
	if (slab_list_empty(empties))
		return 0;
	while (!slab_list_empty(empties)) {
		struct slab *s = slab_container(empties->next, struct slab, link);
		struct slab_cache *c = slab_cache_in(s);

		slab_list_del(&s->link);
		if (slab_unlikely(c->mode == SLAB_MODE_DEBUG))
			slab_debug_check(c, s, true, &(uint64_t){ 0 });
		if (c->dtor != NULL)
			destruct(t, c, s, empties);
		slab_span_put(c, s);
		/* destroy waits for this: nothing of c is touched afterwards */
		__atomic_fetch_add(&c->slabs.gone_slabs, 1, __ATOMIC_RELEASE);
	}
	return slab_reserve_settle(t);
}

size_t slab_release_in_turn(struct slab_thread *t, struct slab_list *empties)
{
	struct slab_list *in;

	slab_list_for_each(in, &t->leaving) { /* the innermost first */
		struct slab_leaving *leaving = slab_container(in, struct slab_leaving, link);

		if (leaving->self != me())
			continue;
		while (!slab_list_empty(empties)) {
			struct slab_list *first = empties->next;

			slab_list_del(first);
			slab_list_add_tail(first, leaving->rest);
		}
		return 0;
	}
	return slab_release(t, empties);
}

bool slab_release_is_over(const struct slab_cache *c)
{
	return __atomic_load_n(&c->slabs.gone_slabs, __ATOMIC_ACQUIRE) >=
	       slab_read(&c->slabs.released_slabs);
}

bool slab_release_overtake(struct slab_thread *t, const struct slab_cache *c,
                           struct slab_list *empties)
{
	struct slab_list *in, *pos, *after;
	bool mine = false;

	pthread_mutex_lock(&t->lock);
	slab_list_for_each(in, &t->leaving) {
		struct slab_leaving *leaving = slab_container(in, struct slab_leaving, link);

		mine = mine || (leaving->cache == c && leaving->self == me());
		slab_list_for_each_safe(pos, after, leaving->rest) {
			struct slab *s = slab_container(pos, struct slab, link);

			if (slab_cache_in(s) != c)
				continue;
			slab_list_del(&s->link);
			slab_list_add_tail(&s->link, empties);
		}
	}
	pthread_mutex_unlock(&t->lock);
	return mine;
}

static void forget_on_its_way(struct slab_cache *c)
{
	slab_write(&c->slabs.gone_slabs, c->slabs.released_slabs);
}

static void count_on_its_way(struct slab_cache *c)
{
	slab_add(&c->slabs.gone_slabs, (uint64_t)-1);
}

static void for_each_cache(const struct slab_leaving *leaving, void (*fn)(struct slab_cache *c))
{
	struct slab_list *pos;

	fn(leaving->cache);
	slab_list_for_each(pos, leaving->rest)
		fn(slab_cache_in(slab_container(pos, struct slab, link)));
}

void slab_release_forget(struct slab_thread *t)
{
	struct slab_list *in, *next;

	slab_list_for_each_safe(in, next, &t->leaving) {
		struct slab_leaving *leaving = slab_container(in, struct slab_leaving, link);

		if (leaving->self == me()) /* also of a cache that is destroyed, on no list */
			for_each_cache(leaving, forget_on_its_way);
		else /* on a stack that will be another's */
			slab_list_del(&leaving->link);
	}
}

void slab_release_recount(struct slab_thread *t)
{
	struct slab_list *in;

	slab_list_for_each(in, &t->leaving)
		for_each_cache(slab_container(in, struct slab_leaving, link), count_on_its_way);
}
