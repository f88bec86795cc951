/*
 * wrong_constructor_state.c - frees an object that is not as its constructor made it; ends with 3
 * when the next user gets it so
 *
 * kind: order
 * plain: 3
 * debug: 0
 * valgrind: 0
 * asan: 0
 * malloc-valgrind: 0
 * malloc-asan: 0
 */
#include "misuse.h"

static int construct(void *obj, void *ctx)
{
	memset(obj, 0, BYTES);
	(void)ctx;
	return 0;
}

int main(void)
{
	struct slab_cache_args args = { .ctor = construct };
	char *p;

	cache = slab_cache_create("constructed", BYTES, &args);
	p = take();
#ifdef WITH_MALLOC
	construct(p, NULL);
#endif
	p[0] = 7;
	give(p);
	p = take();
#ifdef WITH_MALLOC
	construct(p, NULL);
#endif
	if (p[0] != 0)
		return 3;
	give(p);
	return 0;
}
