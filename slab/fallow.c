/*
 * fallow.c - addresses of freed large blocks that stay mapped, without pages             Floor 4
 *
 * Called by recent.c and large.c. The kernel sees a row of blocks as one mapping. Each block that
 * is unmapped from among the others makes two of one, and at 65,530 mappings the next munmap is
 * refused, and then every mmap of the program. So while there are many blocks, only the pages of
 * what is freed go back; its addresses serve other blocks, and follow when there are fewer blocks
 * than would matter if each stood alone. What the kernel refuses to unmap waits here likewise.
 */
#include "slab/fallow.h"
#include "slab/list.h"
#include "slab/map.h"
#include "slab/meta.h"
#include "slab/page.h"

#define LOOKS     16 /* at runs that may be too short, before a longer one is cut */
#define TRIM_MORE 2  /* runs that follow each that has been unmapped */

static void add_locked(struct slab_span *span)
{
	slab_list_add(&span->all_link, &slab_root.fallow[slab_fallow_log(span->bytes)]);
	slab_root.fallow_bytes += span->bytes;
	slab_map_mark(span->base, span->bytes, span);
}

static void remove_locked(struct slab_span *span)
{
	slab_list_del(&span->all_link);
	slab_root.fallow_bytes -= span->bytes;
	slab_map_mark(span->base, span->bytes, NULL);
}

/* Takes up the runs before and behind it, of whatever mapping: a block that spans two is copied
 * where others are moved. */
static void join_locked(struct slab_span *span)
{
	struct slab_span *before = slab_map_marked(span->base - 1);
	struct slab_span *behind = slab_map_marked(span->base + span->bytes);

	if (before != NULL) {
		remove_locked(before);
		span->base = before->base;
		span->bytes += before->bytes;
		slab_meta_put(SLAB_META_RUN, before);
	}
	if (behind != NULL) {
		remove_locked(behind);
		span->bytes += behind->bytes;
		slab_meta_put(SLAB_META_RUN, behind);
	}
}

static struct slab_span *find_locked(size_t bytes)
{
	unsigned log = slab_fallow_log(bytes), looks = 0;
	struct slab_list *pos;

	slab_list_for_each(pos, &slab_root.fallow[log]) {
		struct slab_span *span = slab_container(pos, struct slab_span, all_link);

		if (span->bytes >= bytes)
			return span;
		if (++looks == LOOKS)
			break;
	}
	while (++log < SLAB_FALLOW_LOGS)
		if (!slab_list_empty(&slab_root.fallow[log]))
			return slab_container(slab_root.fallow[log].next, struct slab_span,
			                      all_link);
	return NULL;
}

struct slab_span *slab_fallow_take_locked(size_t bytes, size_t align)
{
	struct slab_span *span, *rest;

	if (slab_root.fallow_bytes < bytes || align > SLAB_GRANULE_BYTES)
		return NULL;
	span = find_locked(bytes);
	if (span == NULL)
		return NULL;
	remove_locked(span);
	rest = span->bytes > bytes ? slab_meta_split(span, bytes) : NULL;
	if (rest != NULL)
		add_locked(rest);
	return span;
}

static bool unmap(struct slab_span *span)
{
	bool failed = slab_page_unmap(span->base, span->bytes) != 0;

	pthread_mutex_lock(&slab_root.span_lock);
	slab_root.mapped_bytes -= failed ? 0 : span->bytes;
	pthread_mutex_unlock(&slab_root.span_lock);
	if (!failed)
		slab_meta_put(SLAB_META_RUN, span);
	return !failed;
}

static void keep(struct slab_span *span)
{
	struct slab_range range = { span->base, span->bytes };

	slab_page_drop(&range, 1);
	pthread_mutex_lock(&slab_root.span_lock);
	join_locked(span);
	add_locked(span);
	pthread_mutex_unlock(&slab_root.span_lock);
}

void slab_fallow_give(struct slab_span *span)
{
	bool many;

	pthread_mutex_lock(&slab_root.span_lock);
	many = slab_root.large_count >= SLAB_LARGE_MOST;
	if (!many) { /* so that no run ever stands alone between two holes */
		join_locked(span);
		slab_map_drop(span->base, span->bytes);
	}
	pthread_mutex_unlock(&slab_root.span_lock);
	if (many || !unmap(span))
		keep(span);
	else
		slab_fallow_trim(TRIM_MORE);
}

/* The caller's. NULL: none, or too many blocks. */
static struct slab_span *take_any(void)
{
	struct slab_span *span = NULL;

	pthread_mutex_lock(&slab_root.span_lock);
	if (slab_root.fallow_bytes != 0 && slab_root.large_count < SLAB_LARGE_MOST)
		span = find_locked(SLAB_GRANULE_BYTES);
	if (span != NULL)
		remove_locked(span);
	pthread_mutex_unlock(&slab_root.span_lock);
	return span;
}

/* Returns the bytes of a run that is unmapped; 0: the kernel refuses, and it is kept. */
static size_t give(struct slab_span *span)
{
	size_t bytes = span->bytes;

	if (unmap(span))
		return bytes;
	keep(span);
	return 0;
}

size_t slab_fallow_trim(size_t runs)
{
	struct slab_span *span;
	size_t returned = 0, given = 1;

	while (given > 0 && runs-- > 0 && (span = take_any()) != NULL)
		returned += given = give(span);
	return returned;
}

static struct slab_span *take_longest(void)
{
	unsigned log = SLAB_FALLOW_LOGS;
	struct slab_span *span = NULL;

	pthread_mutex_lock(&slab_root.span_lock);
	while (span == NULL && log-- > 0)
		if (!slab_list_empty(&slab_root.fallow[log]))
			span = slab_container(slab_root.fallow[log].next, struct slab_span,
			                      all_link);
	if (span != NULL)
		remove_locked(span);
	pthread_mutex_unlock(&slab_root.span_lock);
	return span;
}

size_t slab_fallow_yield(size_t least_bytes)
{
	struct slab_span *span;
	size_t returned = 0, given = 1;

	while (given > 0 && returned < least_bytes && (span = take_longest()) != NULL)
		returned += given = give(span);
	return returned;
}
