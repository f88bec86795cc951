/*
 * free_foreign_by_size.c - hands the address of a variable to slab_free()
 *
 * kind: memory
 * plain: ABRT is no block of this allocator
 * debug: ABRT is no block of this allocator
 * valgrind: ABRT Invalid free()
 * asan: 98 attempting free on address which was not malloc()-ed
 * malloc-valgrind: 99 Invalid free()
 * malloc-asan: 98 attempting free on address which was not malloc()-ed
 */
#include "misuse.h"

static char variable[64];

int main(void)
{
	char *p = slab_malloc(100);

	slab_free(variable + 16);
	slab_free(p);
	return 0;
}
