/*
 * fallow.h - addresses of freed large blocks that stay mapped, without pages             Floor 4
 *
 * Runs of whole granules. The address map knows none of them as ours, but it remembers each at its
 * two ends, so that neighbours are one.
 */
#ifndef SLAB_FALLOW_H
#define SLAB_FALLOW_H

#include "slab/layout.h"

/* Live large blocks from which on none is a mapping that stands alone: a quarter of what a process
 * may have. */
#define SLAB_LARGE_MOST 16384

/* Which list a run of so many bytes stands on: root.fallow[log]. */
static inline unsigned slab_fallow_log(size_t bytes)
{
	return 63 - (unsigned)__builtin_clzll(bytes >> SLAB_GRANULE_SHIFT);
}

/* Addresses for a large block, cut to bytes; without memory for the rest's descriptor they are
 * more. NULL: none. Under span_lock. */
struct slab_span *slab_fallow_take_locked(size_t bytes, size_t align);

/* Gives back what span has, which is in no map, or if need be its pages alone. */
void slab_fallow_give(struct slab_span *span);

/* Gives back up to that many runs more, unless there are too many blocks. Returns the bytes. */
size_t slab_fallow_trim(size_t runs);

/* Gives back so many bytes or more, the longest runs first, though there are too many blocks: a
 * mapping was refused, and a limit on addresses counts these. Returns the bytes; 0: there are none,
 * or the kernel's mappings are used up. */
size_t slab_fallow_yield(size_t least_bytes);

#endif
