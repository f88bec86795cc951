/*
 * early.c - what a program sets before the library's constructor stays: run by malloc.sh
 *
 * Prints "kept", or what the reserve is instead.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "slab.h"

#define RESERVE ((size_t)24 << 20)

static void set(void)
{
	int (*slab_set_it)(enum slab_option, size_t);

	*(void **)&slab_set_it = dlsym(RTLD_DEFAULT, "slab_set");
	if (slab_set_it == NULL || slab_set_it(SLAB_RESERVE_BYTES, RESERVE) != 0)
		abort();
}
__attribute__((section(".preinit_array"), used)) static void (*preinit)(void) = set;

int main(void)
{
	int (*figures)(struct slab_totals *, size_t);
	struct slab_totals totals;

	*(void **)&figures = dlsym(RTLD_DEFAULT, "slab_totals");
	if (figures(&totals, sizeof totals) != 0)
		return 1;
	if (totals.reserve_bytes == RESERVE)
		puts("kept");
	else
		printf("%zu\n", (size_t)totals.reserve_bytes);
	return 0;
}
