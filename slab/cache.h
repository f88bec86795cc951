/*
 * cache.h - creating the caches of the by-size front end                                 Floor 10
 *
 * Everything else that cache.c does is public: slab.h.
 */
#ifndef SLAB_CACHE_H
#define SLAB_CACHE_H

#include "slab/layout.h"

/* As slab__define(), but cut by slab_geometry_set_sparse(). NULL: errno says why. */
struct slab_cache *slab_cache_define_sparse(struct slab_cache **where, const char *name,
                                            size_t size, size_t align);

#endif
