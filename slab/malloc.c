/*
 * malloc.c - the C library's allocation functions, served from size classes              Floor 12
 *
 * In libslab-malloc.so alone, which programs get by LD_PRELOAD (tools/slabrun): the functions of
 * sized.c by the names and with the contracts of glibc. No init call: the first call may come from
 * the dynamic loader, before any constructor. Names stand in parentheses so that each is seen to be
 * defined here and not called.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "slab/sized.h"
#include "slab/check.h"
#include "slab/damage.h"
#include "slab/page.h"
#include "slab/report.h"
#include "slab/thread.h"

const volatile bool slab_serves_malloc = true;

/* C23; declared by newer C libraries */
void free_sized(void *p, size_t size);
void free_aligned_sized(void *p, size_t align, size_t size);

EXPORT void *(malloc)(size_t size)
{
	return slab_sized_alloc(size);
}

EXPORT void (free)(void *p)
{
	slab_sized_free(p);
}

EXPORT void *(calloc)(size_t n, size_t size)
{
	return slab_calloc(n, size);
}

EXPORT void *(realloc)(void *p, size_t size)
{
	return slab_realloc(p, size);
}

EXPORT void *(reallocarray)(void *p, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return slab_realloc(p, bytes);
}

/* ---- alignment ---- */

/* As glibc: an alignment that is no power of two counts as the next one. */
EXPORT void *(memalign)(size_t align, size_t size)
{
	size_t power = SLAB_SIZED_STEP;

	if (align > SIZE_MAX / 2 + 1) {
		errno = EINVAL;
		return NULL;
	}
	while (power < align)
		power *= 2;
	return slab_aligned_alloc(power, size);
}

EXPORT void *(aligned_alloc)(size_t align, size_t size)
{
	return slab_aligned_alloc(align, size);
}

EXPORT int (posix_memalign)(void **where, size_t align, size_t size)
{
	int saved_errno = errno;
	void *p;

	if (align % sizeof(void *) != 0 || align == 0 || (align & (align - 1)) != 0)
		return EINVAL;
	p = slab_aligned_alloc(align, size);
	errno = saved_errno;
	if (p == NULL)
		return ENOMEM;
	*where = p;
	return 0;
}

EXPORT void *(valloc)(size_t size)
{
	return slab_aligned_alloc((size_t)sysconf(_SC_PAGESIZE), size);
}

EXPORT void *(pvalloc)(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), rounded = (size + page - 1) & ~(page - 1);

	if (rounded < size) {
		errno = ENOMEM;
		return NULL;
	}
	return slab_aligned_alloc(page, rounded != 0 ? rounded : page);
}

/* ---- free with the size ---- */

static void check_size(void *p, size_t align, size_t size)
{
	size_t usable = slab_usable_size(p);
	struct slab_report r;

	/* what realloc leaves in place, or malloc or aligned_alloc have rounded up */
	if (slab_map_order1(p) == SLAB_MAP_LARGE && align < SLAB_GRANULE_BYTES)
		align = SLAB_GRANULE_BYTES;
	if (slab_sized_fits(usable, size) || (size <= usable && usable - size <= align))
		return;
	slab_report_begin(&r, "bad free: ");
	slab_report_hex(&r, (uintptr_t)p);
	slab_report_text(&r, " freed with size ");
	slab_report_dec(&r, size);
	slab_report_text(&r, ", but its block has ");
	slab_report_dec(&r, usable);
	slab_report_text(&r, " bytes");
	slab_damage_send(&r);
}

EXPORT void free_sized(void *p, size_t size)
{
	if (p != NULL)
		check_size(p, SLAB_SIZED_STEP, size);
	slab_sized_free(p);
}

EXPORT void free_aligned_sized(void *p, size_t align, size_t size)
{
	if (p != NULL)
		check_size(p, align, size);
	slab_sized_free(p);
}

/* ---- figures ---- */

EXPORT size_t (malloc_usable_size)(void *p)
{
	return slab_usable_size(p);
}

/* 1: memory went back to the system. There is no top of a heap for pad to apply to. */
EXPORT int (malloc_trim)(size_t pad)
{
	(void)pad;
	return slab_reap() > 0;
}

static int add_cache(struct slab_cache *c, void *ctx)
{
	struct mallinfo2 *info = ctx;
	struct slab_cache_stats s;

	if (slab_cache_stats(c, &s, sizeof s) != 0)
		return 0;
	info->arena += s.mapped_bytes;
	info->ordblks += s.objects_free;
	info->smblks += s.objects_cached;
	info->fsmblks += s.objects_cached * s.stride_bytes;
	info->uordblks += s.objects_live * s.stride_bytes;
	return 0;
}

EXPORT struct mallinfo2 (mallinfo2)(void)
{
	struct mallinfo2 info = { 0 };
	struct slab_thread *t;

	slab_for_each_cache(add_cache, &info);
	t = slab_thread_lock(); /* no fork meanwhile */
	pthread_mutex_lock(&slab_root.span_lock);
	info.hblks = slab_root.large_count;
	info.hblkhd = slab_root.large_bytes;
	info.keepcost = slab_root.reserve.warm_bytes + slab_root.recent_bytes;
	pthread_mutex_unlock(&slab_root.span_lock);
	slab_thread_unlock(t);
	info.fordblks = info.arena > info.uordblks ? info.arena - info.uordblks : 0;
	return info;
}

static int as_int(size_t value)
{
	return value < INT32_MAX ? (int)value : INT32_MAX;
}

EXPORT struct mallinfo (mallinfo)(void)
{
	struct mallinfo2 of = (mallinfo2)();

	return (struct mallinfo){
		.arena = as_int(of.arena),       .ordblks = as_int(of.ordblks),
		.smblks = as_int(of.smblks),     .hblks = as_int(of.hblks),
		.hblkhd = as_int(of.hblkhd),     .fsmblks = as_int(of.fsmblks),
		.uordblks = as_int(of.uordblks), .fordblks = as_int(of.fordblks),
		.keepcost = as_int(of.keepcost),
	};
}

/*
 * What suits programs that use malloc for everything, with dozens of size classes: more may be kept
 * while much is in use, as much less when that is freed; most of it in warm slabs, which serve many
 * classes; and no holes in spans, which would be filled again and again. At the constructor, when
 * the first blocks are long out.
 */
#define KEPT_SHARE  8                 /* one part in so many of the slabs in use may be kept, */
#define KEPT_LEAST  ((size_t)1 << 20) /* or so many bytes, */
#define KEPT_MOST   ((size_t)4 << 20) /* or, if a large enough program swings, up to so many */
#define KEPT_WARM   3                 /* quarters of that in warm slabs, whatever is parked */
#define KEPT_PARKED 4                 /* quarters that a thread's magazines may pin, by fill, */
#define THREAD_MOST ((size_t)16 << 20) /* and, by slab, so many bytes */

static void tune(void)
{
	struct slab_reserve *r = &slab_root.reserve;
	struct slab_thread *t = slab_thread_lock();

	pthread_mutex_lock(&slab_root.span_lock);
	slab_root.constants[SLAB_K_RESERVE_SHARE] = KEPT_SHARE;
	if (r->min_bytes != r->max_bytes) { /* else the program has set it already */
		r->min_bytes = KEPT_LEAST;
		r->max_bytes = KEPT_MOST;
		r->max_share = KEPT_SHARE;
		slab_write(&r->reserve_bytes, KEPT_LEAST);
	}
	slab_write(&r->warm_quarters, KEPT_WARM);
	slab_write(&r->parked_quarters, KEPT_PARKED);
	if (!slab_root.thread_bytes_set)
		slab_write(&slab_root.thread_bytes, THREAD_MOST);
	slab_root.whole_spans = 1;
	pthread_mutex_unlock(&slab_root.span_lock);
	slab_thread_unlock(t);
}

/* ---- figures at the end, for slabrun --stats: SLAB_STATS=PID:FILE ---- */

static char stats_file[4096]; /* a copy: programs write over their environment; "": none */
static pid_t stats_pid;

static void read_environment(void)
{
	const char *text = secure_getenv("SLAB_STATS");
	char *end;

	/* children of the process inherit the setting, which is not for them */
	if (text == NULL || strtol(text, &end, 10) != getpid() || *end != ':')
		return;
	if (strlen(end + 1) < sizeof stats_file)
		strcpy(stats_file, end + 1);
	stats_pid = getpid();
}

__attribute__((constructor)) static void start(void)
{
	tune();
	read_environment();
}

__attribute__((destructor)) static void write_figures(void)
{
	int fd;

	if (stats_file[0] == '\0' || getpid() != stats_pid) /* nor for those that it forks */
		return;
	fd = open(stats_file, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return;
	slab_stats_json(fd);
	close(fd);
}
