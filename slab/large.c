/*
 * large.c - blocks that are mappings of their own                                        Floor 7
 *
 * Called by sized.c. A block's span is entered in the address map while the block is live. Some of
 * what is freed stays mapped (recent.c): a program that takes and frees a buffer again and again
 * makes no call to the kernel.
 */
#include <errno.h>
#include <string.h>

#include "slab/large.h"
#include "slab/check.h"
#include "slab/damage.h"
#include "slab/fallow.h"
#include "slab/list.h"
#include "slab/map.h"
#include "slab/meta.h"
#include "slab/page.h"
#include "slab/recent.h"
#include "slab/report.h"

#define GROWTH_SHARE 4 /* one that grows gets a quarter more addresses */

/* Whole granules; 0: too large. */
static size_t granules(size_t size)
{
	if (size > PTRDIFF_MAX - SLAB_GRANULE_BYTES)
		return 0;
	return (size + SLAB_GRANULE_BYTES - 1) & ~(SLAB_GRANULE_BYTES - 1);
}

/* Into the map and among the live ones. Under span_lock. */
static bool enter_locked(struct slab_span *span)
{
	if (!slab_map_enter(span->base, span->bytes, span, SLAB_MAP_LARGE))
		return false;
	slab_list_add_tail(&span->all_link, &slab_root.large);
	slab_root.large_bytes += span->bytes;
	slab_add(&slab_root.large_count, 1);
	return true;
}

static void leave_locked(struct slab_span *span)
{
	slab_map_leave(span->base, span->bytes, span);
	slab_list_del(&span->all_link);
	slab_root.large_bytes -= span->bytes;
	slab_add(&slab_root.large_count, (uint64_t)-1);
}

static struct slab_span *map_new(size_t bytes, size_t align)
{
	struct slab_span *span = slab_meta_run(0, bytes, 0);
	bool entered;

	if (span == NULL)
		return NULL;
	span->base = slab_page_map(bytes, align);
	pthread_mutex_lock(&slab_root.span_lock);
	entered = span->base != 0 && enter_locked(span);
	if (entered) {
		slab_root.mapped_bytes += bytes;
		slab_recent_note_new_locked(span);
	}
	pthread_mutex_unlock(&slab_root.span_lock);
	if (entered)
		return span;
	if (span->base != 0)
		slab_page_unmap(span->base, bytes);
	slab_meta_put(SLAB_META_RUN, span);
	return NULL;
}

/* What is kept of freed ones, with its pages or without. NULL: none. */
static struct slab_span *take_freed(size_t bytes, size_t align)
{
	struct slab_span *span;

	pthread_mutex_lock(&slab_root.span_lock);
	span = slab_recent_take_locked(bytes, align, false);
	if (span == NULL)
		span = slab_fallow_take_locked(bytes, align);
	if (span != NULL)
		SLAB_BUG_ON(!enter_locked(span)); /* its leaves exist */
	pthread_mutex_unlock(&slab_root.span_lock);
	return span;
}

bool slab_large_may_come(size_t size, size_t align)
{
	size_t bytes = granules(size), spare;

	if (bytes == 0 || align > PTRDIFF_MAX - bytes)
		return false;
	if (align > SLAB_GRANULE_BYTES)
		bytes += align; /* as much is mapped, and cut */
	pthread_mutex_lock(&slab_root.span_lock);
	spare = slab_root.mapped_bytes - slab_root.large_bytes;
	pthread_mutex_unlock(&slab_root.span_lock);
	return bytes <= spare || slab_page_could_map(bytes - spare);
}

void *slab_large_alloc(size_t size, size_t align, bool *zeroed)
{
	size_t bytes = granules(size);
	struct slab_span *span;
	bool again;

	*zeroed = false;
	if (bytes == 0)
		return NULL;
	if (align < SLAB_GRANULE_BYTES)
		align = SLAB_GRANULE_BYTES;
	do { /* what was kept is in the way, or one with its neighbours long enough */
		span = take_freed(bytes, align);
		*zeroed = span == NULL;
		if (span == NULL)
			span = map_new(bytes, align);
		again = span == NULL && slab_large_may_come(size, align);
		again = again && (slab_recent_trim(0) > 0 || slab_fallow_yield(bytes) > 0);
	} while (again);
	return span != NULL ? (void *)span->base : NULL;
}

bool slab_large_is_start(const void *p, const char *what)
{
	const struct slab_span *span = slab_map_span(p);
	struct slab_report r;

	if (slab_likely(span != NULL && span->base == (uintptr_t)p))
		return true;
	slab_report_begin(&r, what);
	slab_report_hex(&r, (uintptr_t)p);
	slab_report_text(&r, " lies inside a large block, not at its start");
	slab_damage_send(&r);
	return false;
}

static struct slab_span *span_at_locked(const void *p)
{
	struct slab_span *span = slab_map_span(p);

	SLAB_BUG_ON(span == NULL || span->base != (uintptr_t)p); /* freed by two at the same time */
	return span;
}

void slab_large_free(void *p)
{
	struct slab_span *span;

	pthread_mutex_lock(&slab_root.span_lock);
	span = span_at_locked(p);
	leave_locked(span);
	pthread_mutex_unlock(&slab_root.span_lock);
	slab_recent_put(span);
}

size_t slab_large_bytes(const void *p)
{
	return slab_map_span(p)->bytes; /* constant while the caller holds the block */
}

/* The end of the block goes back, unless there is no memory for its descriptor. */
static void shrink(struct slab_span *span, size_t bytes)
{
	struct slab_span *rest;

	pthread_mutex_lock(&slab_root.span_lock);
	rest = slab_meta_split(span, bytes);
	if (rest != NULL) {
		slab_map_leave(rest->base, rest->bytes, span);
		slab_root.large_bytes -= rest->bytes;
	}
	pthread_mutex_unlock(&slab_root.span_lock);
	if (rest != NULL)
		slab_fallow_give(rest);
}

/* The block is bytes long at base by now; the map follows. Leaves exist. */
static void settle(struct slab_span *span, uintptr_t base, size_t bytes)
{
	pthread_mutex_lock(&slab_root.span_lock);
	slab_root.mapped_bytes += bytes - span->bytes;
	leave_locked(span); /* of the old address only what nobody else has entered meanwhile */
	if (base != span->base)
		span->mapping = ++slab_root.mappings;
	span->base = base;
	span->bytes = bytes;
	SLAB_BUG_ON(!enter_locked(span));
	pthread_mutex_unlock(&slab_root.span_lock);
}

/* Takes what the run behind it has, which was once a part of the same block: no call at all. */
static bool extend(struct slab_span *span, size_t bytes)
{
	size_t before = span->bytes;
	bool extended;

	pthread_mutex_lock(&slab_root.span_lock);
	extended = slab_recent_extend_locked(span, bytes);
	if (extended) {
		bytes = span->bytes;
		span->bytes = before;
		leave_locked(span);
		span->bytes = bytes;
		SLAB_BUG_ON(!enter_locked(span));
	}
	pthread_mutex_unlock(&slab_root.span_lock);
	return extended;
}

static bool make_leaves(uintptr_t base, size_t bytes)
{
	bool made;

	pthread_mutex_lock(&slab_root.span_lock);
	made = slab_map_reserve(base, bytes);
	pthread_mutex_unlock(&slab_root.span_lock);
	return made;
}

static void *move(struct slab_span *span, size_t bytes, int *error)
{
	uintptr_t to = slab_page_map(bytes, SLAB_GRANULE_BYTES);

	*error = ENOMEM;
	if (to == 0)
		return NULL;
	if (make_leaves(to, bytes))
		*error = slab_page_move(span->base, span->bytes, to, bytes);
	if (*error == ENOMEM)
		slab_page_unmap(to, bytes);
	if (*error != 0)
		return NULL; /* but for ENOMEM what is at to may be another thread's by now */
	settle(span, to, bytes);
	return (void *)to;
}

/* To fresh zeroes; pages of zeroes are left out, so that what was never written takes no memory. */
static void copy_pages(char *to, const char *from, size_t bytes)
{
	size_t page = slab_root.page_bytes;

	for (size_t at = 0; at < bytes; at += page)
		if (from[at] != 0 || memcmp(from + at, from + at + 1, page - 1) != 0)
			memcpy(to + at, from + at, page);
}

/* As move(), for what had better not or cannot be moved; with room for the next time, or each step
 * of one that grows by little would copy it. */
static void *copy(struct slab_span *span, size_t bytes, int *error)
{
	bool zeroed;
	void *to = slab_large_alloc(bytes, SLAB_GRANULE_BYTES, &zeroed);

	*error = ENOMEM;
	if (to == NULL)
		return NULL;
	if (zeroed)
		copy_pages(to, (char *)span->base, span->bytes);
	else
		memcpy(to, (void *)span->base, span->bytes);
	slab_large_free((void *)span->base);
	return to;
}

/* Returns an errno. The leaves come last: for what the kernel refuses they may be thousands. */
static int grow_in_place(struct slab_span *span, size_t bytes)
{
	int error = slab_page_remap(span->base, span->bytes, bytes);

	if (error == 0 && !make_leaves(span->base, bytes)) {
		slab_page_unmap(span->base + span->bytes, bytes - span->bytes);
		error = ENOMEM;
	}
	return error;
}

/* Where it is, if there is room behind it, else elsewhere. NULL: *error says why. */
static void *grow(struct slab_span *span, size_t bytes, int *error)
{
	*error = grow_in_place(span, bytes);
	if (*error == EFAULT) /* of two mappings, or advised or protected in part by the program */
		return copy(span, bytes, error);
	if (*error != 0 && slab_read(&slab_root.large_count) >= SLAB_LARGE_MOST)
		return copy(span, bytes, error); /* moved, it is never one with its neighbours */
	if (*error != 0)
		return move(span, bytes, error);
	settle(span, span->base, bytes);
	return (void *)span->base;
}

void *slab_large_resize(void *p, size_t size)
{
	size_t bytes = granules(size), larger;
	struct slab_span *span;
	int error = ENOMEM;
	void *there;

	pthread_mutex_lock(&slab_root.span_lock);
	span = span_at_locked(p);
	pthread_mutex_unlock(&slab_root.span_lock);
	if (bytes == 0)
		return NULL;
	if (bytes < span->bytes - span->bytes / GROWTH_SHARE)
		shrink(span, bytes);
	if (bytes <= span->bytes || extend(span, bytes))
		return p;
	larger = granules(size + size / GROWTH_SHARE);
	there = larger != 0 ? grow(span, larger, &error) : NULL;
	if (there == NULL && error == ENOMEM) /* without room for the next time */
		there = grow(span, bytes, &error);
	return there;
}
