/*
 * test_cancel.c - no thread is cancelled where the library would be left with a lock or a slab
 *
 * Each body runs in a child that an alarm ends: what is wrong here waits for ever.
 */
#define _GNU_SOURCE
#include "test/unit.h"

#include <pthread.h>

#include "slab/config.h"
#include "slab/report.h"

static struct slab_cache *c;
static bool reached;

/* As a printf() in a callback of a thread that was cancelled before. */
static void cancel_here(void)
{
	pthread_cancel(pthread_self());
	pthread_testcancel();
}

static void run_in_thread(void *(*fn)(void *arg))
{
	pthread_t id;
	void *end;

	alarm(under_tool() ? 120 : 20);
	if (pthread_create(&id, NULL, fn, NULL) != 0)
		_exit(90);
	pthread_join(id, &end);
	if (end != PTHREAD_CANCELED || !reached)
		_exit(91);
}

static void *report(void *arg)
{
	struct slab_report r;

	(void)arg;
	slab_report_begin(&r, "said by a thread that is cancelled");
	pthread_cancel(pthread_self());
	slab_report_write(&r);
	reached = true;
	pthread_testcancel();
	return NULL;
}

static void report_is_whole(void *arg)
{
	(void)arg;
	run_in_thread(report);
}

Test(cancel, not_while_a_report_is_written)
{
	struct ending e = child_runs(report_is_whole, NULL);

	cr_assert_eq(e.status, 0, "%d: %s", e.status, e.words);
	cr_assert_str_eq(e.words, "slab: said by a thread that is cancelled\n");
}

static void cancelling_reporter(const char *text, size_t len, void *ctx)
{
	(void)text, (void)len, (void)ctx;
	cancel_here();
}

static void *send_report(void *arg)
{
	struct slab_report r;

	(void)arg;
	slab_report_begin(&r, "to a reporter");
	slab_report_send(&r);
	reached = true;
	pthread_testcancel();
	return NULL;
}

static void reporter_comes_back(void *arg)
{
	(void)arg;
	slab_set_reporter(cancelling_reporter, NULL);
	run_in_thread(send_report);
}

Test(cancel, not_in_a_reporter)
{
	cr_assert_eq(child_runs(reporter_comes_back, NULL).status, 0);
}

static int show_cache(struct slab_cache *cache, void *ctx)
{
	(void)cache, (void)ctx;
	cancel_here();
	return 1;
}

static void *show_caches(void *arg)
{
	(void)arg;
	slab_for_each_cache(show_cache, NULL);
	reached = true;
	pthread_testcancel();
	return NULL;
}

static void caches_may_come(void *arg)
{
	(void)arg;
	c = new_cache("there", 64);
	run_in_thread(show_caches);
	end_cache(new_cache("later", 64));
}

Test(cancel, not_while_caches_are_shown)
{
	cr_assert_eq(child_runs(caches_may_come, NULL).status, 0);
}

static int show_object(void *obj, void *ctx)
{
	(void)obj, (void)ctx;
	cancel_here();
	return 1;
}

static void *show_objects(void *arg)
{
	(void)arg;
	slab_cache_for_each_object(c, show_object, NULL);
	reached = true;
	pthread_testcancel();
	return NULL;
}

static void slabs_may_leave(void *arg)
{
	void *obj;

	(void)arg;
	c = new_cache("walked", 64);
	obj = slab_cache_alloc(c);
	run_in_thread(show_objects);
	slab_cache_free(c, obj);
	slab_cache_shrink(c);
	if (figures(c).slabs != 0)
		_exit(1);
}

Test(cancel, not_while_objects_are_shown)
{
	cr_assert_eq(child_runs(slabs_may_leave, NULL).status, 0);
}

static int construct(void *obj, void *ctx)
{
	(void)obj, (void)ctx;
	cancel_here();
	return 0;
}

static void *take_and_free(void *arg)
{
	void *obj = slab_cache_alloc(c);

	(void)arg;
	reached = obj != NULL;
	slab_cache_free(c, obj);
	pthread_testcancel();
	return NULL;
}

static void nothing_stays(void *arg)
{
	struct slab_cache_args args = { .ctor = construct };

	(void)arg;
	c = slab_cache_create("constructed", 60000, &args);
	run_in_thread(take_and_free);
	if (slab_cache_destroy(c) != 0)
		_exit(1);
}

Test(cancel, not_in_a_constructor)
{
	cr_assert_eq(child_runs(nothing_stays, NULL).status, 0);
}

static void destruct(void *obj, void *ctx)
{
	(void)construct(obj, ctx);
}

static void *take_and_free_whole(void *arg)
{
	void *obj = slab_cache_alloc(c);

	(void)arg;
	slab_cache_free(c, obj);
	reached = obj != NULL;
	pthread_testcancel();
	return NULL;
}

static void mode_m_keeps_nothing(void *args)
{
	slab_config_set("M"); /* whatever the environment says */
	c = slab_cache_create("one-malloc", 64, args);
	run_in_thread(take_and_free_whole);
	if (slab_cache_destroy(c) != 0)
		_exit(1);
}

Test(cancel, not_in_mode_m_either)
{
	struct slab_cache_args args[] = {
		{ .ctor = construct },
		{ .dtor = destruct },
	};

	for (int i = 0; i < 2; i++)
		cr_assert_eq(child_runs(mode_m_keeps_nothing, &args[i]).status, 0, "%d", i);
}
