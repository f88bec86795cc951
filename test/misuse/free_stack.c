/*
 * free_stack.c - frees the address of a local variable
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

int main(void)
{
	char local[4 * BYTES] = "", *p = take();

	give(local + BYTES);
	give(p);
	return 0;
}
