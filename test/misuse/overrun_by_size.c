/*
 * overrun_by_size.c - writes one byte past a block of 100 bytes, whose class has 112
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
	volatile char *p = slab_malloc(100);

	p[100] = 'x';
	slab_free((void *)p);
	return 0;
}
