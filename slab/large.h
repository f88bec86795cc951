/*
 * large.h - blocks that are mappings of their own                                        Floor 7
 *
 * What the by-size front end takes from no slab. The caller holds its thread's lock. Sizes are
 * whole granules, so that the address map knows one owner for each.
 */
#ifndef SLAB_LARGE_H
#define SLAB_LARGE_H

#include "slab/layout.h"

/* A block of at least size bytes; NULL: no memory. *zeroed: it has never been used. */
void *slab_large_alloc(size_t size, size_t align, bool *zeroed);

/* Whether a block that was refused may be had once everything goes back that is in no block: else
 * all that is warm would be lost for nothing each time a program asks for too much. */
bool slab_large_may_come(size_t size, size_t align);

/* Whether a block begins at p, which the map says lies in a large one; else that is reported, in
 * words that begin with what. To be asked without a lock, before the two below: a program's handler
 * of SIGABRT may use blocks. */
bool slab_large_is_start(const void *p, const char *what);

/* Gives back the block at p. */
void slab_large_free(void *p);

/* Makes the block at p at least size bytes, in place or by moving its pages. NULL: it cannot. */
void *slab_large_resize(void *p, size_t size);

/* The bytes that the block around p has. */
size_t slab_large_bytes(const void *p);

#endif
