/*
 * size_zero_cache.c - creates a cache of objects without bytes; ends with 3 if refused
 *
 * kind: order
 * plain: 3
 * debug: 3
 * valgrind: 3
 * asan: 3
 */
#include "misuse.h"

int main(void)
{
	volatile size_t bytes = 0;

	if (slab_cache_create("empty", bytes, (const struct slab_cache_args *)NULL) == NULL)
		return errno == EINVAL ? 3 : 4;
	return 0;
}
