/*
 * owner.h - whose malloc block is it                                                     Floor 4
 *
 * For caches whose objects are malloc blocks. A word for each address where a block can begin, in
 * leaves of 64 KiB of addresses. A word is found by the address and holds none, so no leak checker
 * takes the table for a reference. No lock: words change by atomic read-modify-writes of relaxed
 * order, so whoever looks for races sees no order of two threads that malloc would not make.
 */
#ifndef SLAB_OWNER_H
#define SLAB_OWNER_H

#include "slab/layout.h"

/* A word: the cache and the bytes of an object, or the bytes of a block of no cache. Never 0. */
uint64_t slab_owner_word(const struct slab_cache *c, size_t bytes);
struct slab_cache *slab_owner_cache(uint64_t word); /* NULL: of no cache, or no word */
size_t slab_owner_bytes(uint64_t word);

/* Enters the word of a new block. False: no memory for it. */
bool slab_owner_enter(const void *p, uint64_t word);

/* Takes it out if it is still there: of two who try, one succeeds. */
bool slab_owner_leave(const void *p, uint64_t word);

/* The word of the block that begins at p; 0: none does. */
uint64_t slab_owner_at(const void *p);

/* The word of the block that began at p until it was freed, while nothing of ours has begun there
 * since; 0: no such. Its memory may be somebody else's by now. */
uint64_t slab_owner_before(const void *p);

/* The word of the object of a cache around p, and where it begins; 0: none. */
uint64_t slab_owner_around(const void *p, void **start);

/*
 * The word of the first block from address *from on, and where it begins; *from moves behind that.
 * 0: there is none. Blocks that come or go meanwhile may or may not be seen.
 */
uint64_t slab_owner_next(uintptr_t *from, void **start);

#endif
