/*
 * test_ctor.c - constructors: state that stays, failure at every point, everything undone once
 */
#include "test/unit.h"
#include "slab/page.h"

struct thing {
	uint64_t stamp; /* STAMP while constructed */
	uint64_t uses;  /* what its users left there */
	char rest[84];
};
#define STAMP UINT64_C(0x5ca1ab1e)

/* What the constructor was told, and what it saw. */
static struct trace {
	long made, unmade, bad;
	long fail_at; /* the call that fails; 0: none */
	int fail_errno;
	bool in_other_thread;
	pthread_t maker;
} trace;

static struct slab_cache *c, *inner;

static int construct(void *obj, void *ctx)
{
	struct thing *thing = obj;
	struct trace *t = ctx;

	if (t->fail_at > 0 && --t->fail_at == 0) {
		errno = t->fail_errno;
		return 1;
	}
	t->made++;
	t->maker = pthread_self();
	thing->stamp = STAMP;
	thing->uses = 0;
	return 0;
}

static void destruct(void *obj, void *ctx)
{
	struct thing *thing = obj;
	struct trace *t = ctx;

	t->bad += thing->stamp != STAMP; /* never made, or unmade twice */
	t->unmade++;
	thing->stamp = 0;
	errno = 99; /* what user code does to errno must not get out */
}

static void make(void)
{
	struct slab_cache_args args = { .ctor = construct, .dtor = destruct, .ctx = &trace };

	trace = (struct trace){ 0 };
	c = slab_cache_create("things", sizeof(struct thing), &args);
	cr_assert_not_null(c);
}

static void unmake(void)
{
	end_cache(c);
	cr_assert_eq(trace.made, trace.unmade, "%ld made, %ld unmade", trace.made, trace.unmade);
	cr_assert_eq(trace.bad, 0);
}

TestSuite(ctor, .init = make, .fini = unmake);

Test(ctor, runs_before_the_first_is_handed_out_and_for_a_whole_slab)
{
	struct thing *thing = slab_cache_alloc(c);

	cr_assert_eq(thing->stamp, STAMP);
	cr_assert_eq(trace.made, (long)figures(c).objects_per_slab);
	cr_assert(pthread_equal(trace.maker, pthread_self()));
	slab_cache_free(c, thing);
}

Test(ctor, state_stays_across_free_and_alloc)
{
	enum { N = 500 };
	static struct thing *things[N];
	uint64_t uses = 0;
	long made;

	for (int round = 0; round < 20; round++) {
		cr_assert_eq(slab_cache_alloc_bulk(c, N, (void **)things), N);
		for (int i = 0; i < N; i++) {
			cr_assert_eq(things[i]->stamp, STAMP);
			uses += things[i]->uses++;
		}
		slab_cache_free_bulk(c, N, (void **)things);
	}
	cr_assert_gt(uses, 0); /* the same objects came again, as they were left */
	made = trace.made;
	things[0] = slab_cache_alloc(c); /* an empty slab was kept for that */
	cr_assert_eq(trace.made, made);
	slab_cache_free(c, things[0]);
}

Test(ctor, dtor_runs_once_before_the_memory_goes)
{
	void *objs[200];

	cr_assert_eq(slab_cache_alloc_bulk(c, 200, objs), 200);
	slab_cache_free_bulk(c, 200, objs);
	slab_cache_shrink(c);
	cr_assert_eq(figures(c).slabs, 0);
	cr_assert_eq(trace.made, trace.unmade);
	cr_assert_eq(trace.bad, 0);
}

/* Fails at call k of the constructor, for every k of the first two slabs. */
Test(ctor, that_fails_gives_null_and_its_errno_and_nothing_half_built)
{
	long per = (long)c->geo.objects;
	void *objs[200];
	size_t live = 0;

	for (long k = 1; k <= 2 * per; k++) {
		trace.fail_at = k;
		trace.fail_errno = EPERM;
		errno = 0;
		while (live < 200 && (objs[live] = slab_cache_alloc(c)) != NULL)
			live++;
		cr_assert_lt(live, 200, "no failure at call %ld", k);
		cr_assert_eq(errno, EPERM);
		cr_assert_eq(trace.fail_at, 0);
		cr_assert_eq(trace.made - trace.unmade, (long)(figures(c).slabs * (uint64_t)per));
		cr_assert_eq(figures(c).objects_live, live);
		figures_agree(c);
		slab_cache_free_bulk(c, live, objs);
		live = 0;
		slab_cache_shrink(c);
		cr_assert_eq(trace.made, trace.unmade);
	}
	cr_assert_eq(figures(c).alloc_failures, (uint64_t)(2 * per));
}

Test(ctor, that_leaves_no_errno_means_enomem)
{
	trace.fail_at = 1;
	trace.fail_errno = 0;
	errno = 0;
	cr_assert_null(slab_cache_alloc(c));
	cr_assert_eq(errno, ENOMEM);
}

Test(ctor, bulk_takes_all_or_none)
{
	void *objs[200];

	trace.fail_at = c->geo.objects + 3;
	trace.fail_errno = EIO;
	cr_assert_eq(slab_cache_alloc_bulk(c, 200, objs), 0);
	cr_assert_eq(errno, EIO);
	cr_assert_eq(figures(c).objects_live, 0);
}

Test(ctor, errno_is_changed_on_failure_only)
{
	void *obj;

	errno = 77;
	obj = slab_cache_alloc(c);
	cr_assert_eq(errno, 77);
	slab_cache_free(c, obj);
	slab_thread_flush();
	slab_cache_shrink(c); /* destructors have run, which set errno */
	obj = slab_cache_alloc(c);
	errno = 77;
	slab_cache_free(c, obj);
	cr_assert_eq(errno, 77);
}

Test(ctor, zeroes_would_undo_it)
{
	errno = 0;
	cr_assert_null(slab_cache_zalloc(c));
	cr_assert_eq(errno, EINVAL);
	cr_assert_eq(figures(c).alloc_failures, 1);
	cr_assert_eq(trace.made, 0);
}

Test(ctor, without_memory_it_is_not_called)
{
	struct slab_cache_args args = { .ctor = construct, .dtor = destruct, .ctx = &trace };
	struct slab_cache *wide = slab_cache_create("wide", 65536, &args);

	slab_page_fail_map_at = -1;
	errno = 0;
	cr_assert_null(slab_cache_alloc(wide));
	cr_assert_eq(errno, ENOMEM);
	slab_page_fail_map_at = 0;
	cr_assert_eq(trace.made, 0);
	cr_assert_eq(figures(wide).alloc_failures, 1);
	end_cache(wide);
}

/* ---- using other caches ---- */

static int make_with_part(void *obj, void *ctx)
{
	(void)ctx;
	*(void **)obj = slab_cache_alloc(inner);
	return *(void **)obj == NULL;
}

static void unmake_with_part(void *obj, void *ctx)
{
	(void)ctx;
	slab_cache_free(inner, *(void **)obj);
}

Test(ctor, may_use_other_caches)
{
	struct slab_cache_args args = { .ctor = make_with_part, .dtor = unmake_with_part };
	struct slab_cache *outer = slab_cache_create("outer", 128, &args);
	void *objs[300];

	inner = new_cache("inner", 40);
	for (int round = 0; round < 10; round++) {
		cr_assert_eq(slab_cache_alloc_bulk(outer, 300, objs), 300);
		cr_assert_eq(figures(inner).objects_live,
			     figures(outer).slabs * figures(outer).objects_per_slab);
		slab_cache_free_bulk(outer, 300, objs);
		slab_reap();
	}
	cr_assert_eq(figures(inner).objects_live, 0);
	end_cache(outer);
	end_cache(inner);
}

static void *free_all(void *arg)
{
	slab_cache_free_bulk(c, 200, arg);
	slab_cache_shrink(c);
	trace.in_other_thread = !pthread_equal(trace.maker, pthread_self());
	return NULL;
}

Test(ctor, dtor_runs_in_whichever_thread_frees)
{
	void *objs[200];
	pthread_t id;

	cr_assert_eq(slab_cache_alloc_bulk(c, 200, objs), 200);
	slab_thread_flush();
	cr_assert_eq(pthread_create(&id, NULL, free_all, objs), 0);
	pthread_join(id, NULL);
	cr_assert(trace.in_other_thread);
	cr_assert_gt(trace.unmade, 0);
	cr_assert_eq(figures(c).slabs, 0);
}

Test(ctor, alone_or_dtor_alone_will_do)
{
	struct slab_cache_args only_ctor = { .ctor = construct, .ctx = &trace };
	struct slab_cache *one = slab_cache_create("one", sizeof(struct thing), &only_ctor);
	struct trace quiet = { .bad = 0 };
	struct slab_cache_args only_dtor = { .dtor = destruct, .ctx = &quiet };
	struct slab_cache *two = slab_cache_create("two", sizeof(struct thing), &only_dtor);

	slab_cache_free(one, slab_cache_alloc(one));
	slab_cache_free(two, slab_cache_zalloc(two));
	end_cache(one);
	end_cache(two);
	cr_assert_eq(quiet.unmade, (long)(4096 / sizeof(struct thing)));
	trace.made = trace.unmade; /* nobody unmade those of one */
}
