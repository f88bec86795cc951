/* use_after_free.c - a canary: reads a byte of freed memory; memcheck must see it */
#include <criterion/criterion.h>
#include <stdlib.h>

Test(canary, use_after_free)
{
	char *volatile p = calloc(1, 48);
	volatile char seen;

	cr_assert_not_null(p);
	free(p);
	seen = p[7];
	(void)seen;
}
