/*
 * leak_by_size.c - forgets a block from slab_malloc()
 *
 * kind: memory
 * plain: 0
 * debug: late 97 slab: at exit cache
 * valgrind: 99 100 bytes in 1 blocks are definitely lost
 * asan: 98 Direct leak of 100 byte(s)
 * malloc-valgrind: 99 100 bytes in 1 blocks are definitely lost
 * malloc-asan: 98 Direct leak of 100 byte(s)
 */
#include "misuse.h"

static __attribute__((noinline)) void lose(void)
{
	char *volatile p = slab_malloc(100);

	p[0] = 1;
	p = NULL;
}

int main(void)
{
	lose();
	wipe_stack();
	return 0;
}
