/*
 * pair_gate.c - the fast path N times over, for test/instructions.sh to count its instructions
 *
 *   pair_gate CASE N     N pairs of alloc and free of 64 bytes, in the pattern that CASE names
 *
 * "large" is "lifo" of 1,024 bytes: magazines are short, and exchanged often. "grow" only
 * allocates: what it takes to fill magazines from fresh slabs. "slabs" empties its magazines into
 * the slabs behind every 1,000 pairs, and fills them from there.
 * "heap" is of malloc and free instead, which instructions.sh has slab serve by preload: 40 sizes,
 * a random one of the live blocks replaced by one of another size. It counts how often magazines
 * are exchanged, as far as what a thread may park allows.
 */
#include "slab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 1000

static struct slab_cache *cache;
static void *objs[BATCH];

static void pair(void)
{
	int i;

	for (i = 0; i < BATCH; i++) {
		void *p = slab_cache_alloc(cache);

		__asm__ volatile("" : "+r"(p));
		slab_cache_free(cache, p);
	}
}

static void lifo(void)
{
	int i;

	for (i = 0; i < BATCH; i++)
		objs[i] = slab_cache_alloc(cache);
	while (i-- > 0)
		slab_cache_free(cache, objs[i]);
}

static void large(void)
{
	static struct slab_cache *wide;
	struct slab_cache *narrow = cache;

	if (wide == NULL)
		wide = slab_cache_create("large", 1024, NULL);
	cache = wide;
	lifo();
	cache = narrow;
}

static void fifo(void)
{
	int i;

	for (i = 0; i < BATCH; i++)
		objs[i] = slab_cache_alloc(cache);
	for (i = 0; i < BATCH; i++)
		slab_cache_free(cache, objs[i]);
}

static void bulk(void)
{
	if (slab_cache_alloc_bulk(cache, BATCH, objs) != BATCH)
		abort();
	slab_cache_free_bulk(cache, BATCH, objs);
}

static void grow(void)
{
	int i;

	for (i = 0; i < BATCH; i++)
		objs[i] = slab_cache_alloc(cache);
}

static void slabs(void)
{
	fifo();
	slab_thread_flush();
}

#define HEAP_BLOCKS 20000
#define HEAP_SIZES  40

static unsigned heap_random(void)
{
	static unsigned state = 1;

	state = state * 1664525 + 1013904223;
	return state >> 8;
}

static void heap(void)
{
	static void *blocks[HEAP_BLOCKS];
	int i;

	for (i = 0; i < BATCH; i++) {
		void **block = &blocks[heap_random() % HEAP_BLOCKS];

		free(*block);
		*block = malloc(16 + 16 * (heap_random() % HEAP_SIZES));
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} cases[] = { { "pair", pair }, { "lifo", lifo }, { "fifo", fifo }, { "large", large },
		      { "bulk", bulk }, { "grow", grow }, { "slabs", slabs }, { "heap", heap } };
	struct slab_cache_args args = { 0 };
	long n = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
	size_t i;

	args.flags = SLAB_PANIC;
	cache = slab_cache_create("gate", 64, &args);
	for (i = 0; argc == 3 && i < sizeof cases / sizeof *cases; i++) {
		if (strcmp(argv[1], cases[i].name) != 0)
			continue;
		for (; n > 0; n -= BATCH)
			cases[i].run();
		return 0;
	}
	fprintf(stderr, "usage: pair_gate pair|lifo|fifo|large|bulk|grow|slabs|heap N\n");
	return 2;
}
