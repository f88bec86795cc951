/*
 * misuse.h - what the programs here share; each makes one mistake, said in its head comment
 *
 * Built twice: against the library, and with WITH_MALLOC against malloc and free, to see that a
 * tool finds in the one what it finds in the other. The lines "MODE: FINDING" of a head comment
 * are read by misuse.sh, which tells the form.
 */
#ifndef MISUSE_H
#define MISUSE_H

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slab.h"

#define BYTES 48

#ifdef WITH_MALLOC /* a cache is no more than the size of its objects */
#define slab_cache_create(name, bytes, args) ((void)(args), (struct slab_cache *)(uintptr_t)(bytes))
#define slab_cache_destroy(c) ((void)(c), 0)
#define slab_cache_alloc(c) malloc((size_t)(uintptr_t)(c))
#define slab_cache_free(c, p) ((void)(c), free(p))
#define slab_cache_shrink(c) ((void)(c))
#define slab_malloc malloc
#define slab_calloc calloc
#define slab_realloc realloc
#define slab_free free
#endif

static struct slab_cache *cache;

/* One object; the cache comes with the first. */
static inline __attribute__((noinline)) char *take(void)
{
	if (cache == NULL)
		cache = slab_cache_create("misused", BYTES, (const struct slab_cache_args *)NULL);
	return slab_cache_alloc(cache);
}

static inline __attribute__((noinline)) void give(void *p)
{
	slab_cache_free(cache, p);
}

/* Writes over what calls have left on the stack, so that no lost pointer is found there. */
static inline __attribute__((noinline)) void wipe_stack(void)
{
	volatile char wiped[64 * 1024];

	for (size_t i = 0; i < sizeof wiped; i++)
		wiped[i] = 0;
}

#endif
