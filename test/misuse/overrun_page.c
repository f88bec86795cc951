/*
 * overrun_page.c - writes a page past the end of an object
 *
 * kind: memory
 * plain: late ABRT whose header is damaged
 * debug: late ABRT track record overwritten
 * valgrind: 99 Invalid write of size 1
 * asan: 98 heap-buffer-overflow
 * malloc-valgrind: 99 Invalid write of size 1
 * malloc-asan: 98 heap-buffer-overflow
 */
#include "misuse.h"

int main(void)
{
	char *p = take();
	volatile char *past = p + BYTES;

	for (size_t i = 0; i < 4096; i++)
		past[i] = 'x';
	give(p);
	return 0;
}
