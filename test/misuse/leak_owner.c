/*
 * leak_owner.c - forgets an object that alone points to a block from malloc
 *
 * kind: memory
 * plain: 0
 * debug: late 97 slab: at exit cache
 * valgrind: 99 548 (48 direct, 500 indirect) bytes in 1 blocks are definitely lost
 * asan: 98 Indirect leak of 500 byte(s)
 * malloc-valgrind: 99 548 (48 direct, 500 indirect) bytes in 1 blocks are definitely lost
 * malloc-asan: 98 Indirect leak of 500 byte(s)
 */
#include "misuse.h"

static __attribute__((noinline)) void lose(void)
{
	char **p = (char **)take();

	*p = malloc(500);
}

int main(void)
{
	lose();
	wipe_stack();
	return 0;
}
