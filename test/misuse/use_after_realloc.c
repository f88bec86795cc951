/*
 * use_after_realloc.c - writes to a block that slab_realloc() has moved
 *
 * kind: memory
 * plain: 0
 * debug: 0
 * valgrind: 99 Invalid write of size 1
 * asan: 98 heap-use-after-free
 * tsan: 66 heap-use-after-free
 * malloc-valgrind: 99 Invalid write of size 1
 * malloc-asan: 98 heap-use-after-free
 * malloc-tsan: 66 heap-use-after-free
 */
#include "misuse.h"

int main(void)
{
	volatile char *p = slab_malloc(64);
	char *q;

	p[0] = 1;
	q = slab_realloc((void *)p, 4000);
	p[0] = 2;
	slab_free(q);
	return 0;
}
