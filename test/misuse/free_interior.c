/*
 * free_interior.c - frees a pointer into the middle of an object
 *
 * kind: memory
 * plain: late ABRT is an interior pointer
 * debug: ABRT is an interior pointer
 * valgrind: ABRT Invalid free()
 * asan: 98 attempting free on address which was not malloc()-ed
 * malloc-valgrind: 99 Invalid free()
 * malloc-asan: 98 attempting free on address which was not malloc()-ed
 */
#include "misuse.h"

int main(void)
{
	char *p = take();

	give(p + 16);
	slab_cache_shrink(cache);
	return 0;
}
