/*
 * misuse.h - naming what was done wrong                                                  Floor 5
 *
 * One report with the cache or caches, the pointer and the slot; then abort. The caller may hold
 * its thread's lock, no other.
 */
#ifndef SLAB_MISUSE_H
#define SLAB_MISUSE_H

#include "slab/layout.h"
#include "slab/report.h"

/* obj was freed to c and is not an object of c, or is interior, or is free already. */
void slab_misuse_free(const struct slab_cache *c, const void *obj) __attribute__((noreturn, cold));
/* only says so, beginning with what; whoever calls knows that obj is not free already; c NULL:
 * freed to no cache */
void slab_misuse_say_free(const char *what, const struct slab_cache *c, const void *obj)
    __attribute__((cold));
/* the same where it is known that obj is free already */
void slab_misuse_double(const struct slab_cache *c, const void *obj)
    __attribute__((noreturn, cold));
/* call was made with a destroyed cache; the first only says so */
void slab_misuse_say_dead(const struct slab_cache *c, const char *call) __attribute__((cold));
void slab_misuse_dead(const struct slab_cache *c, const char *call) __attribute__((noreturn, cold));
/* c is destroyed by a destructor of its own objects, for whose end destroy would wait */
void slab_misuse_own_destroy(const struct slab_cache *c) __attribute__((noreturn, cold));

/* The words of slab_misuse_free() and _double() alone, for whoever has more to say. */
void slab_misuse_write_free(struct slab_report *r, const struct slab_cache *c, const void *obj);
void slab_misuse_write_double(struct slab_report *r, const struct slab_cache *c, const void *obj);

#endif
