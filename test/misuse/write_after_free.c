/*
 * write_after_free.c - writes to an object that it has freed; then the cache goes on being used
 *
 * kind: memory
 * plain: 0
 * debug: late ABRT written after free
 * valgrind: 99 Invalid write of size 1
 * asan: 98 heap-use-after-free
 * tsan: 66 heap-use-after-free
 * malloc-valgrind: 99 Invalid write of size 1
 * malloc-asan: 98 heap-use-after-free
 * malloc-tsan: 66 heap-use-after-free
 */
#include "misuse.h"

int main(void)
{
	char *p = take();

	memset(p, 1, BYTES);
	give(p);
	((volatile char *)p)[5] = 'x';
	for (int i = 0; i < 100; i++)
		give(take());
	slab_cache_destroy(cache);
	return 0;
}
