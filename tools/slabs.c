/*
 * slabs.c - the slabs of one cache, slot by slot                                         Floor t6
 *
 * Called by inside.c, detail.c, objects.c, users.c and map_picture.c. Spans lead to slabs, a slab's
 * header says which slots are used, and the magazines of threads and depot which of those are
 * parked. Every list is bounded and must hang together backwards; a header counts only if its
 * cookie names the cache.
 */
#include <errno.h>
#include <stdlib.h>

#include "tools/progress.h"
#include "tools/slabs.h"
#include "tools/spans.h"
#include "tools/tracks.h"

#define HEADER_MAX (sizeof(uint64_t) * (SLABS_OBJECTS_MAX / 64 + 1))

struct search {
	struct walk *walk;
	const struct walk_cache *cache;
	uint64_t secret, page_bytes, colours, colour_bytes, header_bytes, slot;
	struct spans spans;
	struct parked parked;
	struct tracks tracks;
	unsigned char *bitmap, *state;
	struct progress progress;
};

static bool geometry_makes_sense(const struct search *search)
{
	const struct walk_cache *cache = search->cache;

	return cache->slab_bytes >= 4096 && cache->slab_bytes <= SLAB_SLAB_MAX_BYTES &&
	       (cache->slab_bytes & (cache->slab_bytes - 1)) == 0 && cache->stride_bytes > 0 &&
	       cache->objects_per_slab > 0 && cache->objects_per_slab <= SLABS_OBJECTS_MAX &&
	       search->header_bytes <= cache->slab_bytes &&
	       search->colours <= 4096 && search->colour_bytes <= cache->slab_bytes &&
	       search->colours * search->colour_bytes + search->header_bytes <= cache->slab_bytes &&
	       cache->objects_per_slab * cache->stride_bytes + search->header_bytes +
			       search->colours * (search->colour_bytes % cache->stride_bytes) <=
		       cache->slab_bytes;
}

static int begin(struct search *search)
{
	struct walk *walk = search->walk;
	const struct table *table = walk->table;
	uint64_t addr = search->cache->addr;
	int error;

	if (spans_begin(&search->spans, walk) != 0)
		return ENOTSUP;
	if (!table_has(table, SLAB_F_SLAB_COOKIE, 8, 8) ||
	    !table_has(table, SLAB_F_SLAB_BITMAP, 8, 8) ||
	    !table_has(table, SLAB_F_SLAB_IN_USE, 1, 8))
		return ENOTSUP;
	error = walk_number(walk, table->root, SLAB_F_ROOT_SECRET, &search->secret);
	if (!error)
		error = walk_number(walk, table->root, SLAB_F_ROOT_PAGE_BYTES, &search->page_bytes);
	if (!error)
		error = walk_number(walk, addr, SLAB_F_CACHE_COLOURS, &search->colours);
	if (!error)
		error = walk_number(walk, addr, SLAB_F_CACHE_COLOUR_BYTES, &search->colour_bytes);
	if (!error)
		error = walk_number(walk, addr, SLAB_F_CACHE_HEADER_BYTES, &search->header_bytes);
	if (error)
		return error;
	if (!geometry_makes_sense(search))
		return EBADMSG;
	if (walk_number(walk, addr, SLAB_F_CACHE_NUMBER, &search->slot)) /* an older library */
		search->slot = search->cache->slot_bytes / table->constant[SLAB_K_SLOT_BYTES];
	search->bitmap = malloc(HEADER_MAX);
	search->state = malloc(SLABS_OBJECTS_MAX);
	return search->bitmap && search->state ? 0 : ENOMEM;
}

/* The spans that are cut into slabs of the cache's size. */
static int take_spans(struct search *search)
{
	unsigned order = 0;

	while (order < SLAB_ORDERS && search->page_bytes << order < search->cache->slab_bytes)
		order++;
	return order < SLAB_ORDERS ? spans_take(&search->spans, search->walk, order) : EBADMSG;
}

uint64_t slabs_slot_at(const struct walk_cache *cache, const struct slabs_slab *slab,
		       uint64_t addr)
{
	uint64_t offset = addr - slab->first, i;

	if (addr < slab->first || addr - slab->header < cache->header_bytes)
		return cache->objects_per_slab;
	if (addr >= slab->header)
		offset -= cache->header_bytes;
	i = offset / cache->stride_bytes;
	return i < cache->objects_per_slab ? i : cache->objects_per_slab;
}

uint64_t slabs_object(const struct walk_cache *cache, const struct slabs_slab *slab, uint64_t i)
{
	uint64_t at = slab->first + i * cache->stride_bytes;

	return at < slab->header ? at : at + cache->header_bytes;
}

static bool bit(const unsigned char *bits, uint64_t i)
{
	return bits[i / 8] >> (i % 8) & 1;
}

/* Marks the used slots of a slab that are parked. */
static void mark_parked(const struct search *search, struct slabs_slab *slab,
			struct slabs_sum *sum)
{
	const struct walk_cache *cache = search->cache;
	size_t low = 0, high = search->parked.count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (search->parked.obj[mid].addr < slab->base)
			low = mid + 1;
		else
			high = mid;
	}
	slab->held = search->parked.obj ? &search->parked.obj[low] : NULL;
	for (; low < search->parked.count &&
	       search->parked.obj[low].addr - slab->base < cache->slab_bytes; low++) {
		uint64_t i = slabs_slot_at(cache, slab, search->parked.obj[low].addr);

		slab->helds++;
		sum->parked_nowhere--;
		if (i < cache->objects_per_slab && search->state[i] == SLABS_LIVE) {
			search->state[i] = SLABS_PARKED;
			slab->live--;
			slab->parked++;
		} else if (i < cache->objects_per_slab &&
			   (search->walk->target->core || search->state[i] == SLABS_FREE)) {
			/* free; or parked twice, which in a process may be a stale array */
			search->state[i] = SLABS_DAMAGED;
			slab->damaged = true;
		}
	}
}

/* Of a cache under debug: used slots whose object was freed, and waits in the quarantine. */
static void mark_waiting(const struct search *search, struct slabs_slab *slab)
{
	const struct walk_cache *cache = search->cache;

	for (uint64_t i = 0; i < cache->objects_per_slab && search->tracks.known; i++) {
		uint64_t obj = slabs_object(cache, slab, i);

		if (search->state[i] != SLABS_LIVE ||
		    !tracks_waits(&search->tracks, search->walk->target, obj))
			continue;
		search->state[i] = SLABS_PARKED;
		slab->live--;
		slab->parked++;
	}
}

/* A header in one call. Return: whether it could be read. */
static bool read_header(struct search *search, uint64_t header, uint64_t *cookie, uint64_t *in_use)
{
	const struct table_field *field = search->walk->table->field;
	const struct target_part parts[] = {
		{ header + field[SLAB_F_SLAB_COOKIE].offset_bytes, cookie, sizeof *cookie },
		{ header + field[SLAB_F_SLAB_IN_USE].offset_bytes, in_use,
		  field[SLAB_F_SLAB_IN_USE].size_bytes },
		{ header + field[SLAB_F_SLAB_BITMAP].offset_bytes, search->bitmap,
		  (search->cache->objects_per_slab + 63) / 64 * 8 },
	};

	return search->walk->target->read(search->walk->target, parts, 3) == 0;
}

/* Return: whether slab i of the span is the cache's; then it has been shown. */
static bool show_slab(struct search *search, uint64_t base, struct slabs_slab *slab,
		      const struct slabs_visit *visit, struct slabs_sum *sum)
{
	const struct walk_cache *cache = search->cache;
	const struct table *table = search->walk->table;
	uint64_t shift = table->constant[SLAB_K_COLOUR_SHIFT] % 64, cookie = 0, in_use = 0;
	uint64_t colour = (base >> shift) & search->colours;

	slab->base = base;
	slab->header = base + colour * search->colour_bytes;
	/* a colour is whole objects, and what is left free before all of them */
	slab->first = base + colour * (search->colour_bytes % cache->stride_bytes);
	slab->missing = !read_header(search, slab->header, &cookie, &in_use);
	slab->damaged = false;
	slab->live = slab->parked = slab->free = 0;
	slab->helds = 0;
	slab->state = search->state;
	if (!slab->missing && cookie == 0)
		return false; /* its objects are constructed: it is not the cache's yet */
	if (!slab->missing && cookie != (cache->addr ^ search->secret ^ slab->header)) {
		if (search->slot == 0)
			return false; /* another cache without a slot */
		slab->damaged = true;
		memset(search->state, SLABS_DAMAGED, cache->objects_per_slab);
	} else if (!slab->missing) {
		for (uint64_t i = 0; i < cache->objects_per_slab; i++) {
			search->state[i] = bit(search->bitmap, i) ? SLABS_LIVE : SLABS_FREE;
			slab->live += search->state[i] == SLABS_LIVE;
		}
		slab->free = (uint32_t)cache->objects_per_slab - slab->live;
		slab->damaged = slab->live != in_use;
		mark_parked(search, slab, sum);
		mark_waiting(search, slab);
	}
	progress_tell(&search->progress, cache->name, sum->slabs, cache->slabs);
	sum->slabs++;
	sum->missing += slab->missing;
	sum->damaged += slab->damaged;
	sum->empty += !slab->missing && slab->free == cache->objects_per_slab;
	sum->live += slab->live;
	sum->parked += slab->parked;
	sum->free += slab->free;
	visit->slab(visit->ctx, cache, slab);
	return true;
}

/* Counts a span that serves this cache alone, and what it keeps empty; where the library tells. */
static void count_own(const struct search *search, const struct spans_span *span,
		      struct slabs_sum *sum)
{
	if (!search->spans.owners_known ||
	    table_number(search->walk->table, span->image, SLAB_F_SPAN_OWNER) !=
		search->cache->addr)
		return;
	sum->own_spans++;
	for (uint64_t i = 0; i < span->slabs && i < SPANS_BITS_MAX; i++)
		sum->own_warm += spans_bit(search->walk, span, SLAB_F_SPAN_WARM, i);
}

static void show_span(struct search *search, const struct spans_span *span,
		      const struct slabs_visit *visit, struct slabs_sum *sum)
{
	struct walk *walk = search->walk;
	const struct table *table = walk->table;
	const unsigned char *slot = span->image + table->field[SLAB_F_SPAN_SLOT].offset_bytes;
	uint64_t most = 8 * (uint64_t)table->field[SLAB_F_SPAN_FREE].size_bytes;
	struct slabs_slab slab = { 0 };
	uint16_t number;

	count_own(search, span, sum);
	if (most > 8 * (uint64_t)table->field[SLAB_F_SPAN_HOLE].size_bytes)
		most = 8 * (uint64_t)table->field[SLAB_F_SPAN_HOLE].size_bytes;
	if (most > table->field[SLAB_F_SPAN_SLOT].size_bytes / sizeof number)
		most = table->field[SLAB_F_SPAN_SLOT].size_bytes / sizeof number;
	for (uint64_t i = 0; i < span->slabs && i < most; i++) {
		memcpy(&number, slot + i * sizeof number, sizeof number);
		if (spans_bit(walk, span, SLAB_F_SPAN_HOLE, i))
			slab.hole_before += search->cache->slab_bytes;
		else if (!spans_bit(walk, span, SLAB_F_SPAN_FREE, i) && number == search->slot &&
			 show_slab(search, span->base + i * search->cache->slab_bytes, &slab,
				   visit, sum))
			slab.hole_before = 0;
	}
}

int slabs_each(struct walk *walk, const struct walk_cache *cache, const struct slabs_visit *visit,
	       struct slabs_sum *sum)
{
	struct walk_cache whole = *cache;
	struct search search = { .walk = walk, .cache = &whole };
	int error;

	*sum = (struct slabs_sum){ 0 };
	if (walk_on_malloc(walk, cache))
		return 0; /* what counts as its slabs are blocks */
	error = begin(&search);
	whole.header_bytes = search.header_bytes;
	if (!error)
		tracks_of(&search.tracks, walk, &whole);
	if (!error)
		error = take_spans(&search);
	if (!error || error == EBADMSG)
		error = parked_take(&search.parked, walk, &whole) ? EBADMSG : error;
	sum->parked_nowhere = search.parked.count;
	spans_sort(&search.spans);
	for (size_t i = 0; i < search.spans.count; i++)
		show_span(&search, &search.spans.span[i], visit, sum);
	spans_free(&search.spans);
	parked_free(&search.parked);
	progress_end(&search.progress);
	free(search.bitmap);
	free(search.state);
	return error;
}
