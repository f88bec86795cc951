/*
 * peer.h - the allocator under measurement, behind four inline names
 *
 * Every workload is compiled once per allocator with one of PEER_SLAB, PEER_MALLOC, PEER_GSLICE,
 * PEER_BOOST and PEER_LIMIT defined, so that each is called the way a program calls it: directly.
 * PEER_MALLOC serves every malloc: the library is chosen at link time or by LD_PRELOAD.
 * The workloads are C11 that is C++ as well, for the one peer that is a C++ template.
 */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include <stddef.h>

/* Set up for objects of @size bytes, of which at most @most are live at any time. */
void peer_open(size_t size, size_t most);
/* One line: what is measured, its version and the file that serves it. */
void peer_describe(char *text, size_t text_bytes);

#if defined(PEER_SLAB)

#include "slab.h"

extern struct slab_cache *peer_cache;

static inline void *peer_alloc(size_t size)
{
	(void)size;
	return slab_cache_alloc(peer_cache);
}

static inline void peer_free(void *p, size_t size)
{
	(void)size;
	slab_cache_free(peer_cache, p);
}

#elif defined(PEER_MALLOC)

#include <stdlib.h>

static inline void *peer_alloc(size_t size)
{
	return malloc(size);
}

static inline void peer_free(void *p, size_t size)
{
	(void)size;
	free(p);
}

#elif defined(PEER_GSLICE)

#include <glib.h>

static inline void *peer_alloc(size_t size)
{
	return g_slice_alloc(size);
}

static inline void peer_free(void *p, size_t size)
{
	g_slice_free1(size, p);
}

#elif defined(PEER_BOOST) /* for one thread only: a bound */

#include <boost/pool/pool.hpp>

extern boost::pool<> *peer_pool;

static inline void *peer_alloc(size_t size)
{
	(void)size;
	return peer_pool->malloc();
}

static inline void peer_free(void *p, size_t size)
{
	(void)size;
	peer_pool->free(p);
}

#elif defined(PEER_LIMIT) /* objects touched beforehand on a stack, nothing checked: a bound */

/* Behind a pointer: of a word at a fixed place, which code reaches by its own address, processors
 * that forward a store to the load behind it without delay do so late, as of an indexed one. */
struct peer_stack {
	void **top; /* the next object to hand out lies below */
};
extern struct peer_stack *peer_stack;

static inline void *peer_alloc(size_t size)
{
	(void)size;
	return *--peer_stack->top;
}

static inline void peer_free(void *p, size_t size)
{
	(void)size;
	*peer_stack->top++ = p;
}

#else
#error "define which allocator is measured: see the head of peer.h"
#endif

#endif
