/*
 * realloc_after_free.c - hands a block that it has freed to slab_realloc()
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
	slab_free(slab_realloc(p, 200));
	return 0;
}
