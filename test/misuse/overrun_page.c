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

#define MANY 100 /* two slabs: the header of the one or of the other lies within the page */

int main(void)
{
	char *objs[MANY];
	volatile char *past;

	for (int i = 0; i < MANY; i++)
		objs[i] = take();
	past = objs[0] + BYTES;
	for (size_t i = 0; i < 4096; i++)
		past[i] = 'x';
	give(objs[0]);
	give(objs[MANY - 1]);
	slab_cache_shrink(cache);
	return 0;
}
