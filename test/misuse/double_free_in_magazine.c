/*
 * double_free_in_magazine.c - frees an object again that lies below others in a magazine
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
	char *p = take(), *q = take(), *r = take();

	give(p);
	give(q);
	give(r);
	give(p);
	return 0;
}
