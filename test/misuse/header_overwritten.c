/*
 * header_overwritten.c - writes past an object to the next one, where the most lies between: in a
 * slab of the pool that is the header of the next slab
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

#define OBJECTS 400

static int by_address(const void *a, const void *b)
{
	return *(char *const *)a < *(char *const *)b ? -1 : 1;
}

int main(void)
{
	char *objs[OBJECTS], *sorted[OBJECTS];
	ptrdiff_t gap = 0;
	int at = 0;

	for (int i = 0; i < OBJECTS; i++)
		sorted[i] = objs[i] = take();
	qsort(sorted, OBJECTS, sizeof *sorted, by_address);
	for (int i = 0; i + 1 < OBJECTS; i++) {
		ptrdiff_t between = sorted[i + 1] - sorted[i] - BYTES;

		if (between > gap && between < 4096) {
			gap = between;
			at = i;
		}
	}
	for (ptrdiff_t i = 0; i < gap; i++)
		((volatile char *)sorted[at])[BYTES + i] = 'x';
	for (int i = 0; i < OBJECTS; i++)
		give(objs[i]);
	slab_cache_shrink(cache);
	return 0;
}
