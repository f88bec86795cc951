/*
 * leak_large.c - forgets a block of 200000 bytes from slab_malloc()
 *
 * kind: memory
 * plain: 0
 * debug: 0
 * valgrind: 99 200,000 bytes in 1 blocks are definitely lost
 * asan: 98 Direct leak of 200000 byte(s)
 * malloc-valgrind: 99 200,000 bytes in 1 blocks are definitely lost
 * malloc-asan: 98 Direct leak of 200000 byte(s)
 */
#include "misuse.h"

static __attribute__((noinline)) void lose(void)
{
	char *volatile p = slab_malloc(200000);

	p[0] = 1;
	p = NULL;
}

int main(void)
{
	lose();
	wipe_stack();
	return 0;
}
