/*
 * double_free.c - frees an object twice in a row
 *
 * kind: memory
 * plain: ABRT slab: double free
 * debug: ABRT slab: double free
 * valgrind: ABRT Invalid free()
 * asan: 98 attempting double-free
 * tsan: ABRT slab: double free
 * malloc-valgrind: 99 Invalid free()
 * malloc-asan: 98 attempting double-free
 */
#include "misuse.h"

int main(void)
{
	char *p = take();

	give(p);
	give(p);
	return 0;
}
