/*
 * sized.c - the by-size front end                                                        Floor 11
 *
 * Called by users. One cache per size class, made at its first use: steps of 16 bytes up to 128,
 * from there on eight or nine per doubling, so that at most 1/8 of a block is waste. Blocks above
 * 60 KiB, and alignments above a cache's, are mappings of their own (large.c).
 */
#include <errno.h>
#include <string.h>

#include "slab/sized.h"
#include "slab/cache.h"
#include "slab/config.h"
#include "slab/damage.h"
#include "slab/debug.h"
#include "slab/direct.h"
#include "slab/fallow.h"
#include "slab/large.h"
#include "slab/misuse.h"
#include "slab/owner.h"
#include "slab/report.h"
#include "slab/span.h"
#include "slab/thread.h"
#include "slab/valgrind.h"

#define STEP SLAB_SIZED_STEP
#define STEPS_MAX 128 /* bytes up to which each step is a class */
#define PER_DOUBLING 8
#define EIGHTHS (STEPS_MAX / STEP + 9 * PER_DOUBLING) /* up to 64 KiB; the last: is_large() */
#define CLASSES (EIGHTHS + 6)                         /* and headed_bytes() of 1, 2 .. 32 KiB */
#define ALIGNS 9                                      /* 16, 32 .. 4096 */

uint32_t slab_sized_slots[SLAB_SIZED_DIRECT / STEP + 1];

static struct slab_cache *classes[ALIGNS][CLASSES];

/* A buffer and its header: half a step above a power of two, of which 15 fit where 14 of a whole
 * step do, or 7; above 1 KiB, the most frequent, 16 bytes: 31 fit where 30 of half a step do. */
static size_t headed_bytes(unsigned log)
{
	return log == 10 ? 1024 + STEP : (size_t)17 << (log - 4);
}

/* The class that serves size (1 to SLAB_OBJECT_MAX), and its object size. */
static unsigned class_of(size_t size, size_t *object_bytes)
{
	unsigned log, shift;

	if (size <= STEPS_MAX) {
		*object_bytes = (size + STEP - 1) / STEP * STEP;
		return (unsigned)(*object_bytes / STEP - 1);
	}
	log = 63 - (unsigned)__builtin_clzll(size - 1);
	if (size > SLAB_SIZED_DIRECT && size <= headed_bytes(log)) {
		*object_bytes = headed_bytes(log);
		return EIGHTHS + log - 10;
	}
	shift = log - 3;
	*object_bytes = (((size - 1) >> shift) + 1) << shift;
	return STEPS_MAX / STEP + (log - 7) * PER_DOUBLING + (unsigned)((size - 1) >> shift) -
	       PER_DOUBLING;
}

/* "size-144", or "size-144:64" for one aligned to 64. */
static void class_name(char *name, size_t room, size_t bytes, size_t align)
{
	struct slab_report r = { 0 };

	slab_report_text(&r, "size-");
	slab_report_dec(&r, bytes);
	if (align > STEP) {
		slab_report_text(&r, ":");
		slab_report_dec(&r, align);
	}
	memcpy(name, r.text, r.len < room ? r.len + 1 : room);
}

static __attribute__((noinline, cold)) struct slab_cache *make_class(struct slab_cache **where,
                                                                     size_t bytes, size_t align)
{
	char name[SLAB_NAME_BYTES];
	struct slab_cache *c;
	size_t of;

	class_name(name, sizeof name, bytes, align);
	c = slab_cache_define_sparse(where, name, bytes, align);
	slab_valgrind_ignore(slab_sized_slots, sizeof slab_sized_slots);
	for (size_t i = 0; c != NULL && align == STEP && i <= SLAB_SIZED_DIRECT / STEP; i++) {
		class_of(i != 0 ? i * STEP : 1, &of);
		if (of == bytes)
			slab_write(&slab_sized_slots[i], (uint32_t)c->slot_bytes);
	}
	return c;
}

/* size: as asked for; in mode M the block is no larger, under debug its red zone begins there */
static void *alloc_from(struct slab_cache **where, size_t bytes, size_t align, size_t size)
{
	struct slab_cache *c = __atomic_load_n(where, __ATOMIC_ACQUIRE);
	void *p;

	if (slab_unlikely(c == NULL)) {
		c = make_class(where, bytes, align);
		if (c == NULL)
			return NULL;
	}
	if (slab_unlikely(c->mode == SLAB_MODE_MALLOC))
		return slab_direct_alloc(c, size);
	p = slab_cache_alloc(c);
	if (slab_unlikely(c->mode == SLAB_MODE_DEBUG) && p != NULL)
		slab_debug_trim(c, p, size);
	return p;
}

static void *map_large(size_t size, size_t align, bool *zeroed)
{
	struct slab_thread *t = slab_thread_lock();
	void *p = slab_large_alloc(size, align, zeroed);

	slab_thread_unlock(t);
	return p;
}

static void *alloc_large(size_t size, size_t align, bool *zeroed)
{
	int saved_errno = errno;
	void *p;

	*zeroed = false;
	if (slab_direct_chosen(slab_config_flags("size-large")))
		return slab_direct_large_alloc(size, align);
	p = map_large(size, align, zeroed);
	/* what slabs keep may be in the way */
	if (slab_unlikely(p == NULL) && slab_large_may_come(size, align) && slab_reap() > 0)
		p = map_large(size, align, zeroed);
	errno = p != NULL ? saved_errno : ENOMEM;
	return p;
}

/* Whether a block of that size is a mapping of its own; one that has a red zone is in a slab, and
 * so are those of many: each one freed alone splits a mapping, of which a process has 65,530. */
static bool is_large(size_t size)
{
	if (size <= SLAB_SIZED_MOST || size > SLAB_OBJECT_MAX)
		return size > SLAB_OBJECT_MAX;
	return slab_read(&slab_root.large_count) < SLAB_LARGE_MOST &&
	       (slab_config_flags("size-65536") & (SLAB_DEBUG_FLAGS | SLAB_ONE_MALLOC)) == 0;
}

void *slab_sized_alloc_slow(size_t size)
{
	size_t bytes;
	bool zeroed;
	unsigned i;

	slab_init();
	if (slab_unlikely(is_large(size)))
		return alloc_large(size, STEP, &zeroed);
	i = class_of(size != 0 ? size : 1, &bytes);
	return alloc_from(&classes[0][i], bytes, STEP, size);
}

/* The cache of a block that is no mapping of its own. Not there: NULL, if the report did not end
 * the program. */
static struct slab_cache *cache_at(const void *p, const char *what)
{
	struct slab_cache *c = slab_cache_by_slot[slab_map_slot(p)];
	const struct slab_span *span;
	struct slab_report r;

	if (slab_likely(c != NULL))
		return c;
	span = slab_map_span(p);
	if (span != NULL) /* no multiple of 16 */
		c = slab_cache_by_slot[span->slot[slab_span_index(span, p)]];
	if (c != NULL && c->mode != SLAB_MODE_DEBUG && (uintptr_t)p % c->geo.align_bytes != 0)
		slab_misuse_free(c, p);
	if (span != NULL && c == NULL) /* of a cache that has no slot, or of none */
		c = slab_cache_of(p);
	if (c != NULL)
		return c;
	slab_report_begin(&r, what);
	slab_report_hex(&r, (uintptr_t)p);
	slab_report_text(&r, span == NULL ? " is no block of this allocator"
	                                  : " lies in memory that is free already");
	slab_damage_send(&r);
	return NULL;
}

/* A malloc block of mode M, or nothing of ours. The kernel may put one into a hole of a span. */
static bool is_direct(const void *p, uint8_t order1)
{
	return order1 == 0 || (order1 != SLAB_MAP_LARGE && slab_owner_at(p) != 0);
}

void slab_sized_free_slow(void *p)
{
	uint8_t order1 = slab_map_order1(p);
	struct slab_thread *t;
	struct slab_cache *c;

	if (p == NULL)
		return;
	if (slab_unlikely(is_direct(p, order1))) {
		slab_direct_free_any(p);
		return;
	}
	if (slab_likely(order1 != SLAB_MAP_LARGE)) {
		c = cache_at(p, "bad free: ");
		if (c != NULL)
			slab_cache_free(c, p);
		return;
	}
	if (!slab_large_is_start(p, "bad free: "))
		return;
	t = slab_thread_lock_to_free();
	slab_large_free(p);
	slab_thread_unlock(t);
}

/* ---- malloc's contracts ---- */

EXPORT void *slab_malloc(size_t size)
{
	return slab_sized_alloc(size);
}

EXPORT void slab_free(void *p)
{
	slab_sized_free(p);
}

EXPORT void *slab_calloc(size_t n, size_t size)
{
	bool zeroed = false;
	size_t bytes;
	void *p;

	if (slab_unlikely(__builtin_mul_overflow(n, size, &bytes))) {
		errno = ENOMEM;
		return NULL;
	}
	if (slab_unlikely(is_large(bytes))) {
		slab_init();
		p = alloc_large(bytes, STEP, &zeroed);
	} else {
		p = slab_sized_alloc(bytes);
	}
	return p == NULL || zeroed ? p : memset(p, 0, bytes);
}

EXPORT void *slab_aligned_alloc(size_t align, size_t size)
{
	size_t bytes, rounded;
	bool zeroed;
	unsigned i;

	slab_init();
	if (align == 0 || (align & (align - 1)) != 0) {
		errno = EINVAL;
		return NULL;
	}
	if (align <= STEP)
		return slab_sized_alloc(size);
	rounded = (size + align - 1) & ~(align - 1);
	if (align > SLAB_ALIGN_MAX || is_large(size) || is_large(rounded))
		return alloc_large(size != 0 ? size : 1, align, &zeroed);
	i = class_of(rounded != 0 ? rounded : align, &bytes);
	return alloc_from(&classes[__builtin_ctzll(align) - 4][i], bytes, align, size);
}

static size_t usable_in(const struct slab_cache *c, const void *p)
{
	return slab_unlikely(c->mode == SLAB_MODE_DEBUG) ? slab_debug_usable(c, p)
	                                                 : c->geo.object_bytes;
}

/* Of a malloc block of mode M; 0: there is none, if the report did not end the program. */
static size_t usable_direct(const void *p)
{
	uint64_t word = slab_owner_at(p);

	if (slab_unlikely(word == 0))
		slab_direct_bad_pointer((void *)(uintptr_t)p);
	return slab_owner_bytes(word);
}

static size_t usable_slow(const void *p)
{
	uint8_t order1 = slab_map_order1(p);
	const struct slab_cache *c;

	if (p == NULL)
		return 0;
	if (order1 == SLAB_MAP_LARGE)
		return slab_large_bytes(p);
	if (is_direct(p, order1))
		return usable_direct(p);
	c = cache_at(p, "bad pointer: ");
	return c != NULL ? usable_in(c, p) : 0;
}

EXPORT size_t slab_usable_size(const void *p)
{
	const struct slab_cache *c = slab_cache_by_slot[slab_map_slot(p)];

	return slab_likely(c != NULL) ? usable_in(c, p) : usable_slow(p);
}

static void *move_to(void *p, size_t usable, size_t size)
{
	void *moved = slab_sized_alloc(size);

	if (moved == NULL)
		return NULL;
	memcpy(moved, p, size < usable ? size : usable);
	slab_sized_free(p);
	return moved;
}

static void *realloc_large(void *p, size_t usable, size_t size)
{
	void *there = NULL;

	if (!slab_large_is_start(p, "bad pointer: ")) {
		errno = EINVAL;
		return NULL;
	}
	if (is_large(size)) {
		struct slab_thread *t = slab_thread_lock();

		there = slab_large_resize(p, size);
		slab_thread_unlock(t);
	} else if (slab_sized_fits(usable, size)) {
		there = p;
	}
	return there != NULL ? there : move_to(p, usable, size);
}

/* Under debug one byte too many would hide much, and a block that stays where it is must not have
 * been freed; otherwise it moves, and the free of the old one reports it. */
static void *realloc_in(const struct slab_cache *c, void *p, size_t size)
{
	size_t usable = usable_in(c, p);

	if (slab_unlikely(c->mode == SLAB_MODE_DEBUG))
		return size == usable && slab_debug_is_object(c, p) ? p : move_to(p, usable, size);
	return slab_sized_fits(usable, size) ? p : move_to(p, usable, size);
}

static void *realloc_slow(void *p, size_t size)
{
	uint8_t order1 = slab_map_order1(p);
	const struct slab_cache *c = NULL;
	size_t usable;

	if (order1 == SLAB_MAP_LARGE)
		return realloc_large(p, slab_large_bytes(p), size);
	if (is_direct(p, order1)) { /* exactly as many bytes as asked for */
		usable = usable_direct(p);
		if (slab_owner_at(p) != 0)
			return size == usable ? p : move_to(p, usable, size);
	} else {
		c = cache_at(p, "bad pointer: ");
	}
	if (c != NULL)
		return realloc_in(c, p, size);
	errno = EINVAL;
	return NULL;
}

EXPORT void *slab_realloc(void *p, size_t size)
{
	const struct slab_cache *c = slab_cache_by_slot[slab_map_slot(p)];

	if (p == NULL)
		return slab_sized_alloc(size);
	if (slab_unlikely(size == 0)) {
		slab_sized_free(p);
		return NULL;
	}
	return slab_likely(c != NULL) ? realloc_in(c, p, size) : realloc_slow(p, size);
}
