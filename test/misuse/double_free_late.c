/*
 * double_free_late.c - frees an object again after a thousand other calls, and ends tidily
 *
 * kind: memory
 * plain: late ABRT slab: double free
 * debug: ABRT slab: double free
 * valgrind: ABRT Invalid free()
 * asan: 98 attempting double-free
 * malloc-valgrind: 99 Invalid free()
 * malloc-asan: 98 attempting double-free
 */
#include "misuse.h"

int main(void)
{
	char *p = take(), *others[1000];

	for (int i = 0; i < 1000; i++)
		others[i] = take();
	give(p);
	for (int i = 0; i < 1000; i++)
		give(others[i]);
	give(p);
	slab_cache_shrink(cache);
	return 0;
}
