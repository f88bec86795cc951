/*
 * free_to_other_cache.c - frees an object to a cache that it does not come from
 *
 * kind: order
 * plain: ABRT belongs to cache 'misused'
 * debug: ABRT belongs to cache 'misused'
 * valgrind: ABRT belongs to cache 'misused'
 * asan: ABRT belongs to cache 'misused'
 * tsan: ABRT belongs to cache 'misused'
 * malloc-valgrind: 0
 * malloc-asan: 0
 */
#include "misuse.h"

int main(void)
{
	struct slab_cache *other = slab_cache_create("other", BYTES, (const void *)NULL);
	char *p = take();

	slab_cache_free(other, p);
	return 0;
}
