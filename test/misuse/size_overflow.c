/*
 * size_overflow.c - asks for so many objects that their bytes wrap round; ends with 3 if refused
 *
 * kind: order
 * plain: 3
 * debug: 3
 * valgrind: 3
 * asan: 3
 */
#include "misuse.h"

int main(void)
{
	volatile size_t n = SIZE_MAX / 16 + 2;
	char *p = slab_calloc(n, 16);

	if (p == NULL)
		return errno == ENOMEM ? 3 : 4;
	slab_free(p);
	return 0;
}
