/*
 * read_after_free.c - reads an object that it has freed
 *
 * kind: memory
 * plain: 0
 * debug: 0
 * valgrind: 99 Invalid read of size 1
 * asan: 98 heap-use-after-free
 * tsan: 66 heap-use-after-free
 * malloc-valgrind: 99 Invalid read of size 1
 * malloc-asan: 98 heap-use-after-free
 * malloc-tsan: 66 heap-use-after-free
 */
#include "misuse.h"

int main(void)
{
	char *p = take();
	volatile char seen;

	memset(p, 1, BYTES);
	give(p);
	seen = ((volatile char *)p)[5];
	return 0;
}
