/*
 * meta.c - memory for descriptors                                                        Floor 3
 *
 * Called by every floor above that has descriptors, magazines or tables. One lock, a leaf of the
 * lock order.
 */
#include "slab/meta.h"
#include "slab/check.h"
#include "slab/page.h"
#include "slab/valgrind.h"

#define CHUNK_BYTES ((size_t)64 << 10)
#define PIECE_ALIGN ((size_t)64)
#define CHUNK_HEAD_BYTES 64 /* for struct slab_meta_chunk: pieces begin on a line of the cache */

struct free_piece {
	struct free_piece *next;
};

_Static_assert(SLAB_META_MAGAZINE + SLAB_META_MAGAZINES <=
                   sizeof slab_root.meta_free / sizeof(void *),
               "a free list for every kind");
_Static_assert(sizeof(struct slab_meta_chunk) <= CHUNK_HEAD_BYTES, "it has room");

static uint32_t magazine_cap(unsigned kind)
{
	return 16u << (kind - SLAB_META_MAGAZINE);
}

static size_t piece_bytes(unsigned kind)
{
	size_t bytes;

	if (kind == SLAB_META_CACHE)
		bytes = sizeof(struct slab_cache);
	else if (kind == SLAB_META_SPAN)
		bytes = sizeof(struct slab_span);
	else if (kind == SLAB_META_RUN)
		bytes = SLAB_SPAN_RUN_BYTES;
	else
		bytes = sizeof(struct slab_magazine) + magazine_cap(kind) * sizeof(void *);
	/* no line shared between two threads' pieces */
	return (bytes + PIECE_ALIGN - 1) & ~(PIECE_ALIGN - 1);
}

void slab_meta_account(int64_t bytes)
{
	__atomic_fetch_add(&slab_root.metadata_bytes, (uint64_t)bytes, __ATOMIC_RELAXED);
}

bool slab_meta_holds(const void *p, size_t bytes)
{
	const struct slab_meta_chunk *chunk = slab_root.meta_chunks;

	while (chunk != NULL && (uintptr_t)p - (uintptr_t)chunk >= chunk->bytes)
		chunk = chunk->next;
	return chunk != NULL && (uintptr_t)p % PIECE_ALIGN == 0 &&
	       (uintptr_t)p - (uintptr_t)chunk >= CHUNK_HEAD_BYTES &&
	       (uintptr_t)p - (uintptr_t)chunk + bytes <= chunk->bytes;
}

/* The rest of the chunk before is lost: < 3 KiB. */
static bool new_chunk(void)
{
	uintptr_t base = slab_page_map(CHUNK_BYTES, slab_page_size());
	struct slab_meta_chunk *chunk = (struct slab_meta_chunk *)base;

	if (chunk == NULL)
		return false;
	slab_valgrind_ignore(chunk, CHUNK_BYTES);
	chunk->next = slab_root.meta_chunks;
	chunk->bytes = CHUNK_BYTES;
	__atomic_store_n(&slab_root.meta_chunks, chunk, __ATOMIC_RELEASE);
	slab_root.meta_chunk = base + CHUNK_HEAD_BYTES;
	slab_root.meta_chunk_bytes = CHUNK_BYTES - CHUNK_HEAD_BYTES;
	slab_meta_account(CHUNK_HEAD_BYTES);
	return true;
}

static void *cut(size_t bytes)
{
	void *piece;

	if (slab_root.meta_chunk_bytes < bytes && !new_chunk())
		return NULL;
	piece = (void *)slab_root.meta_chunk;
	slab_root.meta_chunk += bytes;
	slab_root.meta_chunk_bytes -= bytes;
	slab_meta_account((int64_t)bytes);
	return piece;
}

void *slab_meta_get(enum slab_meta_kind kind)
{
	struct free_piece *piece;

	pthread_mutex_lock(&slab_root.meta_lock);
	piece = slab_root.meta_free[kind];
	if (piece != NULL)
		slab_root.meta_free[kind] = piece->next;
	else
		piece = cut(piece_bytes(kind));
	pthread_mutex_unlock(&slab_root.meta_lock);
	return piece;
}

void slab_meta_put(enum slab_meta_kind kind, void *p)
{
	struct free_piece *piece = p;

	pthread_mutex_lock(&slab_root.meta_lock);
	piece->next = slab_root.meta_free[kind];
	slab_root.meta_free[kind] = piece;
	pthread_mutex_unlock(&slab_root.meta_lock);
}

struct slab_span *slab_meta_run(uintptr_t base, size_t bytes, uint64_t mapping)
{
	struct slab_span *run = slab_meta_get(SLAB_META_RUN);

	if (run == NULL)
		return NULL;
	run->base = base; /* no more than these: the piece is no whole span */
	run->bytes = bytes;
	run->mapping = mapping;
	return run;
}

struct slab_span *slab_meta_split(struct slab_span *run, size_t bytes)
{
	struct slab_span *rest = slab_meta_run(run->base + bytes, run->bytes - bytes, run->mapping);

	if (rest != NULL)
		run->bytes = bytes;
	return rest;
}

static unsigned magazine_kind(uint32_t cap)
{
	unsigned kind = SLAB_META_MAGAZINE;

	while (magazine_cap(kind) < cap)
		kind++;
	SLAB_BUG_ON(kind >= SLAB_META_MAGAZINE + SLAB_META_MAGAZINES);
	return kind;
}

struct slab_magazine *slab_magazine_get(uint32_t cap)
{
	unsigned kind = magazine_kind(cap);
	struct slab_magazine *m = slab_meta_get((enum slab_meta_kind)kind);

	if (m == NULL)
		return NULL;
	m->next = NULL;
	m->cap = (uint16_t)magazine_cap(kind);
	m->count = 0;
	m->filler = m->seen = 0;
	m->bottom = NULL;
	return m;
}

void slab_magazine_put(struct slab_magazine *m)
{
	if (m == NULL)
		return;
	SLAB_ASSERT(m->bottom == NULL);
	slab_meta_put((enum slab_meta_kind)magazine_kind(m->cap), m);
}
