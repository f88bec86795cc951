/*
 * recent.c - memory of freed large blocks that is kept                                   Floor 5
 *
 * Called by take.c, large.c and reap.c; see recent.h. A block must not span two mappings, since the
 * kernel moves none that does: so each span knows the number of the mapping that it is a part of.
 */
#include "slab/recent.h"
#include "slab/check.h"
#include "slab/fallow.h"
#include "slab/list.h"
#include "slab/meta.h"

#define RUNS_MOST   128                /* runs kept, */
#define LEAST       ((size_t)1 << 20)  /* of so many bytes in any case, */
#define SHARE       8                  /* or one part in so many of what is in use, */
#define SHARE_MOST  ((size_t)16 << 20) /* at most so many */

/* What went back and is wanted again had better been kept. First the least doubles, soon; then,
 * for a program that pays for the same pages again and again, so does the share, up to half. */
#define SOON          2                  /* doublings */
#define SOON_MISSED   4                  /* for so many times the least mapped again; */
#define LATER_MISSED  ((size_t)256 << 20) /* those behind for so many bytes each */
#define DOUBLED_MOST  5
#define SHARE_DOUBLED 2
#define GONE_MOST     (LEAST << DOUBLED_MOST) /* remembered */

static size_t least(void)
{
	return LEAST << slab_root.recent_doubled;
}

static size_t limit(void)
{
	size_t used = slab_root.large_bytes + slab_read(&slab_root.reserve.held_bytes);
	uint64_t later = slab_root.recent_doubled > SOON ? slab_root.recent_doubled - SOON : 0;
	uint64_t doubled = later < SHARE_DOUBLED ? later : SHARE_DOUBLED;
	size_t share = used / (SHARE >> doubled), most = SHARE_MOST << doubled;

	share = share < most ? share : most;
	return share < least() ? least() : share;
}

static struct slab_span *span_of(struct slab_list *pos)
{
	return slab_container(pos, struct slab_span, all_link);
}

static void add_locked(struct slab_span *span, struct slab_list *behind)
{
	slab_list_add(&span->all_link, behind);
	slab_root.recent_bytes += span->bytes;
	slab_root.recent_count++;
}

static void remove_locked(struct slab_span *span)
{
	slab_list_del(&span->all_link);
	slab_root.recent_bytes -= span->bytes;
	slab_root.recent_count--;
}

/* What lies behind the first bytes of span becomes a run of its own. False, and span stays as it
 * is: no memory for its descriptor. */
static bool split_locked(struct slab_span *span, size_t bytes, struct slab_list *behind)
{
	struct slab_span *rest;

	if (span->bytes == bytes)
		return true;
	rest = slab_meta_split(span, bytes);
	if (rest == NULL)
		return false;
	add_locked(rest, behind);
	return true;
}

struct slab_span *slab_recent_take_locked(size_t bytes, size_t align, bool exactly)
{
	struct slab_span *best = NULL;
	struct slab_list *pos;

	slab_list_for_each(pos, &slab_root.recent) {
		struct slab_span *span = span_of(pos);

		if (span->bytes >= bytes && (span->base & (align - 1)) == 0 &&
		    (best == NULL || span->bytes < best->bytes))
			best = span;
		if (best != NULL && best->bytes == bytes)
			break; /* of those that fit the one that was freed last */
	}
	if (best == NULL)
		return NULL;
	pos = best->all_link.prev;
	remove_locked(best);
	if (split_locked(best, bytes, pos) || !exactly) /* the rest is as old as it was */
		return best;
	add_locked(best, pos);
	return NULL;
}

bool slab_recent_extend_locked(struct slab_span *span, size_t bytes)
{
	uintptr_t end = span->base + span->bytes;
	size_t more = bytes - span->bytes;
	struct slab_list *pos;

	slab_list_for_each(pos, &slab_root.recent) {
		struct slab_span *next = span_of(pos);

		if (next->base != end || next->mapping != span->mapping || next->bytes < more)
			continue;
		pos = pos->prev;
		remove_locked(next);
		split_locked(next, more, pos);
		span->bytes += next->bytes;
		slab_meta_put(SLAB_META_RUN, next);
		return true;
	}
	return false;
}

/* Takes up the runs before and behind it that are of the same mapping. */
static void join_locked(struct slab_span *span)
{
	struct slab_list *pos, *after;

	slab_list_for_each_safe(pos, after, &slab_root.recent) {
		struct slab_span *other = span_of(pos);
		bool before = other->base + other->bytes == span->base;

		if (other->mapping != span->mapping ||
		    (!before && span->base + span->bytes != other->base))
			continue;
		remove_locked(other);
		if (before)
			span->base = other->base;
		span->bytes += other->bytes;
		slab_meta_put(SLAB_META_RUN, other);
	}
}

void slab_recent_note_new_locked(struct slab_span *span)
{
	size_t enough = slab_root.recent_doubled < SOON ? SOON_MISSED * least() : LATER_MISSED;

	span->mapping = ++slab_root.mappings;
	if (slab_root.recent_gone_bytes < span->bytes)
		return;
	slab_root.recent_gone_bytes -= span->bytes;
	slab_root.recent_missed_bytes += span->bytes;
	if (slab_root.recent_missed_bytes >= enough && slab_root.recent_doubled < DOUBLED_MOST) {
		slab_root.recent_missed_bytes = 0;
		slab_root.recent_doubled++;
	}
}

size_t slab_recent_trim(size_t keep_bytes)
{
	size_t returned = 0;
	struct slab_span *span;

	do {
		span = NULL;
		pthread_mutex_lock(&slab_root.span_lock);
		if (keep_bytes == 0) /* as in a new process */
			slab_root.recent_doubled = slab_root.recent_missed_bytes = 0;
		if (slab_root.recent_bytes > keep_bytes || slab_root.recent_count > RUNS_MOST) {
			span = span_of(slab_root.recent.prev);
			remove_locked(span);
			returned += span->bytes;
		}
		pthread_mutex_unlock(&slab_root.span_lock);
		if (span != NULL)
			slab_fallow_give(span);
	} while (span != NULL);
	return keep_bytes == 0 ? returned + slab_fallow_trim(SIZE_MAX) : returned;
}

void slab_recent_put(struct slab_span *span)
{
	size_t most, gone = 0;
	bool keep;

	pthread_mutex_lock(&slab_root.span_lock);
	most = limit();
	keep = span->bytes <= most;
	if (keep) {
		join_locked(span);
		add_locked(span, &slab_root.recent);
	}
	pthread_mutex_unlock(&slab_root.span_lock);
	if (!keep) {
		gone = span->bytes;
		slab_fallow_give(span);
	}
	gone += slab_recent_trim(most);
	pthread_mutex_lock(&slab_root.span_lock);
	gone += slab_root.recent_gone_bytes;
	slab_root.recent_gone_bytes = gone < GONE_MOST ? gone : GONE_MOST;
	pthread_mutex_unlock(&slab_root.span_lock);
}
