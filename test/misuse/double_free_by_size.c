/*
 * double_free_by_size.c - hands a block to slab_free() twice
 *
 * kind: memory
 * plain: ABRT slab: double free
 * debug: ABRT slab: double free
 * valgrind: ABRT Invalid free()
 * asan: 98 attempting double-free
 * malloc-valgrind: 99 Invalid free()
 * malloc-asan: 98 attempting double-free
 */
#include "misuse.h"

int main(void)
{
	char *p = slab_malloc(100);

	slab_free(p);
	slab_free(p);
	return 0;
}
