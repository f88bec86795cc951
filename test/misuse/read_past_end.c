/*
 * read_past_end.c - reads one byte past the end of an object
 *
 * kind: memory
 * plain: 0
 * debug: 0
 * valgrind: 99 Invalid read of size 1
 * asan: 98 heap-buffer-overflow
 * malloc-valgrind: 99 Invalid read of size 1
 * malloc-asan: 98 heap-buffer-overflow
 */
#include "misuse.h"

int main(void)
{
	char *p = take();
	volatile char seen;

	memset(p, 1, BYTES);
	seen = ((volatile char *)p)[BYTES];
	give(p);
	return 0;
}
