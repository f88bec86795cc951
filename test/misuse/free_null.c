/*
 * free_null.c - frees NULL, which is allowed: nobody may say a word
 *
 * kind: none
 * plain: 0
 * debug: 0
 * valgrind: 0
 * asan: 0
 * tsan: 0
 * malloc-valgrind: 0
 * malloc-asan: 0
 * malloc-tsan: 0
 */
#include "misuse.h"

int main(void)
{
	char *p = take();

	give(NULL);
	give(p);
	slab_free(NULL);
	return 0;
}
