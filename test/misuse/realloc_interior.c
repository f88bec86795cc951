/*
 * realloc_interior.c - hands a pointer into a block to slab_realloc()
 *
 * kind: memory
 * plain: ABRT is an interior pointer
 * debug: ABRT is an interior pointer
 * valgrind: ABRT Invalid free()
 * asan: 98 attempting free on address which was not malloc()-ed
 * malloc-valgrind: 99 Invalid free()
 * malloc-asan: 98 attempting free on address which was not malloc()-ed
 */
#include "misuse.h"

int main(void)
{
	char *p = slab_malloc(100);

	slab_realloc(p + 1, 90);
	return 0;
}
