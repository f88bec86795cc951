/*
 * test_direct.c - mode M: each object a malloc block, with the calls and figures of every cache
 */
#include "test/unit.h"

#include <pthread.h>

#include "slab/config.h"
#include "slab/direct.h"
#include "slab/owner.h"
#include "slab/page.h"

static struct slab_cache *new_direct(const char *name, size_t size,
				     const struct slab_cache_args *args)
{
	struct slab_cache_args full = args != NULL ? *args : (struct slab_cache_args){ 0 };
	struct slab_cache *c;

	slab_config_set("M");
	c = slab_cache_create(name, size, &full);
	slab_config_set(NULL);
	cr_assert_not_null(c);
	cr_assert_eq(figures(c).mode, SLAB_MODE_MALLOC);
	return c;
}

/* A cache on the real pool, whatever tool runs. */
static struct slab_cache *new_pooled(const char *name, size_t size)
{
	struct slab_cache *c;

	slab_config_set("-");
	c = new_cache(name, size);
	slab_config_set(NULL);
	cr_assert_eq(figures(c).mode, SLAB_MODE_POOL);
	return c;
}

static void forget_settings(void)
{
	slab_config_set(getenv("SLAB_DEBUG"));
}

TestSuite(direct, .fini = forget_settings);

static int count_one(void *obj, void *ctx)
{
	cr_assert_not_null(obj);
	++*(unsigned *)ctx;
	return 0;
}

static unsigned objects_seen(struct slab_cache *c)
{
	unsigned n = 0;

	cr_assert_eq(slab_cache_for_each_object(c, count_one, &n), 0);
	return n;
}

Test(direct, a_flag_a_letter_and_a_tool_choose_it)
{
	struct slab_cache_args args = { .flags = SLAB_ONE_MALLOC };
	bool tool = under_tool();
	struct slab_cache *c;

	slab_config_set(NULL);
	cr_assert_eq(slab_direct_chosen(0), tool, "under a tool: by itself");
	cr_assert(slab_direct_chosen(SLAB_ONE_MALLOC));
	cr_assert(!slab_direct_chosen(SLAB_CONFIG_OFF));
	cr_assert(!slab_direct_chosen(SLAB_CONFIG_OFF | SLAB_ONE_MALLOC));
	cr_assert(!slab_direct_chosen(SLAB_RED_ZONE), "who asks for debugging gets that");
	c = slab_cache_create("by-flag", 24, &args);
	cr_assert_eq(figures(c).mode, SLAB_MODE_MALLOC);
	end_cache(c);
	slab_config_set("M,one*;-");
	c = new_cache("one-malloc", 24);
	cr_assert_eq(figures(c).mode, SLAB_MODE_MALLOC);
	end_cache(c);
	c = new_cache("another", 24);
	cr_assert_eq(figures(c).mode, SLAB_MODE_POOL);
	end_cache(c);
}

Test(direct, figures_hold)
{
	struct slab_cache *c = new_direct("figures", 40, NULL);
	struct slab_cache_stats st;
	void *objs[100];

	errno = 5;
	cr_assert_eq(slab_cache_alloc_bulk(c, 100, objs), 100);
	cr_assert_eq(errno, 5);
	for (int i = 0; i < 50; i++)
		slab_cache_free(c, objs[i]);
	figures_agree(c);
	st = figures(c);
	cr_assert_eq(st.allocs, 100);
	cr_assert_eq(st.frees, 50);
	cr_assert_eq(st.objects_live, 50);
	cr_assert_eq(st.objects_peak, 100);
	cr_assert_eq(st.objects_cached + st.objects_free, 0);
	cr_assert_eq(st.slabs_full, 50);
	cr_assert_eq(st.mapped_bytes, 50 * 40);
	cr_assert_eq(st.returned_bytes, 50 * 40);
	cr_assert_eq(objects_seen(c), 50);
	slab_cache_free_bulk(c, 50, objs + 50);
	figures_agree(c);
	slab_cache_shrink(c);
	slab_thread_flush();
	end_cache(c);
}

Test(direct, every_size_and_alignment_is_served)
{
	for (size_t align = 1; align <= SLAB_ALIGN_MAX; align *= 2) {
		struct slab_cache_args args = { .align = align };
		struct slab_cache *c = new_direct("ranged", SLAB_OBJECT_MAX / align, &args);
		char *obj = slab_cache_zalloc(c);

		cr_assert_eq((uintptr_t)obj % align, 0);
		for (size_t i = 0; i < SLAB_OBJECT_MAX / align; i++)
			cr_assert_eq(obj[i], 0);
		memset(obj, 0xff, SLAB_OBJECT_MAX / align);
		cr_assert_eq(slab_cache_of(obj), c);
		cr_assert_eq(slab_cache_of(obj + SLAB_OBJECT_MAX / align - 1), c);
		cr_assert_null(slab_cache_of(obj + SLAB_OBJECT_MAX / align));
		cr_assert_null(slab_cache_of(obj - 1));
		slab_cache_free(c, obj);
		cr_assert_null(slab_cache_of(obj));
		end_cache(c);
	}
}

struct made {
	unsigned ctors, dtors, fail_at;
};

static int construct(void *obj, void *ctx)
{
	struct made *made = ctx;

	if (++made->ctors == made->fail_at) {
		errno = EDOM;
		return -1;
	}
	*(int *)obj = 7;
	return 0;
}

static void destruct(void *obj, void *ctx)
{
	struct made *made = ctx;

	cr_assert_eq(*(int *)obj, 7);
	made->dtors++;
	errno = EDOM;
}

Test(direct, constructs_at_alloc_and_destructs_at_free)
{
	struct made made = { .fail_at = 3 };
	struct slab_cache_args args = { .ctor = construct, .dtor = destruct, .ctx = &made };
	struct slab_cache *c = new_direct("constructed", 32, &args);
	int *a = slab_cache_alloc(c), *b = slab_cache_alloc(c);

	cr_assert(*a == 7 && *b == 7);
	cr_assert_null(slab_cache_zalloc(c));
	cr_assert_eq(errno, EINVAL);
	cr_assert_null(slab_cache_alloc(c));
	cr_assert_eq(errno, EDOM);
	cr_assert_eq(figures(c).alloc_failures, 2);
	errno = 5;
	slab_cache_free(c, a);
	slab_cache_free(c, b);
	slab_cache_free(c, NULL);
	cr_assert_eq(errno, 5);
	cr_assert_eq(made.ctors, 3);
	cr_assert_eq(made.dtors, 2);
	end_cache(c);
}

Test(direct, no_memory_for_the_table_is_no_memory)
{
	struct made made = { 0 };
	struct slab_cache_args args = { .ctor = construct, .dtor = destruct, .ctx = &made };
	struct slab_cache *c = new_direct("no-table", 64 << 10, &args);
	void *objs[64], *failed = objs;
	size_t n = 0;

	slab_page_fail_map_at = -1; /* soon an object lies in a granule that is new to the table */
	while (n < 64 && (failed = slab_cache_alloc(c)) != NULL)
		objs[n++] = failed;
	slab_page_fail_map_at = 0;
	cr_assert_null(failed);
	cr_assert_eq(errno, ENOMEM);
	cr_assert_eq(made.ctors, n + 1);
	cr_assert_eq(made.dtors, 1);
	cr_assert_eq(figures(c).alloc_failures, 1);
	slab_cache_free_bulk(c, n, objs);
	end_cache(c);
}

static int free_it(void *obj, void *ctx)
{
	slab_cache_free(ctx, obj);
	return 0;
}

static int stop_there(void *obj, void *ctx)
{
	return obj == ctx ? 42 : 0;
}

Test(direct, iteration_may_free_and_may_stop)
{
	struct slab_cache *c = new_direct("walked", 48, NULL);
	struct slab_cache *other = new_direct("not-walked", 48, NULL);
	void *objs[30], *one = slab_cache_alloc(other);

	cr_assert_eq(slab_cache_alloc_bulk(c, 30, objs), 30);
	cr_assert_eq(objects_seen(c), 30);
	cr_assert_eq(slab_cache_for_each_object(c, stop_there, objs[13]), 42);
	cr_assert_eq(slab_cache_for_each_object(c, free_it, c), 0);
	cr_assert_eq(figures(c).objects_live, 0);
	cr_assert_eq(objects_seen(other), 1);
	slab_cache_free(other, one);
	end_cache(other);
	end_cache(c);
}

Test(direct, destroy_names_live_objects)
{
	struct slab_cache *c = new_direct("held", 48, NULL);
	void *obj = slab_cache_alloc(c);
	char words[64];

	snprintf(words, sizeof words, "refused: 1 object is live: %p", obj);
	listen_to_reports();
	cr_assert_eq(slab_cache_destroy(c), -1);
	cr_assert_eq(errno, EBUSY);
	listen_no_more();
	cr_assert_not_null(strstr(heard.text, words), "%s", heard.text);
	slab_cache_free(c, obj);
	end_cache(c);
}

Test(direct, verify_reports_what_does_not_agree)
{
	struct slab_cache *c = new_direct("damaged", 48, NULL);
	void *obj = slab_cache_alloc(c);
	uint64_t word = slab_owner_at(obj);

	listen_to_reports();
	cr_assert_eq(slab_cache_verify(c), 0);
	cr_assert(slab_owner_leave(obj, word));
	cr_assert_eq(slab_cache_verify(c), 3, "slabs, full, used");
	cr_assert(slab_owner_enter(obj, word));
	c->slabs.direct_frees++;
	cr_assert_eq(slab_cache_verify(c), 1);
	c->slabs.direct_frees--;
	listen_no_more();
	slab_cache_free(c, obj);
	end_cache(c);
}

/* ---- misuse ---- */

struct pair {
	struct slab_cache *c;
	void *p;
};

static void free_pair(void *arg)
{
	struct pair *pair = arg;

	slab_cache_free(pair->c, pair->p);
}

static void free_after_destroy(void *arg)
{
	struct pair *pair = arg;

	free_pair(arg);
	if (slab_cache_destroy(pair->c) == 0)
		free_pair(arg);
}

static void free_pair_twice(void *arg)
{
	free_pair(arg);
	free_pair(arg);
}

Test(direct, wrong_frees_are_named)
{
	struct slab_cache *c = new_direct("right", 48, NULL), *d = new_direct("wrong", 48, NULL);
	struct slab_cache *pooled = new_pooled("pooled", 48);
	char *obj = slab_cache_alloc(c), *slot = slab_cache_alloc(pooled);
	struct pair pair = { d, obj };
	int local = 0;

	dies_saying(free_pair, &pair, "freed to cache 'wrong' belongs to cache 'right'\n");
	pair = (struct pair){ pooled, obj };
	if (!under_tool()) /* it sees the fast path look for a header near obj */
		dies_saying(free_pair, &pair, "freed to cache 'pooled' belongs to cache 'right'\n");
	pair = (struct pair){ c, slot };
	dies_saying(free_pair, &pair, "freed to cache 'right' belongs to cache 'pooled' (slot ");
	pair = (struct pair){ d, obj + 8 };
	dies_saying(free_pair, &pair, " lies inside an object of cache 'right'\n");
	pair = (struct pair){ c, obj + 8 };
	dies_saying(free_pair, &pair, " is an interior pointer, not the start of an object\n");
	pair = (struct pair){ c, obj + 1 };
	dies_saying(free_pair, &pair, " is an interior pointer, not the start of an object\n");
	pair = (struct pair){ c, &local };
	dies_saying(free_pair, &pair, " freed to cache 'right' is no object of any cache\n");
	pair = (struct pair){ c, (void *)8 };
	dies_saying(free_pair, &pair, " freed to cache 'right' is no object of any cache\n");
	pair = (struct pair){ c, (void *)((uintptr_t)1 << 60) };
	dies_saying(free_pair, &pair, " freed to cache 'right' is no object of any cache\n");
	pair = (struct pair){ c, obj };
	dies_saying(free_pair_twice, &pair, " of cache 'right' is free already\n");
	dies_saying(free_after_destroy, &pair, "slab: use after destroy: free with cache 'right'");
	slab_cache_free(pooled, slot);
	slab_cache_free(c, obj);
	end_cache(pooled);
	end_cache(d);
	end_cache(c);
}

/* ---- threads and fork ---- */

#define WORKERS 4

static void *work(void *arg)
{
	struct slab_cache *c = arg;
	uintptr_t *objs[32] = { NULL };
	unsigned seed = (unsigned)(uintptr_t)&seed;

	for (long i = 0; i < rounds(20000, 500); i++) {
		unsigned k = (unsigned)rand_r(&seed) % 32;

		if (objs[k] == NULL) {
			objs[k] = slab_cache_alloc(c);
			*objs[k] = (uintptr_t)objs[k];
		} else {
			cr_assert_eq(*objs[k], (uintptr_t)objs[k]);
			cr_assert_eq(slab_cache_of(objs[k]), c);
			slab_cache_free(c, objs[k]);
			objs[k] = NULL;
		}
	}
	slab_cache_free_bulk(c, 32, (void **)objs);
	return NULL;
}

Test(direct, threads_share_a_cache, .timeout = 60)
{
	struct slab_cache *c = new_direct("shared", 64, NULL);
	pthread_t threads[WORKERS];

	for (int i = 0; i < WORKERS; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, work, c), 0);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	figures_agree(c);
	cr_assert_eq(figures(c).objects_live, 0);
	end_cache(c);
}

static void use_in_child(void *arg)
{
	struct pair *pair = arg;

	if (slab_cache_of(pair->p) != pair->c || figures(pair->c).objects_live != 1)
		_exit(1);
	slab_cache_free(pair->c, pair->p);
	work(pair->c);
	if (slab_cache_destroy(pair->c) != 0)
		_exit(2);
}

Test(direct, a_child_goes_on_with_what_it_inherits)
{
	struct pair pair = { new_direct("inherited", 64, NULL), NULL };

	pair.p = slab_cache_alloc(pair.c);
	cr_assert_eq(child_runs(use_in_child, &pair).status, 0);
	slab_cache_free(pair.c, pair.p);
	end_cache(pair.c);
}
