/*
 * meta.h - memory for descriptors                                                        Floor 3
 *
 * Cut straight from pages, never from slabs, so that no cache is needed to make a cache. Pieces of
 * one kind are recycled for that kind alone and never unmapped: a stale pointer to a descriptor
 * still points to a descriptor.
 */
#ifndef SLAB_META_H
#define SLAB_META_H

#include "slab/layout.h"

enum slab_meta_kind {
	SLAB_META_CACHE,
	SLAB_META_SPAN,
	SLAB_META_RUN,     /* the first SLAB_SPAN_RUN_BYTES of a span */
	SLAB_META_MAGAZINE /* and four more, by doubling capacity from 16 to 256 */
};
#define SLAB_META_MAGAZINES 5

/* Fresh pieces are zero, recycled ones as they were put back. NULL: no memory. */
void *slab_meta_get(enum slab_meta_kind kind);
void slab_meta_put(enum slab_meta_kind kind, void *piece);

/* The descriptor of a run of memory that is not cut into slabs, on no list. NULL: no memory. */
struct slab_span *slab_meta_run(uintptr_t base, size_t bytes, uint64_t mapping);

/* Cuts a run to its first bytes; the descriptor of the rest, on no list. NULL: no memory. */
struct slab_span *slab_meta_split(struct slab_span *run, size_t bytes);

/* An empty magazine for at least cap objects, cap at most SLAB_MAGAZINE_MAX. NULL: no memory. */
struct slab_magazine *slab_magazine_get(uint32_t cap);
void slab_magazine_put(struct slab_magazine *m); /* NULL is fine */

/* Whether bytes at p may be a descriptor, whatever p is. While no other thread makes any. */
bool slab_meta_holds(const void *p, size_t bytes);

/* For what is mapped elsewhere but is no object: adds to root.metadata_bytes. */
void slab_meta_account(int64_t bytes);

#endif
