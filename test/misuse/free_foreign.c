/*
 * free_foreign.c - frees the address of a variable at file scope
 *
 * kind: memory
 * plain: ABRT is no object of any cache
 * debug: ABRT is no object of any cache
 * valgrind: ABRT Invalid free()
 * asan: 98 attempting free on address which was not malloc()-ed
 * malloc-valgrind: 99 Invalid free()
 * malloc-asan: 98 attempting free on address which was not malloc()-ed
 */
#include "misuse.h"

static char variable[4 * BYTES];

int main(void)
{
	char *p = take();

	give(variable + BYTES);
	give(p);
	return 0;
}
