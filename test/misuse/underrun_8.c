/*
 * underrun_8.c - writes eight bytes before the start of an object
 *
 * kind: memory
 * plain: 0
 * debug: late ABRT red zone before the object overwritten
 * valgrind: 99 Invalid write of size 1
 * asan: 98 heap-buffer-overflow
 * malloc-valgrind: 99 Invalid write of size 1
 * malloc-asan: 98 heap-buffer-overflow
 */
#include "misuse.h"

int main(void)
{
	char *q = take(), *p = take();
	volatile char *before = p;

	for (size_t i = 1; i <= 8; i++)
		*(before - i) = 'x';
	give(p);
	give(q);
	return 0;
}
