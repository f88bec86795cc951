/*
 * own.c - memory that is the library's own                                               Floor t6
 *
 * Called by leaks.c. Slabs with all they contain, blocks that are a mapping, descriptors, the
 * tables of the threads and the root. A hole of a span is not ours: anybody may live there.
 */
#include <errno.h>
#include <stdlib.h>

#include "tools/own.h"
#include "tools/spans.h"

#define RANGES_MAX ((size_t)1 << 24)
#define CHUNKS_MAX ((size_t)1 << 20)

static int add(struct own *own, uint64_t start, uint64_t bytes)
{
	struct own_range *last = own->count ? &own->range[own->count - 1] : NULL;

	if (start + bytes < start)
		return EBADMSG;
	if (last && last->end == start) {
		last->end += bytes;
		return 0;
	}
	if (own->count == own->room) {
		size_t room = own->room ? 2 * own->room : 256;
		struct own_range *more =
		    room <= RANGES_MAX ? realloc(own->range, room * sizeof *more) : NULL;

		if (!more)
			return ENOMEM;
		own->range = more;
		own->room = room;
	}
	own->range[own->count++] = (struct own_range){ start, start + bytes };
	return 0;
}

static int add_word(struct own *own, uint64_t word)
{
	if (own->words == own->word_room) {
		size_t room = own->word_room ? 2 * own->word_room : 64;
		uint64_t *more = realloc(own->word, room * sizeof *more);

		if (!more)
			return ENOMEM;
		own->word = more;
		own->word_room = room;
	}
	own->word[own->words++] = word;
	return 0;
}

static int add_span(struct own *own, const struct walk *walk, const struct spans_span *span)
{
	uint64_t slab_bytes = span->slabs ? span->bytes / span->slabs : 0;
	int error = 0;

	if (span->slabs == 0) /* a block, or what is left of one */
		return add(own, span->base, span->bytes);
	for (uint64_t i = 0; i < span->slabs && i < SLAB_SPAN_SLABS && !error; i++)
		if (!spans_bit(walk, span, SLAB_F_SPAN_HOLE, i))
			error = add(own, span->base + i * slab_bytes, slab_bytes);
	return error;
}

static int add_spans(struct own *own, struct walk *walk)
{
	struct spans spans;
	int error = spans_begin(&spans, walk);

	for (unsigned order = 0; order <= SPANS_RECENT && !error; order++)
		error = spans_take(&spans, walk, order);
	for (size_t i = 0; i < spans.count && !error; i++)
		error = add_span(own, walk, &spans.span[i]);
	spans_free(&spans);
	return error;
}

static int add_chunks(struct own *own, struct walk *walk)
{
	uint64_t chunk, bytes, seen = 0;
	int error = walk_number(walk, walk->table->root, SLAB_F_ROOT_META_CHUNKS, &chunk);

	for (size_t n = 0; chunk && !error; n++) {
		if (n >= CHUNKS_MAX || chunk == seen)
			return EBADMSG;
		if ((n & (n - 1)) == 0)
			seen = chunk; /* a list that goes round comes by here (Brent) */
		error = walk_number(walk, chunk, SLAB_F_META_CHUNK_BYTES, &bytes);
		if (!error)
			error = add(own, chunk, bytes);
		if (!error)
			error = walk_number(walk, chunk, SLAB_F_META_CHUNK_NEXT, &chunk);
	}
	return error;
}

static int add_threads(struct own *own, const struct walk *walk)
{
	const uint64_t *constant = walk->table->constant;
	int error = 0;

	for (size_t i = 0; i < walk->threads && !error; i++) {
		error = add(own, walk->thread[i].addr, walk->table->image_bytes[TABLE_THREAD]);
		if (!error)
			error = add(own, walk->thread[i].slots,
				    constant[SLAB_K_SLOTS] * constant[SLAB_K_SLOT_BYTES]);
	}
	return error;
}

/* Pointers of the program that only the library's structures may hold. */
static int add_words(struct own *own, struct walk *walk)
{
	uint64_t word;
	int error = walk_number(walk, walk->table->root, SLAB_F_ROOT_REPORTER_CTX, &word);

	if (!error)
		error = add_word(own, word);
	for (size_t i = 0; i < walk->caches && !error; i++) {
		error = walk_number(walk, walk->cache[i].addr, SLAB_F_CACHE_CTX, &word);
		if (!error)
			error = add_word(own, word);
	}
	return error;
}

int own_add(struct own *own, struct walk *walk)
{
	uint64_t root = walk->table->root;
	uint32_t root_bytes;
	int error = target_read(walk->target, root + offsetof(struct slab_root, root_bytes),
				&root_bytes, sizeof root_bytes);

	if (!error)
		error = add(own, root, root_bytes);
	if (!error)
		error = add_words(own, walk);
	if (!error)
		error = add_chunks(own, walk);
	if (!error)
		error = add_threads(own, walk);
	return error ? error : add_spans(own, walk);
}

static int compare(const void *left, const void *right)
{
	const struct own_range *a = left, *b = right;

	return a->start < b->start ? -1 : a->start > b->start;
}

void own_sort(struct own *own)
{
	size_t kept = 0;

	if (own->count == 0)
		return;
	qsort(own->range, own->count, sizeof *own->range, compare);
	for (size_t i = 1; i < own->count; i++) {
		if (own->range[i].start > own->range[kept].end)
			own->range[++kept] = own->range[i];
		else if (own->range[i].end > own->range[kept].end)
			own->range[kept].end = own->range[i].end;
	}
	own->count = kept + 1;
}

void own_free(struct own *own)
{
	free(own->range);
	free(own->word);
}
