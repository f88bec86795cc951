/*
 * realloc_foreign.c - hands the address of a variable to slab_realloc()
 *
 * kind: memory
 * plain: ABRT is no block of this allocator
 * debug: ABRT is no block of this allocator
 * valgrind: ABRT Invalid free()
 * asan: 98 attempting free on address which was not malloc()-ed
 * malloc-valgrind: 99 Invalid free()
 * malloc-asan: 98 attempting free on address which was not malloc()-ed
 */
#include "misuse.h"

static char at_file_scope[100];

int main(void)
{
	slab_free(slab_realloc(at_file_scope, 200));
	return 0;
}
