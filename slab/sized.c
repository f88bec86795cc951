/*
 * sized.c - the by-size front end                                                        Floor 10
 *
 * Called by users. One cache per size class, made at its first use: steps of 16 bytes up to 128,
 * from there on eight classes per doubling, so that at most 1/8 of a block is waste. Larger blocks,
 * and alignments above a cache's, are mappings of their own, which the address map knows as such.
 */
#include <errno.h>
#include <string.h>

#include "slab/layout.h"
#include "slab/check.h"
#include "slab/list.h"
#include "slab/map.h"
#include "slab/meta.h"
#include "slab/misuse.h"
#include "slab/page.h"
#include "slab/report.h"
#include "slab/span.h"
#include "slab/thread.h"

#define EXPORT __attribute__((visibility("default")))
#define SMALL_STEP 16
#define SMALL_MAX 128
#define PER_DOUBLING 8
#define CLASSES (SMALL_MAX / SMALL_STEP + 9 * PER_DOUBLING) /* up to 64 KiB */
#define ALIGNS 9                                            /* 16, 32 .. 4096 */

static struct slab_cache *classes[ALIGNS][CLASSES];

/* The class that serves size (1 to SLAB_OBJECT_MAX), and its object size. */
static unsigned class_of(size_t size, size_t *object_bytes)
{
	unsigned log, shift;

	if (size <= SMALL_MAX) {
		*object_bytes = (size + SMALL_STEP - 1) / SMALL_STEP * SMALL_STEP;
		return (unsigned)(*object_bytes / SMALL_STEP - 1);
	}
	log = 63 - (unsigned)__builtin_clzll(size - 1);
	shift = log - 3;
	*object_bytes = (((size - 1) >> shift) + 1) << shift;
	return SMALL_MAX / SMALL_STEP + (log - 7) * PER_DOUBLING +
	       (unsigned)((size - 1) >> shift) - PER_DOUBLING;
}

/* "size-144", or "size-144:64" for one aligned to 64. */
static void class_name(char *name, size_t room, size_t bytes, size_t align)
{
	struct slab_report r = { 0 };

	slab_report_text(&r, "size-");
	slab_report_dec(&r, bytes);
	if (align > SMALL_STEP) {
		slab_report_text(&r, ":");
		slab_report_dec(&r, align);
	}
	memcpy(name, r.text, r.len < room ? r.len + 1 : room);
}

static __attribute__((noinline, cold)) struct slab_cache *make_class(struct slab_cache **where,
                                                                     size_t bytes, size_t align)
{
	struct slab_cache_args args = { .align = align };
	char name[SLAB_NAME_BYTES];

	class_name(name, sizeof name, bytes, align);
	return slab__define(where, name, bytes, &args, sizeof args);
}

static void *alloc_from(struct slab_cache **where, size_t bytes, size_t align)
{
	struct slab_cache *c = __atomic_load_n(where, __ATOMIC_ACQUIRE);

	if (slab_unlikely(c == NULL)) {
		c = make_class(where, bytes, align);
		if (c == NULL)
			return NULL;
	}
	return slab_cache_alloc(c);
}

/* ---- blocks that are mappings ---- */

static void *large_alloc(size_t size, size_t align)
{
	/* whole granules, so that the map knows one owner for each */
	size_t bytes = (size + SLAB_GRANULE_BYTES - 1) & ~(SLAB_GRANULE_BYTES - 1);
	struct slab_thread *t = slab_thread_lock();
	struct slab_span *span = NULL;
	bool entered = false;

	if (align < SLAB_GRANULE_BYTES)
		align = SLAB_GRANULE_BYTES;
	if (size <= PTRDIFF_MAX && bytes != 0)
		span = slab_meta_get(SLAB_META_SPAN);
	if (span != NULL) {
		memset(span, 0, sizeof *span);
		span->base = slab_page_map(bytes, align);
		span->bytes = bytes;
		slab_list_init(&span->link);
		pthread_mutex_lock(&slab_root.span_lock);
		entered = span->base != 0 &&
		          slab_map_enter(span->base, bytes, span, SLAB_MAP_LARGE);
		if (entered) {
			slab_list_add_tail(&span->all_link, &slab_root.large);
			slab_root.mapped_bytes += bytes;
		}
		pthread_mutex_unlock(&slab_root.span_lock);
		if (!entered && span->base != 0)
			slab_page_unmap(span->base, bytes);
		if (!entered)
			slab_meta_put(SLAB_META_SPAN, span);
	}
	slab_thread_unlock(t);
	if (!entered) {
		errno = ENOMEM;
		return NULL;
	}
	return (void *)span->base;
}

static void large_free(void *p)
{
	struct slab_thread *t = slab_thread_lock();
	struct slab_span *span;

	pthread_mutex_lock(&slab_root.span_lock);
	span = slab_map_span(p);
	if (span == NULL || span->base != (uintptr_t)p) {
		struct slab_report r;

		slab_report_begin(&r, "bad free: ");
		slab_report_hex(&r, (uintptr_t)p);
		slab_report_text(&r, " lies inside a large block, not at its start");
		slab_report_abort(&r);
	}
	slab_map_leave(span->base, span->bytes, span);
	slab_list_del(&span->all_link);
	slab_root.mapped_bytes -= span->bytes;
	pthread_mutex_unlock(&slab_root.span_lock);
	if (slab_page_unmap(span->base, span->bytes) != 0) {
		struct slab_range all = { span->base, span->bytes };

		slab_page_drop(&all, 1); /* at the limit on mappings: at least the pages go */
		pthread_mutex_lock(&slab_root.span_lock);
		slab_root.unmap_failures++;
		pthread_mutex_unlock(&slab_root.span_lock);
	}
	slab_meta_put(SLAB_META_SPAN, span);
	slab_thread_unlock(t);
}

/* The cache of a block that is no mapping of its own; a pointer that is none ends here. */
static struct slab_cache *cache_at(const void *p)
{
	const struct slab_span *span = slab_map_span(p);
	struct slab_cache *c = NULL;
	struct slab_report r;

	if (slab_likely(span != NULL))
		c = slab_cache_by_slot[span->slot[slab_span_index(span, p)]];
	if (slab_likely(c != NULL))
		return c;
	if (span != NULL) { /* one of the caches that came too late for a slot, or none */
		c = slab_cache_of(p);
		if (c != NULL)
			return c;
	}
	slab_report_begin(&r, "bad free: ");
	slab_report_hex(&r, (uintptr_t)p);
	slab_report_text(&r, span == NULL ? " is no block of this allocator"
	                                  : " lies in memory that is free already");
	slab_report_abort(&r);
}

/* ---- malloc's contracts ---- */

EXPORT void *slab_malloc(size_t size)
{
	size_t bytes;
	unsigned i;

	slab_init();
	if (slab_unlikely(size > SLAB_OBJECT_MAX))
		return large_alloc(size, SMALL_STEP);
	i = class_of(size != 0 ? size : 1, &bytes);
	return alloc_from(&classes[0][i], bytes, SMALL_STEP);
}

EXPORT void *slab_calloc(size_t n, size_t size)
{
	size_t bytes;
	void *p;

	if (__builtin_mul_overflow(n, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	p = slab_malloc(bytes);
	if (p != NULL && bytes <= SLAB_OBJECT_MAX) /* a new mapping is zero already */
		memset(p, 0, bytes);
	return p;
}

EXPORT void *slab_aligned_alloc(size_t align, size_t size)
{
	size_t bytes, rounded;
	unsigned i;

	slab_init();
	if (align == 0 || (align & (align - 1)) != 0) {
		errno = EINVAL;
		return NULL;
	}
	if (align <= SMALL_STEP)
		return slab_malloc(size);
	rounded = (size + align - 1) & ~(align - 1);
	if (align > SLAB_ALIGN_MAX || size > SLAB_OBJECT_MAX || rounded > SLAB_OBJECT_MAX)
		return large_alloc(size != 0 ? size : 1, align);
	i = class_of(rounded != 0 ? rounded : align, &bytes);
	return alloc_from(&classes[__builtin_ctzll(align) - 4][i], bytes, align);
}

EXPORT void slab_free(void *p)
{
	uint8_t order1;

	if (p == NULL)
		return;
	order1 = slab_map_order1(p);
	if (slab_unlikely(order1 == SLAB_MAP_LARGE))
		large_free(p);
	else
		slab_cache_free(cache_at(p), p);
}

EXPORT size_t slab_usable_size(const void *p)
{
	uint8_t order1;

	if (p == NULL)
		return 0;
	order1 = slab_map_order1(p);
	if (order1 == SLAB_MAP_LARGE)
		return slab_map_span(p)->bytes;
	return cache_at(p)->geo.object_bytes;
}

EXPORT void *slab_realloc(void *p, size_t size)
{
	size_t usable = slab_usable_size(p);
	void *moved;

	if (p != NULL && size == 0) {
		slab_free(p);
		return NULL;
	}
	if (p != NULL && size <= usable && (size > usable / 2 || usable <= SMALL_MAX))
		return p; /* fits where it is, and wastes little */
	moved = slab_malloc(size);
	if (moved != NULL && p != NULL) {
		memcpy(moved, p, size < usable ? size : usable);
		slab_free(p);
	}
	return moved;
}
