/*
 * free_after_destroy.c - frees an object a second time when its cache is destroyed
 *
 * kind: memory
 * plain: ABRT slab: use after destroy: free with cache 'misused'
 * debug: ABRT slab: use after destroy: free with cache 'misused'
 * valgrind: ABRT Invalid free()
 * asan: 98 attempting double-free
 * malloc-valgrind: 99 Invalid free()
 * malloc-asan: 98 attempting double-free
 */
#include "misuse.h"

int main(void)
{
	char *p = take();

	give(p);
	slab_cache_destroy(cache);
	give(p);
	return 0;
}
