/*
 * early.c - what a program sets before the library's constructor stays: run by malloc.sh
 *
 * Prints "kept", or what the reserve is instead, or how much a thread has parked.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "slab.h"

#define RESERVE ((size_t)24 << 20)
#define THREAD  ((size_t)1 << 20) /* what it would be without, were the library not malloc */
#define BLOCKS  60000

static void set(void)
{
	int (*slab_set_it)(enum slab_option, size_t);

	*(void **)&slab_set_it = dlsym(RTLD_DEFAULT, "slab_set");
	if (slab_set_it == NULL || slab_set_it(SLAB_RESERVE_BYTES, RESERVE) != 0 ||
	    slab_set_it(SLAB_THREAD_BYTES, THREAD) != 0)
		abort();
}
__attribute__((section(".preinit_array"), used)) static void (*preinit)(void) = set;

/* What the magazines hold after much of many sizes was freed; the most they may pin, or less. */
static size_t parked(void)
{
	size_t (*flush)(void);
	static void *blocks[BLOCKS];

	*(void **)&flush = dlsym(RTLD_DEFAULT, "slab_thread_flush");
	for (size_t i = 0; i < BLOCKS; i++)
		blocks[i] = malloc(16 + i % 64 * 16);
	for (size_t i = 0; i < BLOCKS; i++)
		free(blocks[i]);
	return flush();
}

int main(void)
{
	int (*figures)(struct slab_totals *, size_t);
	struct slab_totals totals;

	*(void **)&figures = dlsym(RTLD_DEFAULT, "slab_totals");
	if (figures(&totals, sizeof totals) != 0)
		return 1;
	if (totals.reserve_bytes != RESERVE)
		printf("%zu\n", (size_t)totals.reserve_bytes);
	else if (parked() > THREAD)
		puts("kept, but not what a thread may park");
	else
		puts("kept");
	return 0;
}
