/*
 * leaks.h - what is still held, grouped by who took it                                   Floor 9
 */
#ifndef SLAB_LEAKS_H
#define SLAB_LEAKS_H

#include "slab/layout.h"

/* destroy is refused: names the count and the first objects; with SLAB_STORE_USER also the stacks
 * that took them. Without a lock. */
void slab_leaks_report_destroy(struct slab_cache *c, uint64_t live);

/* Reports each cache that holds something. Returns the objects in all. */
uint64_t slab_leaks_report_all(void);

#endif
