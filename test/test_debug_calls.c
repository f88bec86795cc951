/*
 * test_debug_calls.c - caches under debug: every call works as it does without, each letter does
 * its work, and nothing that is right is reported
 */
#define _GNU_SOURCE
#include "test/unit.h"

#include <pthread.h>

#include "slab/config.h"
#include "slab/debug.h"

#define FZPU (SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER)

static void again(void)
{
	slab_config_set(getenv("SLAB_DEBUG"));
	listen_no_more();
}

/* What the environment asks for is not what is tested here. */
static void alone(void)
{
	slab_config_set(NULL);
}

TestSuite(debug_calls, .init = alone, .fini = again, .timeout = 60);

static struct slab_cache *debugged(const char *name, size_t size, unsigned flags)
{
	struct slab_cache_args args = { .flags = flags };
	struct slab_cache *c = slab_cache_create(name, size, &args);

	cr_assert_not_null(c, "%s of %zu with %x: %s", name, size, flags, strerror(errno));
	return c;
}

/* ---- all calls ---- */

static int free_each(void *obj, void *cache)
{
	slab_cache_free(cache, obj);
	return 0;
}

static int count(void *obj, void *n)
{
	(void)obj;
	++*(int *)n;
	return 0;
}

static void calls_work(unsigned flags, size_t size)
{
	struct slab_cache *c = debugged("calls", size, flags);
	void *objs[300], *more[20];
	int n = 0;

	cr_assert_eq(c->slot_bytes, 0);
	cr_assert_neq(c->number, 0);
	cr_assert_eq(slab_cache_alloc_bulk(c, 300, objs), 300);
	for (int i = 0; i < 300; i++)
		memset(objs[i], i, size);
	for (int i = 0; i < 300; i++)
		cr_assert_eq(*(unsigned char *)objs[i], (unsigned char)i);
	cr_assert_eq(slab_cache_of((char *)objs[7] + size - 1), c);
	cr_assert_null(slab_cache_of((char *)objs[7] + size));
	slab_cache_for_each_object(c, count, &n);
	cr_assert_eq(n, 300);
	slab_cache_free_bulk(c, 150, objs);
	cr_assert_null(slab_cache_of(objs[7]));
	cr_assert_eq(slab_cache_of(objs[150]), c);
	n = 0;
	slab_cache_for_each_object(c, count, &n);
	cr_assert_eq(n, 150);
	figures_agree(c);
	cr_assert_eq(figures(c).objects_live, 150);
	cr_assert_eq(figures(c).mode, SLAB_MODE_DEBUG);
	for (int i = 0; i < 20; i++) {
		more[i] = slab_cache_zalloc(c);
		for (size_t k = 0; k < size; k++)
			cr_assert_eq(((char *)more[i])[k], 0);
	}
	cr_assert_eq(slab_cache_verify(c), 0);
	slab_cache_shrink(c);
	slab_cache_for_each_object(c, free_each, c);
	cr_assert_eq(figures(c).objects_live, 0);
	slab_reap();
	cr_assert_eq(figures(c).objects_cached, 0);
	figures_agree(c);
	end_cache(c);
}

Test(debug_calls, every_combination_of_letters)
{
	static const unsigned bits[] = { SLAB_CONSISTENCY_CHECKS, SLAB_RED_ZONE, SLAB_POISON,
		                         SLAB_STORE_USER };

	listen_to_reports();
	for (unsigned mask = 1; mask < 16; mask++) {
		unsigned flags = 0;

		for (int i = 0; i < 4; i++)
			flags |= mask >> i & 1 ? bits[i] : 0;
		calls_work(flags, 13);
		calls_work(flags, 200);
	}
	listen_no_more();
	cr_assert_eq(heard.reports, 0, "%s", heard.all);
}

static void free_twice(void *arg)
{
	struct slab_cache *c = arg;
	void *obj = slab_cache_alloc(c);

	slab_cache_free(c, obj);
	slab_cache_free(c, obj);
}

static void write_behind(void *arg)
{
	struct slab_cache *c = arg;
	char *obj = slab_cache_alloc(c);

	obj[c->geo.object_bytes] = 'A';
	slab_cache_free(c, obj);
}

static int construct(void *obj, void *ctx)
{
	++*(int *)ctx;
	memset(obj, 0xc7, 40);
	return 0;
}

static void destruct(void *obj, void *ctx)
{
	for (int i = 0; i < 40; i++)
		if (((unsigned char *)obj)[i] != 0xc7)
			abort();
	--*(int *)ctx;
}

Test(debug_calls, constructed_objects_are_never_written)
{
	int made = 0;
	struct slab_cache_args args = { .flags = FZPU, .ctor = construct, .dtor = destruct,
		                        .ctx = &made };
	struct slab_cache *c = slab_cache_create("constructed", 40, &args);
	unsigned char *objs[100];

	for (int turn = 0; turn < 20; turn++) {
		for (int i = 0; i < 100; i++) {
			objs[i] = slab_cache_alloc(c);
			for (int k = 0; k < 40; k++)
				cr_assert_eq(objs[i][k], 0xc7);
		}
		for (int i = 0; i < 100; i++)
			slab_cache_free(c, objs[i]);
	}
	cr_assert_null(slab_cache_zalloc(c));
	dies_saying(write_behind, c, "red zone behind the object");
	dies_saying(free_twice, c, "double free");
	end_cache(c);
	cr_assert_eq(made, 0);
}

static void by_size(void *arg)
{
	char *p, *q;

	(void)arg;
	slab_config_set("FZPU,size-*");
	p = slab_malloc(60000);
	q = slab_aligned_alloc(2048, 3000);
	memset(p, 1, slab_usable_size(p));
	p = slab_realloc(p, 1500);
	if (slab_cache_of(p) == NULL || slab_cache_of(p)->mode != SLAB_MODE_DEBUG ||
	    (uintptr_t)q % 2048 != 0)
		_exit(3);
	slab_free(q);
	p[slab_usable_size(p)] = 'A';
	slab_free(p);
}

Test(debug_calls, the_front_end_by_size_works_on_them)
{
	dies_saying(by_size, NULL, "red zone behind the object overwritten in cache 'size-1536'");
}

/* ---- trace and fault injection ---- */

static void traced(void *arg)
{
	slab_cache_free(arg, slab_cache_alloc(arg));
}

Test(debug_calls, trace_is_a_line_for_each_call)
{
	struct slab_cache *c = debugged("traced", 16, SLAB_TRACE);
	struct ending e = child_runs(traced, c);
	const char *alloc = strstr(e.words, "slab: trace: alloc 0x");

	cr_assert_eq(e.status, 0);
	cr_assert_not_null(alloc, "%s", e.words);
	cr_assert_not_null(strstr(alloc, " of cache 'traced' by thread "));
	cr_assert_not_null(strstr(alloc, "slab: trace: free 0x"));
	end_cache(c);
}

static unsigned failures(struct slab_cache *c, unsigned n, char *which)
{
	unsigned failed = 0;

	for (unsigned i = 0; i < n; i++) {
		void *obj;

		errno = 0;
		obj = slab_cache_alloc(c);
		which[i] = obj == NULL;
		cr_assert_eq(errno, obj == NULL ? ENOMEM : 0);
		failed += obj == NULL;
		slab_cache_free(c, obj);
	}
	return failed;
}

Test(debug_calls, faults_are_injected_at_their_rate)
{
	struct slab_cache *c;
	char which[1000];
	void *objs[200];
	unsigned failed;

	listen_to_reports();
	slab_config_set("A=10:42");
	c = debugged("failing", 32, 0);
	failed = failures(c, 1000, which);
	cr_assert(failed > 40 && failed < 200, "%u of 1000", failed);
	cr_assert_eq(figures(c).alloc_failures, failed);
	cr_assert_eq(slab_cache_alloc_bulk(c, 200, objs), 0); /* all or none: 0.9^200 */
	cr_assert_eq(figures(c).objects_live, 0);
	slab_config_set("A=1:42");
	cr_assert_eq(failures(c, 100, which), 100);
	listen_no_more();
	end_cache(c);
}

static void tell_failures(void *arg)
{
	char which[300];
	struct slab_cache *c;

	slab_config_set(arg);
	c = debugged("failing", 32, 0);
	failures(c, sizeof which, which);
	for (size_t i = 0; i < sizeof which; i++)
		which[i] += '0';
	if (write(STDERR_FILENO, which, sizeof which) < 0)
		_exit(9);
}

/* Both children have made as many calls before. */
Test(debug_calls, a_seed_makes_faults_repeatable)
{
	struct ending first = child_runs(tell_failures, "A=5:42");
	struct ending again = child_runs(tell_failures, "A=5:42");
	struct ending other = child_runs(tell_failures, "A=5:43");

	cr_assert_not_null(strchr(first.words, '1'), "%s", first.words);
	cr_assert_str_eq(first.words, again.words);
	cr_assert_str_neq(first.words, other.words);
}

/* ---- fork and threads ---- */

static void free_in_child(void *arg)
{
	void **objs = arg;
	struct slab_cache *c = objs[0];

	slab_cache_free(c, objs[1]);
	if (slab_cache_verify(c) != 0 || slab_cache_destroy(c) != 0)
		_exit(5);
}

Test(debug_calls, a_child_goes_on_with_what_its_parent_held)
{
	struct slab_cache *c = debugged("forked", 64, FZPU);
	void *objs[2] = { c, slab_cache_alloc(c) };

	slab_cache_free(c, slab_cache_alloc(c));
	cr_assert_eq(child_runs(free_in_child, objs).status, 0);
	slab_cache_free(c, objs[1]);
	end_cache(c);
}

static void *churn(void *cache)
{
	unsigned char *objs[64] = { NULL };
	unsigned seed = (unsigned)(uintptr_t)&objs;

	for (long i = 0; i < rounds(30000, 2000); i++) {
		unsigned k = rand_r(&seed) % 64;

		if (objs[k] == NULL) {
			objs[k] = slab_cache_alloc(cache);
			memset(objs[k], (int)k, 48);
		} else {
			if (objs[k][17] != k)
				abort();
			slab_cache_free(cache, objs[k]);
			objs[k] = NULL;
		}
	}
	for (int k = 0; k < 64; k++)
		slab_cache_free(cache, objs[k]);
	return NULL;
}

Test(debug_calls, threads_get_along)
{
	struct slab_cache *c;
	pthread_t ids[4];

	slab_config_set("Q=16K");
	c = debugged("threads", 48, FZPU);
	listen_to_reports();
	for (int i = 0; i < 4; i++)
		cr_assert_eq(pthread_create(&ids[i], NULL, churn, c), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(ids[i], NULL);
	listen_no_more();
	cr_assert_eq(heard.reports, 0, "%s", heard.all);
	cr_assert_eq(figures(c).objects_live, 0);
	figures_agree(c);
	end_cache(c);
}

/* ---- how much a report shows ---- */

static unsigned lines_with(const char *text, const char *label)
{
	unsigned n = 0;

	for (; (text = strstr(text, label)) != NULL; text++)
		n++;
	return n;
}

Test(debug_calls, a_report_shows_sixteen_lines_of_bytes)
{
	struct slab_cache *c = debugged("long", 1000, SLAB_POISON);
	char *obj = slab_cache_alloc(c), *stays = slab_cache_alloc(c);

	slab_cache_free(c, obj);
	memset(obj, 'A', 1000);
	listen_to_reports();
	cr_assert_eq(slab_cache_verify(c), 1);
	listen_no_more();
	cr_assert_eq(lines_with(heard.text, ":>41>41"), 16, "%s", heard.text);
	memset(obj, SLAB_POISON_FREE, 999);
	obj[999] = (char)SLAB_POISON_END;
	slab_cache_free(c, stays);
	end_cache(c);
}

Test(debug_calls, the_start_of_a_long_front_zone_is_shown)
{
	struct slab_cache_args args = { .align = 256, .flags = SLAB_RED_ZONE };
	struct slab_cache *c = slab_cache_create("front", 48, &args);
	char *obj = slab_cache_alloc(c), *at = obj - c->geo.lead_bytes, was = *at;

	cr_assert_gt(c->geo.lead_bytes, 2 * SLAB_ZONE_BYTES);
	*at = 'A';
	listen_to_reports();
	cr_assert_eq(slab_cache_verify(c), 1);
	listen_no_more();
	*at = was;
	cr_assert_eq(lines_with(heard.text, ":>41 cc"), 1, "%s", heard.text);
	slab_cache_free(c, obj);
	end_cache(c);
}
