/*
 * return.h - giving pages back to the kernel                                             Floor 5
 *
 * The caller holds its thread's lock or root.registry_lock; takes return_lock and span_lock, the
 * latter not across the kernel's calls.
 */
#ifndef SLAB_RETURN_H
#define SLAB_RETURN_H

#include "slab/layout.h"

/*
 * Gives warm slabs back until at most keep_bytes of them are left: empty spans first, by munmap,
 * then runs of at least 64 pages likewise while the bound on holes allows, shorter ones by
 * dropping their pages. Returns the bytes that were resident.
 */
size_t slab_return_excess(size_t keep_bytes);

/*
 * Gives back every free slab of one order, or of SLAB_ALL_ORDERS, by munmap whatever the length of
 * the run, as far as the bound on holes allows. Returns the bytes that were resident.
 */
#define SLAB_ALL_ORDERS (-1)
size_t slab_return_all(int order);

#endif
