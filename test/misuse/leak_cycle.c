/*
 * leak_cycle.c - forgets two objects that point to each other
 *
 * kind: memory
 * plain: 0
 * debug: late 97 slab: at exit cache
 * valgrind: 99 96 (48 direct, 48 indirect) bytes in 1 blocks are definitely lost
 * asan: 98 Indirect leak of 48 byte(s)
 * malloc-valgrind: 99 96 (48 direct, 48 indirect) bytes in 1 blocks are definitely lost
 * malloc-asan: 98 Indirect leak of 48 byte(s)
 */
#include "misuse.h"

static __attribute__((noinline)) void lose(void)
{
	char **p = (char **)take(), **q = (char **)take();

	*p = (char *)q;
	*q = (char *)p;
}

int main(void)
{
	lose();
	wipe_stack();
	return 0;
}
