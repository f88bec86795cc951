/*
 * double_free_across_threads.c - one thread frees an object, then another does
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

static void *free_it(void *p)
{
	give(p);
	return NULL;
}

int main(void)
{
	char *p = take(), *q = take();
	pthread_t id;

	pthread_create(&id, NULL, free_it, p);
	pthread_join(id, NULL);
	give(p);
	give(q);
	slab_cache_shrink(cache);
	return 0;
}
