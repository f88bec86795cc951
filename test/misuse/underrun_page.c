/*
 * underrun_page.c - writes a page before the start of an object
 *
 * In plain it depends on the place of the slab whether a header is hit, or another mapping.
 *
 * kind: memory
 * debug: late ABRT whose header is damaged
 * valgrind: 99 Invalid write of size 1
 * asan: 98 heap-buffer-overflow
 * malloc-valgrind: 99 Invalid write of size 1
 * malloc-asan: 98 heap-buffer-overflow
 */
#include "misuse.h"

int main(void)
{
	/* the first slab of the span, so that what lies before ours is no map of the library's */
	struct slab_cache *other = slab_cache_create("other", BYTES, (void *)0);
	void *first = slab_cache_alloc(other);
	char *q = take(), *p = take();
	volatile char *before = p;

	slab_cache_free(other, first);
	for (size_t i = 1; i <= 4096; i++)
		*(before - i) = 'x';
	give(p);
	give(q);
	return 0;
}
