/*
 * alloc_after_destroy.c - asks a destroyed cache for an object
 *
 * kind: order
 * plain: ABRT slab: use after destroy: alloc with cache 'misused'
 * debug: ABRT slab: use after destroy: alloc with cache 'misused'
 * valgrind: ABRT slab: use after destroy: alloc with cache 'misused'
 * asan: ABRT slab: use after destroy: alloc with cache 'misused'
 * malloc-valgrind: 0
 * malloc-asan: 0
 */
#include "misuse.h"

int main(void)
{
	give(take());
	slab_cache_destroy(cache);
	give(take());
	return 0;
}
