/*
 * direct.c - mode M: each object is a malloc block of its own                            Floor 6
 *
 * Called by slow.c, cache.c, walk.c, verify.c and sized.c. What is wrong with a pointer is said
 * twice: by our own sentence, which knows the caches, and then by the tool, which is handed the
 * pointer as free() and knows both stacks. Where no tool listens, or one that would only stumble
 * over such a pointer, our sentence stands alone. Either way the program ends, as with slabs. A
 * live object of another cache is never handed on: free() would just take it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>

#include "slab/direct.h"
#include "slab/check.h"
#include "slab/config.h"
#include "slab/list.h"
#include "slab/misuse.h"
#include "slab/owner.h"
#include "slab/page.h"
#include "slab/report.h"
#include "slab/valgrind.h"

/* There in every process with the tool, whether this library was built with it or not. */
#define TOOL(symbol) extern void symbol(void) __attribute__((weak, visibility("default")))
TOOL(__asan_init);
TOOL(__hwasan_init);
TOOL(__tsan_init);
TOOL(__msan_init);
TOOL(__lsan_do_leak_check);

#define MALLOC_ALIGN 16 /* what malloc gives */
#define ALIGN_MAX ((size_t)1 << 32) /* valgrind ends the process over larger ones */

/*
 * Whether the tool reports a free() of obj well, with the stacks of the block's alloc and first
 * free. ASan looks at what stands before it, and would only crash where nothing is mapped; drd
 * gives up at the first bad one. Where slab is malloc, free() leads back here.
 */
static bool tool_bears_free(const void *obj)
{
	if (slab_serves_malloc)
		return false;
	if (slab_valgrind_runs())
		return !slab_valgrind_is_drd();
	return __asan_init != NULL && (uintptr_t)obj > MALLOC_ALIGN &&
	       slab_page_is_mapped((const char *)obj - MALLOC_ALIGN);
}

static bool tool_is_there(void)
{
	return slab_valgrind_runs() || __asan_init != NULL || __hwasan_init != NULL ||
	       __tsan_init != NULL || __msan_init != NULL || __lsan_do_leak_check != NULL;
}

/* A tool alone decides only where nobody has asked for anything: slab debugging stays itself. */
bool slab_direct_chosen(uint32_t flags)
{
	if (slab_serves_malloc || (flags & SLAB_CONFIG_OFF) != 0)
		return false;
	if ((flags & SLAB_ONE_MALLOC) != 0)
		return true;
	return (flags & SLAB_DEBUG_FLAGS) == 0 && tool_is_there();
}

void slab_direct_set(struct slab_cache *c)
{
	c->mode = SLAB_MODE_MALLOC;
	c->geo.objects = 1;
	c->geo.slab_bytes = c->geo.stride_bytes = c->geo.object_bytes;
}

/* ---- figures ---- */

static uint64_t add(uint64_t *figure, uint64_t n)
{
	return __atomic_add_fetch(figure, n, __ATOMIC_RELAXED);
}

static void count_alloc(struct slab_slablist *l)
{
	uint64_t used = add(&l->used, 1), peak = slab_read(&l->used_peak);

	add(&l->slabs, 1);
	add(&l->full, 1);
	add(&l->direct_allocs, 1);
	while (used > peak && !__atomic_compare_exchange_n(&l->used_peak, &peak, used, false,
	                                                   __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

static void count_free(struct slab_slablist *l)
{
	add(&l->used, (uint64_t)-1);
	add(&l->slabs, (uint64_t)-1);
	add(&l->full, (uint64_t)-1);
	add(&l->direct_frees, 1);
	add(&l->released_slabs, 1);
	add(&l->gone_slabs, 1);
}

/* ---- alloc and free ---- */

static void *block(size_t bytes, size_t align)
{
	void *p;

	if (align <= MALLOC_ALIGN)
		return malloc(bytes);
	if (align > ALIGN_MAX)
		return NULL;
	/* takes any size, unlike aligned_alloc(), which tools hold to a multiple of align */
	return posix_memalign(&p, align, bytes) == 0 ? p : NULL;
}

/* Neither is a place to end at: nobody else has p then. */
static int construct(struct slab_cache *c, void *p)
{
	int cancel, failed;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	failed = c->ctor(p, c->ctx);
	pthread_setcancelstate(cancel, NULL);
	return failed;
}

static void destruct(struct slab_cache *c, void *p)
{
	int cancel;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	c->dtor(p, c->ctx);
	pthread_setcancelstate(cancel, NULL);
}

/* Constructs the object at p and enters it. Returns 0 or an errno, with p as it came. */
static int make_object(struct slab_cache *c, void *p, size_t bytes)
{
	errno = ENOMEM; /* unless the constructor says otherwise */
	if (c->ctor != NULL && construct(c, p) != 0)
		return errno != 0 ? errno : ENOMEM;
	if (slab_owner_enter(p, slab_owner_word(c, bytes)))
		return 0;
	if (c->ctor != NULL && c->dtor != NULL)
		destruct(c, p);
	return ENOMEM;
}

void *slab_direct_alloc(struct slab_cache *c, size_t bytes)
{
	void *p = block(bytes, c->geo.align_bytes);
	int saved_errno = errno, error = p != NULL ? make_object(c, p, bytes) : ENOMEM;

	if (error == 0) {
		count_alloc(&c->slabs);
	} else {
		free(p);
		p = NULL;
		add(&c->alloc_failures, 1);
	}
	errno = error == 0 ? saved_errno : error;
	return p;
}

/* Whether free() cannot just take obj, as a live block of malloc's: it has been ours and is free,
 * or lies inside one of ours. */
static bool is_surely_bad(const void *obj)
{
	void *start;

	return slab_owner_before(obj) != 0 || slab_owner_around(obj, &start) != 0;
}

/* Our words, then the tool's, then the end, but with SLAB_DEBUG=r: what a program that goes on may
 * have from malloc stays as it is. c: where it was freed to, or NULL: slab_free(). what: NULL, or
 * what to begin with where it was no free. */
static __attribute__((cold)) void bad_free(const struct slab_cache *c, void *obj, const char *what)
{
	uint64_t before = slab_owner_before(obj), word = slab_owner_at(obj);
	bool repair = slab_config()->repair;
	struct slab_report r;

	if (c != NULL && c->state != SLAB_CACHE_LIVE) {
		slab_misuse_say_dead(c, "free");
	} else if (before != 0) {
		slab_report_begin(&r, what != NULL ? what : "double free: ");
		slab_report_hex(&r, (uintptr_t)obj);
		if (slab_owner_cache(before) != NULL) {
			slab_report_text(&r, " of ");
			slab_report_cache(&r, slab_owner_cache(before));
		}
		slab_report_text(&r, " is free already");
		slab_report_send(&r);
	} else {
		slab_misuse_say_free(what != NULL ? what : "bad free: ", c, obj);
	}
	if (word == 0 && (!repair || is_surely_bad(obj)) && tool_bears_free(obj))
		free(obj);
	if (!repair)
		abort();
}

void slab_direct_free(struct slab_cache *c, void *obj)
{
	uint64_t word = slab_owner_at(obj);
	int saved_errno = errno;

	if (slab_unlikely(c->state != SLAB_CACHE_LIVE || slab_owner_cache(word) != c ||
	                  !slab_owner_leave(obj, word))) {
		bad_free(c, obj, NULL);
		return;
	}
	count_free(&c->slabs);
	if (c->dtor != NULL)
		destruct(c, obj);
	free(obj);
	errno = saved_errno;
}

void *slab_direct_large_alloc(size_t bytes, size_t align)
{
	void *p = bytes <= PTRDIFF_MAX / 2 ? block(bytes, align) : NULL; /* what a word can tell */

	if (p != NULL && !slab_owner_enter(p, slab_owner_word(NULL, bytes))) {
		free(p);
		p = NULL;
	}
	if (p == NULL)
		errno = ENOMEM;
	return p;
}

void slab_direct_free_any(void *p)
{
	uint64_t word = slab_owner_at(p);
	struct slab_cache *c = slab_owner_cache(word);
	int saved_errno = errno;

	if (c != NULL) {
		slab_direct_free(c, p);
		return;
	}
	if (word == 0 || !slab_owner_leave(p, word)) {
		bad_free(NULL, p, NULL);
		return;
	}
	free(p);
	errno = saved_errno;
}

void slab_direct_bad_pointer(void *p)
{
	bad_free(NULL, p, "bad pointer: ");
}

/* ---- all of them ---- */

int slab_direct_for_each(const struct slab_cache *c, int (*fn)(void *obj, void *ctx), void *ctx)
{
	uintptr_t from = 0;
	uint64_t word;
	void *obj;
	int last = 0;

	while (last == 0 && (word = slab_owner_next(&from, &obj)) != 0)
		if (slab_owner_cache(word) == c)
			last = fn(obj, ctx);
	return last;
}

static int count_one(void *obj, void *ctx)
{
	(void)obj;
	++*(uint64_t *)ctx;
	return 0;
}

uint64_t slab_direct_count(const struct slab_cache *c)
{
	uint64_t n = 0;

	slab_direct_for_each(c, count_one, &n);
	return n;
}

static void recount(struct slab_cache *c, uint64_t used)
{
	struct slab_slablist *l = &c->slabs;

	l->used = l->slabs = l->full = used;
	l->direct_allocs = l->direct_frees + used;
	l->released_slabs = l->gone_slabs = l->direct_frees;
	if (l->used_peak < used)
		l->used_peak = used;
}

void slab_direct_recount(void)
{
	struct slab_list *pos;
	uintptr_t from = 0;
	uint64_t word;
	void *obj;

	slab_list_for_each(pos, &slab_root.caches) {
		struct slab_cache *c = slab_container(pos, struct slab_cache, link);

		if (c->mode == SLAB_MODE_MALLOC)
			recount(c, 0);
	}
	while ((word = slab_owner_next(&from, &obj)) != 0)
		if (slab_owner_cache(word) != NULL)
			recount(slab_owner_cache(word), slab_owner_cache(word)->slabs.used + 1);
}
