/*
 * recent.h - memory of freed large blocks that is kept                                   Floor 5
 *
 * Runs of whole granules, with their pages, in no map. A run serves any block that fits into it and
 * what is left of it stays; neighbours that are parts of one mapping are joined again. More is kept
 * from then on where what went back is soon wanted again.
 */
#ifndef SLAB_RECENT_H
#define SLAB_RECENT_H

#include "slab/layout.h"

/* The smallest kept run that serves, cut to bytes; the caller's. Without memory for the rest's
 * descriptor it is longer or, exactly, not taken. NULL: none. Under span_lock. */
struct slab_span *slab_recent_take_locked(size_t bytes, size_t align, bool exactly);

/* Lengthens span to bytes by the run behind it; the map is the caller's. Under span_lock. */
bool slab_recent_extend_locked(struct slab_span *span, size_t bytes);

/* Keeps what span has, or gives it back; it is in no map any more. */
void slab_recent_put(struct slab_span *span);

/* span had to be mapped anew; so much may have gone back before. Under span_lock. */
void slab_recent_note_new_locked(struct slab_span *span);

/* Gives back kept runs until at most keep_bytes are left. Returns the bytes given back. */
size_t slab_recent_trim(size_t keep_bytes);

#endif
