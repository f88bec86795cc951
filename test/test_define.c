/*
 * test_define.c - caches from types, caches at file scope: before main, and at the very end
 */
#define _GNU_SOURCE /* barriers */
#include "test/unit.h"

struct conn {
	int fd;
	char rest[60];
};

struct wide {
	_Alignas(128) char bytes[100];
};

typedef unsigned short word;

static int made;

static int construct(void *obj, void *ctx)
{
	*(int *)obj = *(int *)ctx;
	made++;
	return 0;
}

static int ctx = 4711;

SLAB_CACHE_DEFINE(conn, struct conn, .flags = SLAB_PANIC);
SLAB_CACHE_DEFINE(built, struct conn, .ctor = construct, .ctx = &ctx);
SLAB_CACHE_DEFINE(wide, struct wide);
SLAB_CACHE_DEFINE(early, struct conn);
SLAB_CACHE_DEFINE(misfit, struct conn, .align = 3);

/* ---- before main, and earlier than the macro's own constructor ---- */

static struct conn *from_constructor;
static uint64_t early_id;

static __attribute__((constructor(102))) void first_of_all(void)
{
	from_constructor = early_alloc();
	early_id = from_constructor != NULL ? early_cache()->id : 0;
}

Test(define, works_in_a_constructor_that_comes_earlier)
{
	cr_assert_not_null(from_constructor);
	cr_assert_eq(early_cache()->id, early_id); /* not made a second time */
	cr_assert_eq(slab_cache_of(from_constructor), early_cache());
}

/* ---- at the end ---- */

static void in_atexit(void)
{
	struct conn *one = conn_alloc(), *two = early_alloc();

	if (one == NULL || two == NULL || slab_cache_of(one) != conn_cache())
		_exit(3);
	conn_free(one);
	early_free(two);
	_exit(slab_cache_verify(conn_cache()) == 0 ? 42 : 4);
}

static void leave(void *arg)
{
	(void)arg;
	atexit(in_atexit);
	exit(0);
}

Test(define, works_in_an_atexit_handler)
{
	cr_assert_eq(child_runs(leave, NULL).status, 42);
}

/* ---- the typed functions ---- */

Test(define, typed_functions_take_and_give)
{
	struct conn *conn = conn_alloc();

	cr_assert_not_null(conn);
	conn->fd = 3;
	cr_assert_str_eq(figures(conn_cache()).name, "conn");
	cr_assert_eq(figures(conn_cache()).object_bytes, sizeof(struct conn));
	cr_assert_eq(figures(conn_cache()).flags, SLAB_PANIC);
	cr_assert_eq(figures(conn_cache()).objects_live, 1);
	conn_free(conn);
	conn_free(NULL);
	cr_assert_eq(figures(conn_cache()).objects_live, 0);
}

Test(define, fields_reach_the_cache)
{
	struct conn *conn = built_alloc();

	cr_assert_eq(conn->fd, 4711);
	cr_assert_gt(made, 0);
	built_free(conn);
}

Test(define, a_type_keeps_its_alignment)
{
	struct wide *one = wide_alloc(), *two = wide_alloc();

	cr_assert_eq((uintptr_t)one % 128, 0);
	cr_assert_eq((uintptr_t)two % 128, 0);
	cr_assert_eq(figures(wide_cache()).align_bytes, 128);
	wide_free(one);
	wide_free(two);
}

Test(define, what_is_refused_gives_null_each_time)
{
	if (misfit_cache() == NULL) {
		cr_assert_null(misfit_alloc());
		misfit_free(NULL);
	} else { /* an alignment below the type's own does not count */
		cr_assert_eq(figures(misfit_cache()).align_bytes, _Alignof(struct conn));
	}
}

#define THREADS 8

static struct slab_cache *where, *got[THREADS];
static pthread_barrier_t barrier;

static void *define_it(void *arg)
{
	struct slab_cache_args none = { 0 };

	pthread_barrier_wait(&barrier);
	*(struct slab_cache **)arg = slab__define(&where, "raced", 8, &none, sizeof none);
	return NULL;
}

Test(define, whoever_comes_first_makes_it)
{
	uint64_t caches = totals().caches;
	pthread_t ids[THREADS];

	where = NULL;
	pthread_barrier_init(&barrier, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&ids[i], NULL, define_it, &got[i]);
	for (int i = 0; i < THREADS; i++)
		pthread_join(ids[i], NULL);
	pthread_barrier_destroy(&barrier);
	for (int i = 0; i < THREADS; i++)
		cr_assert_eq(got[i], where);
	cr_assert_eq(totals().caches, caches + 1);
	end_cache(where);
}

/* ---- SLAB_CACHE ---- */

Test(define, a_cache_is_named_after_its_type)
{
	struct slab_cache *a = SLAB_CACHE(struct conn);
	struct slab_cache *b = SLAB_CACHE(word, .align = 64);
	struct slab_cache *d = SLAB_CACHE(struct wide, .align = 2);

	cr_assert_str_eq(figures(a).name, "conn");
	cr_assert_eq(figures(a).object_bytes, sizeof(struct conn));
	cr_assert_eq(figures(a).align_bytes, _Alignof(struct conn));
	cr_assert_str_eq(figures(b).name, "word");
	cr_assert_eq(figures(b).align_bytes, 64);
	cr_assert_eq(figures(d).align_bytes, 128);
	end_cache(a);
	end_cache(b);
	end_cache(d);
}

/* A program with a newer header passes a longer struct: the type's alignment still counts. */
Test(define, a_newer_program_keeps_the_alignment_of_its_types)
{
	struct {
		struct slab_cache_args known;
		uint64_t new_field;
	} args = { .new_field = 0 };
	struct slab_cache *c =
	    slab__create_type("struct wide", sizeof(struct wide), 128, &args.known, sizeof args);

	cr_assert_not_null(c);
	cr_assert_eq(figures(c).align_bytes, 128);
	end_cache(c);
	args.new_field = 1;
	errno = 0;
	cr_assert_null(slab__create_type("struct wide", 128, 128, &args.known, sizeof args));
	cr_assert_eq(errno, EINVAL);
}
