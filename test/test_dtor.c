/*
 * test_dtor.c - destroy and destructors: those that other threads run, that call it, that ask
 *
 * A thread that ends hands its parked objects back, and their slabs with them: no call on the cache
 * that the one who destroys it could keep away.
 */
#define _GNU_SOURCE
#include "test/unit.h"

#include <pthread.h>

#include "slab/span.h"

static pthread_barrier_t in_dtor;
static int dtors_run;

static void slow_dtor(void *obj, void *ctx)
{
	(void)obj;
	if (__atomic_exchange_n((int *)ctx, 1, __ATOMIC_SEQ_CST) == 0)
		pthread_barrier_wait(&in_dtor);
	usleep(1000); /* the rest of the slab takes longer than a destroy that does not wait */
	__atomic_fetch_add(&dtors_run, 1, __ATOMIC_SEQ_CST);
}

static void *end_with_parked(void *cache)
{
	void *objs[10];

	slab_cache_alloc_bulk(cache, 10, objs);
	slab_cache_free_bulk(cache, 10, objs);
	return NULL; /* the end of the thread empties its magazines */
}

Test(dtor, destroy_waits_for_destructors_at_the_end_of_a_thread)
{
	static int begun;
	struct slab_cache_args args = { .dtor = slow_dtor, .ctx = &begun };
	struct slab_cache *cache = slab_cache_create("waits", 64, &args);
	pthread_t thread;
	int run_by_then;

	begun = 0;
	pthread_barrier_init(&in_dtor, NULL, 2);
	cr_assert_eq(pthread_create(&thread, NULL, end_with_parked, cache), 0);
	pthread_barrier_wait(&in_dtor);
	cr_assert_eq(slab_cache_destroy(cache), 0);
	run_by_then = __atomic_load_n(&dtors_run, __ATOMIC_SEQ_CST);
	pthread_join(thread, NULL);
	cr_assert_eq(run_by_then, 63); /* every object of the slab, before destroy returned */
	cr_assert_eq(dtors_run, 63);
}

/* ---- a destructor that destroys another cache ---- */

#define ARENAS 64

struct arena {
	struct slab_cache *items;
	unsigned destructed; /* of its items */
	char rest[1000];
};

static int arenas_ended;
static bool fork_in_the_first;

/* So that a slab without objects stays in its cache, for a thread without magazines, too. */
static int make_item(void *obj, void *arena)
{
	(void)obj, (void)arena;
	return 0;
}

static void end_item(void *obj, void *arena)
{
	(void)obj;
	((struct arena *)arena)->destructed++;
}

/* Leaves a slab without objects in what this thread has parked. */
static int make_arena(void *obj, void *ctx)
{
	struct arena *a = obj;
	struct slab_cache_args args = { .ctor = make_item, .dtor = end_item, .ctx = a };

	(void)ctx;
	a->destructed = 0;
	a->items = slab_cache_create("items", 64, &args);
	if (a->items == NULL)
		return -1;
	slab_cache_free(a->items, slab_cache_alloc(a->items));
	return 0;
}

static void end_arena(void *obj, void *ctx)
{
	struct arena *a = obj;

	(void)ctx;
	if (fork_in_the_first && arenas_ended == 0 && fork() == 0)
		alarm(30); /* the child goes on, too */
	if (slab_cache_destroy(a->items) != 0 || a->destructed == 0)
		abort(); /* nothing of it may come afterwards */
	arenas_ended++;
}

static void *use_arenas(void *arenas)
{
	void *objs[ARENAS];

	if (slab_cache_alloc_bulk(arenas, ARENAS, objs) != ARENAS)
		abort();
	slab_cache_free_bulk(arenas, ARENAS, objs);
	return NULL;
}

static struct slab_cache *arena_cache(void)
{
	struct slab_cache_args args = { .ctor = make_arena, .dtor = end_arena };

	alarm(under_tool() ? 120 : 20); /* what fails here waits for ever */
	arenas_ended = 0;
	return slab_cache_create("arenas", sizeof(struct arena), &args);
}

static void no_arena_is_left(struct slab_cache *arenas)
{
	cr_assert_eq(slab_cache_destroy(arenas), 0);
	alarm(0);
	cr_assert_geq(arenas_ended, ARENAS);
}

Test(dtor, may_destroy_a_cache_whose_slab_leaves_behind_it)
{
	struct slab_cache *arenas = arena_cache();
	uint64_t caches = totals().caches;

	use_arenas(arenas);
	slab_reap();
	cr_assert_eq(totals().caches, caches);
	no_arena_is_left(arenas);
}

Test(dtor, may_do_so_at_the_end_of_a_thread)
{
	struct slab_cache *arenas = arena_cache();
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, use_arenas, arenas), 0);
	pthread_join(thread, NULL);
	no_arena_is_left(arenas);
}

static void fork_in_a_destructor(void *arg)
{
	struct slab_cache *arenas = arena_cache();
	pid_t self = getpid();
	int status = -1;

	(void)arg;
	fork_in_the_first = true;
	use_arenas(arenas);
	slab_reap();
	if (slab_cache_destroy(arenas) != 0 || arenas_ended < ARENAS)
		_exit(1);
	if (getpid() == self && (waitpid(-1, &status, 0) <= 0 || status != 0))
		_exit(2);
}

Test(dtor, may_do_so_on_both_sides_of_a_fork)
{
	cr_assert_eq(child_runs(fork_in_a_destructor, NULL).status, 0);
}

/* The same where the thread is at its end and has no struct of its own any more. */

static pthread_key_t late; /* its destructor comes after the library's */
static pid_t late_self;

static void use_late(void *arenas)
{
	slab_cache_free(arenas, slab_cache_alloc(arenas)); /* one slab: it stays as well */
	slab_reap();
	if (getpid() == late_self)
		return;
	if (slab_cache_destroy(arenas) != 0 || arenas_ended == 0)
		_exit(4);
	end_well();
}

static void *end_late(void *arenas)
{
	slab_free(slab_malloc(1)); /* it has had one */
	pthread_setspecific(late, arenas);
	return NULL;
}

static void fork_in_a_late_destructor(void *arg)
{
	struct slab_cache *arenas = arena_cache();
	pthread_t thread;
	int status = -1;

	(void)arg;
	late_self = getpid();
	fork_in_the_first = true;
	if (pthread_key_create(&late, use_late) != 0 ||
	    pthread_create(&thread, NULL, end_late, arenas) != 0)
		_exit(1);
	pthread_join(thread, NULL);
	if (slab_cache_destroy(arenas) != 0 || arenas_ended == 0)
		_exit(2);
	if (waitpid(-1, &status, 0) <= 0 || status != ended_well())
		_exit(3);
}

Test(dtor, may_do_so_at_the_end_of_a_thread_on_both_sides_of_a_fork)
{
	cr_assert_eq(child_runs(fork_in_a_late_destructor, NULL).status, 0);
}

/* ---- one that destroys its own ---- */

static struct slab_cache *own;

static void end_own(void *obj, void *ctx)
{
	(void)obj;
	(void)ctx;
	slab_cache_destroy(own);
}

static void destroy_own(void *arg)
{
	struct slab_cache_args args = { .dtor = end_own };

	(void)arg;
	alarm(under_tool() ? 60 : 20);
	own = slab_cache_create("own", 64, &args);
	slab_cache_free(own, slab_cache_alloc(own));
	slab_reap();
}

Test(dtor, that_destroys_its_own_cache_is_told_so)
{
	dies_saying(destroy_own, NULL, "bad destroy: cache 'own' is destroyed by a destructor");
}

/* ---- a number that is another cache's by now ---- */

struct heir {
	struct slab_cache *large; /* made once destroy has begun; it takes the number */
	bool begun;
	unsigned seen, away, named; /* objects; of those, whose header is elsewhere, a cache's */
};

/* Asks for the slab of an object that is being destructed, where slabs of large begin elsewhere. */
static void look_after_the_number(void *obj, void *ctx)
{
	uintptr_t base = (uintptr_t)obj & ~(uintptr_t)4095;
	struct heir *h = ctx;
	struct slab *s;

	if (!h->begun)
		return;
	if (h->large == NULL)
		h->large = new_cache("heir", 65536);
	if ((base & (h->large->geo.slab_bytes - 1)) == 0)
		return;
	h->seen++;
	s = held_at(obj);
	if ((uintptr_t)s - base >= 4096)
		h->away++;
	else
		h->named += slab_cache_of(obj) != NULL;
}

/* Slabs leave a cache after its number has been given back. */
Test(dtor, a_header_lies_in_its_slab_whoever_has_the_number)
{
	struct heir h = { 0 };
	struct slab_cache_args args = { .dtor = look_after_the_number, .ctx = &h };
	struct slab_cache *dying = slab_cache_create("dying", 64, &args);
	uint32_t number = dying->number;
	void *objs[160]; /* of three slabs; all fit into magazines */

	cr_assert_eq(dying->geo.slab_bytes, 4096);
	cr_assert_eq(slab_cache_alloc_bulk(dying, 160, objs), 160);
	slab_cache_free_bulk(dying, 160, objs);
	h.begun = true;
	cr_assert_eq(slab_cache_destroy(dying), 0);
	cr_assert_not_null(h.large);
	cr_assert_eq(h.large->number, number);
	cr_assert_gt(h.large->geo.order, 0);
	cr_assert_gt(h.seen, 0);
	cr_assert_eq(h.away, 0, "%u of %u headers lie outside of their slabs", h.away, h.seen);
	cr_assert_eq(h.named, 0, "a cache is named for a slab that has left");
	end_cache(h.large);
}

/* ---- a destructor that frees what pushes others of its cache out of the quarantine ---- */

static unsigned depth, deepest, unmade;

static int take_buffer(void *obj, void *buffers)
{
	return (*(void **)obj = slab_cache_alloc(buffers)) == NULL;
}

static void give_buffer(void *obj, void *buffers)
{
	if (++depth > deepest)
		deepest = depth;
	unmade++;
	slab_cache_free(buffers, *(void **)obj);
	depth--;
}

Test(dtor, those_of_what_waited_run_one_after_the_other)
{
	struct slab_cache_args args = { .flags = SLAB_CONSISTENCY_CHECKS };
	struct slab_cache *buffers = slab_cache_create("buffers", 4000, &args), *owners;
	void *objs[2000];

	args.ctor = take_buffer;
	args.dtor = give_buffer;
	args.ctx = buffers;
	owners = slab_cache_create("owners", 64, &args);
	cr_assert_eq(slab_cache_alloc_bulk(owners, 2000, objs), 2000);
	slab_cache_free_bulk(owners, 2000, objs);
	cr_assert_eq(unmade, 0);
	for (int i = 0; i < 1000 && unmade < 1000; i++) /* they push out the first */
		slab_cache_free(buffers, slab_cache_alloc(buffers));
	cr_assert_geq(unmade, 1000);
	cr_assert_eq(depth, 0);
	cr_assert_eq(deepest, 1, "%u destructors ran within each other", deepest);
	end_cache(owners);
	end_cache(buffers);
	slab_reap();
}
