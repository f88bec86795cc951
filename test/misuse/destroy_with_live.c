/*
 * destroy_with_live.c - destroys a cache while it still holds an object of it
 *
 * kind: order
 * plain: 3 slab: destroy of cache 'misused' refused: 1 object is live
 * debug: 97 slab: destroy of cache 'misused' refused: 1 object is live
 * valgrind: 99 slab: destroy of cache 'misused' refused: 1 object is live
 * asan: 98 slab: destroy of cache 'misused' refused: 1 object is live
 * malloc-valgrind: 0
 * malloc-asan: 0
 */
#include "misuse.h"

int main(void)
{
	char *p = take();

	if (slab_cache_destroy(cache) != 0)
		return errno == EBUSY ? 3 : 4;
	give(p);
	return 0;
}
