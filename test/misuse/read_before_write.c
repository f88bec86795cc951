/*
 * read_before_write.c - decides by a byte of a new object that nobody has written
 *
 * kind: memory
 * plain: 0
 * debug: 0
 * valgrind: 99 Conditional jump or move depends on uninitialised value(s)
 * asan: 0
 * malloc-valgrind: 99 Conditional jump or move depends on uninitialised value(s)
 * malloc-asan: 0
 */
#include "misuse.h"

int main(void)
{
	volatile char *p = take();

	if (p[5] == 'y')
		fputs("by chance\n", stdout);
	give((void *)p);
	return 0;
}
