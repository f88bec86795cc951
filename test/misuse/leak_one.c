/*
 * leak_one.c - forgets an object
 *
 * kind: memory
 * plain: 0
 * debug: late 97 slab: at exit cache
 * valgrind: 99 48 bytes in 1 blocks are definitely lost
 * asan: 98 Direct leak of 48 byte(s)
 * malloc-valgrind: 99 48 bytes in 1 blocks are definitely lost
 * malloc-asan: 98 Direct leak of 48 byte(s)
 */
#include "misuse.h"

int main(void)
{
	char *volatile p = take();

	p[0] = 1;
	p = NULL;
	wipe_stack();
	return 0;
}
