/*
 * slabdemo_pool.h - a pool of equal objects: a slab cache, or malloc for comparison      Floor t0
 *
 * All that the rest of the demo knows about allocation. A program that wants only slab would call
 * slab_cache_alloc() and slab_cache_free() where these are called.
 */
#ifndef SLABDEMO_POOL_H
#define SLABDEMO_POOL_H

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "slab.h"

struct pool {
	struct slab_cache *cache; /* NULL: malloc */
	size_t size;
	int (*ctor)(void *obj, void *ctx); /* for malloc, which knows none */
	void (*dtor)(void *obj, void *ctx);
	void *ctx;
};

/* Open @p for plain objects of @type. Return: false with errno when the cache cannot be made. */
#define POOL_OPEN(p, on_malloc, type)                                                              \
	pool_open(p, on_malloc, sizeof(type), (on_malloc) ? NULL : SLAB_CACHE(type))

static inline bool pool_open(struct pool *p, bool on_malloc, size_t size, struct slab_cache *cache)
{
	*p = (struct pool){ .cache = cache, .size = size };
	return on_malloc || cache != NULL;
}

static inline void *pool_alloc(struct pool *p)
{
	void *obj;

	if (p->cache)
		return slab_cache_alloc(p->cache);
	obj = malloc(p->size);
	if (obj && p->ctor && p->ctor(obj, p->ctx)) {
		free(obj);
		return NULL;
	}
	return obj;
}

static inline void pool_free(struct pool *p, void *obj)
{
	if (p->cache) {
		slab_cache_free(p->cache, obj);
		return;
	}
	if (obj && p->dtor)
		p->dtor(obj, p->ctx);
	free(obj);
}

/* Return: false when objects are still in use (slab only; it names them). */
static inline bool pool_close(struct pool *p)
{
	return slab_cache_destroy(p->cache) == 0;
}

#endif
