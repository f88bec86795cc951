/*
 * overrun_1.c - writes one byte past the end of an object
 *
 * kind: memory
 * plain: 0
 * debug: late ABRT red zone behind the object overwritten
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

	for (size_t i = 0; i < 1; i++)
		past[i] = 'x';
	give(p);
	return 0;
}
