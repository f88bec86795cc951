/*
 * test_track.c - who took and who freed an object: frames, thread, time; what is still held
 */
#define _GNU_SOURCE
#include "test/unit.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>

#include "slab/config.h"
#include "slab/debug.h"
#include "slab/leaks.h"
#include "slab/track.h"

static void again(void)
{
	slab_config_set(getenv("SLAB_DEBUG"));
	listen_no_more();
}

static void alone(void)
{
	slab_config_set(NULL);
}

TestSuite(track, .init = alone, .fini = again, .timeout = 60);

static struct slab_cache *tracked(const char *name)
{
	struct slab_cache_args args = { .flags = SLAB_STORE_USER };

	return slab_cache_create(name, 24, &args);
}

static __attribute__((noinline)) void *taker(struct slab_cache *c)
{
	void *obj = slab_cache_alloc(c);

	__asm__ volatile("" : "+r"(obj)); /* no call in tail position */
	return obj;
}

static __attribute__((noinline)) void *other_taker(struct slab_cache *c)
{
	void *obj = slab_cache_alloc(c);

	__asm__ volatile("" : "+r"(obj));
	return obj;
}

static __attribute__((noinline)) void freer(struct slab_cache *c, void *obj)
{
	slab_cache_free(c, obj);
	__asm__ volatile("" ::: "memory");
}

static bool is_in(uintptr_t frame, uintptr_t function)
{
	return frame > function && frame - function < 2048; /* sanitizers make it long */
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void *take_there(void *cache)
{
	return taker(cache);
}

Test(track, frames_thread_and_time)
{
	struct slab_cache *c = tracked("tracked");
	uint64_t before = now_ns();
	void *obj = taker(c), *theirs;
	const struct slab_track *track = slab_track_of(c, obj);
	pthread_t id;

	cr_assert_gt(track->taken.frames, 1);
	cr_assert_leq(track->taken.frames, SLAB_FRAMES);
	cr_assert(is_in(track->taken.frame[0], (uintptr_t)taker), "%p is not in %p",
	          (void *)track->taken.frame[0], (void *)taker);
	cr_assert_eq(track->taken.thread, (uint32_t)syscall(SYS_gettid));
	cr_assert(track->taken.time_ns >= before && track->taken.time_ns <= now_ns());
	cr_assert_eq(track->freed.time_ns, 0);
	freer(c, obj);
	cr_assert(is_in(track->taken.frame[0], (uintptr_t)taker));
	cr_assert(is_in(track->freed.frame[0], (uintptr_t)freer));
	cr_assert_geq(track->freed.time_ns, track->taken.time_ns);
	pthread_create(&id, NULL, take_there, c);
	pthread_join(id, &theirs);
	cr_assert_neq(slab_track_of(c, theirs)->taken.thread, (uint32_t)syscall(SYS_gettid));
	freer(c, theirs);
	end_cache(c);
}

Test(track, without_the_flag_there_is_none)
{
	struct slab_cache_args args = { .flags = SLAB_POISON };
	struct slab_cache *c = slab_cache_create("untracked", 24, &args);

	cr_assert_leq(figures(c).stride_bytes, 24 + 8 + 8);
	end_cache(c);
}

static void free_twice(void *arg)
{
	void *obj = taker(arg);

	freer(arg, obj);
	freer(arg, obj);
}

/* Names of functions need exported symbols; what addr2line takes is there in any case. */
Test(track, a_report_tells_both_stacks)
{
	struct slab_cache *c = tracked("told");
	struct ending e = child_runs(free_twice, c);
	const char *taken = strstr(e.words, "\n  allocated by thread ");
	const char *freed = taken != NULL ? strstr(taken, "\n  freed by thread ") : NULL;

	cr_assert_eq(e.signal, SIGABRT);
	cr_assert_not_null(taken, "%s", e.words);
	cr_assert_not_null(freed, "%s", e.words);
	cr_assert_not_null(strstr(taken, " s ago:\n    "), "%s", e.words);
	cr_assert_not_null(strstr(taken, "+0x"), "%s", e.words);
	cr_assert_not_null(strstr(freed, "+0x"), "%s", e.words);
	end_cache(c);
}

Test(track, a_damaged_record_is_no_trap)
{
	struct slab_report r;
	struct slab_event e = { .time_ns = 1, .thread = 2, .frames = 0xffffffff };

	for (int i = 0; i < SLAB_FRAMES; i++)
		e.frame[i] = 0x4141414141414141 + (uintptr_t)i;
	slab_report_begin(&r, "damaged");
	slab_event_report(&r, "allocated", &e);
	r.text[r.len] = '\0';
	cr_assert_not_null(strstr(r.text, "    0x4141414141414150"), "%s", r.text);
}

/* Of a function that ends in a call that never returns, the frame is where the next one begins. */
Test(track, a_frame_belongs_to_the_call_before_it)
{
	uintptr_t frame = (uintptr_t)dlsym(RTLD_DEFAULT, "abort");
	struct slab_report r;

	cr_assert_neq(frame, 0);
	slab_report_begin(&r, "frames");
	slab_frames_report(&r, &frame, 1);
	r.text[r.len] = '\0';
	cr_assert_null(strstr(r.text, "abort+0x0 "), "%s", r.text);
}

Test(track, an_age_has_three_digits_behind_its_point)
{
	static const uint64_t ages_ms[] = { 1000, 1010, 1100 };

	for (size_t i = 0; i < sizeof ages_ms / sizeof ages_ms[0]; i++) {
		struct slab_event e = { .time_ns = now_ns() - ages_ms[i] * 1000000 };
		struct slab_report r;
		const char *point;

		slab_report_begin(&r, "aged");
		slab_event_report(&r, "freed", &e);
		r.text[r.len] = '\0';
		point = strchr(r.text, '.');
		cr_assert(point != NULL && strspn(point + 1, "0123456789") == 3, "%s", r.text);
	}
}

Test(track, one_that_is_taken_again_has_not_been_freed)
{
	struct slab_cache *c = tracked("again");
	void *obj = taker(c), *stays = taker(c);

	slab_config_set("Q=0");
	freer(c, obj);
	cr_assert_neq(slab_track_of(c, obj)->freed.time_ns, 0);
	cr_assert_eq(taker(c), obj);
	cr_assert_eq(slab_track_of(c, obj)->freed.time_ns, 0);
	freer(c, obj);
	freer(c, stays);
	end_cache(c);
}

Test(track, destroy_groups_what_is_live_by_its_stack)
{
	struct slab_cache *c = tracked("held");
	volatile int five = 5, eight = 8; /* no unrolled loop: one call each */
	void *objs[8];

	for (int i = 0; i < five; i++)
		objs[i] = taker(c);
	for (int i = 5; i < eight; i++)
		objs[i] = other_taker(c);
	listen_to_reports();
	cr_assert_eq(slab_cache_destroy(c), -1);
	cr_assert_eq(errno, EBUSY);
	listen_no_more();
	cr_assert_eq(heard.reports, 1);
	cr_assert_not_null(strstr(heard.text, "destroy of cache 'held' refused: 8 objects are "
	                                      "live: 0x"));
	cr_assert_not_null(strstr(heard.text, "\n  5 objects, 120 bytes, allocated by:\n    "));
	cr_assert_not_null(strstr(heard.text, "\n  3 objects, 72 bytes, allocated by:\n    "));
	for (int i = 0; i < 8; i++)
		slab_cache_free(c, objs[i]);
	end_cache(c);
}

#define TAKE objs[n++] = taker(c); /* each a stack of its own */
#define TAKE_8 TAKE TAKE TAKE TAKE TAKE TAKE TAKE TAKE

static __attribute__((noinline)) unsigned take_by_64_stacks(struct slab_cache *c, void **objs)
{
	unsigned n = 0;

	TAKE_8 TAKE_8 TAKE_8 TAKE_8 TAKE_8 TAKE_8 TAKE_8 TAKE_8
	return n;
}

static unsigned told; /* stacks, in however many reports */
static unsigned named; /* objects, and dots, in the first line */
static bool more_stacks;

static void count_stacks(const char *text, size_t len, void *ctx)
{
	const char by[] = "allocated by:", more[] = "\n  and by more stacks\n";
	const char *end = text + len, *line = memchr(text, '\n', len), *p = text;

	(void)ctx;
	for (; (p = memmem(p, (size_t)(end - p), by, strlen(by))) != NULL; p++)
		told++;
	for (p = text; named < 9 && (p = memmem(p, (size_t)(line - p), "0x", 2)) != NULL; p++)
		named++;
	more_stacks |= memmem(text, len, more, strlen(more)) != NULL;
}

static void refuses(struct slab_cache *c, unsigned stacks, bool more)
{
	told = named = 0;
	more_stacks = false;
	slab_set_reporter(count_stacks, NULL);
	cr_assert_eq(slab_cache_destroy(c), -1);
	slab_set_reporter(NULL, NULL);
	cr_assert_eq(told, stacks, "%u", told);
	cr_assert_eq(named, 8, "%u", named);
	cr_assert_eq(more_stacks, more);
}

Test(track, sixty_four_stacks_are_told_and_eight_objects_named)
{
	struct slab_cache *c = tracked("held-by-many");
	void *objs[65];
	unsigned n = take_by_64_stacks(c, objs);

	refuses(c, 64, false);
	objs[n++] = other_taker(c);
	refuses(c, 64, true);
	slab_cache_free_bulk(c, n, objs);
	end_cache(c);
}

Test(track, each_cache_tells_what_it_holds)
{
	struct slab_cache *c = tracked("at-exit"), *plain = new_cache("plain-at-exit", 1);
	void *obj = taker(c), *other = slab_cache_alloc(plain);

	listen_to_reports();
	cr_assert_geq(slab_leaks_report_all(), 2);
	listen_no_more();
	cr_assert_not_null(strstr(heard.all, "slab: at exit cache 'at-exit' holds 1 object, 24 "
	                                     "bytes\n  1 object, 24 bytes, allocated by:\n    "),
	                   "%s", heard.all);
	cr_assert_not_null(strstr(heard.all, "slab: at exit cache 'plain-at-exit' holds 1 object, "
	                                     "1 byte\n"));
	slab_cache_free(plain, other);
	slab_cache_free(c, obj);
	end_cache(plain);
	end_cache(c);
}

/* It holds every lock; names take the loader's, and who has that may wait for one of them. */
Test(track, verify_shows_frames_without_names)
{
	struct slab_cache_args args = { .flags = SLAB_STORE_USER | SLAB_RED_ZONE };
	struct slab_cache *c = slab_cache_create("bare", 24, &args);
	unsigned char *obj = taker(c), was = obj[24];
	const char *frames;

	obj[24] = 1;
	listen_to_reports();
	cr_assert_eq(slab_cache_verify(c), 1);
	listen_no_more();
	frames = strstr(heard.text, "allocated by thread");
	cr_assert_not_null(frames, "%s", heard.text);
	cr_assert_null(strchr(frames, '+'), "%s", heard.text);
	cr_assert_not_null(strstr(frames, "\n    0x"), "%s", heard.text);
	obj[24] = was;
	freer(c, obj);
	end_cache(c);
}
