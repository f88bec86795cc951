/* uninitialised.c - a canary: decides by a byte that nobody wrote; memcheck and MSan must see it */
#include <criterion/criterion.h>
#include <stdlib.h>

Test(canary, uninitialised)
{
	char *volatile p = malloc(48);

	cr_assert_not_null(p);
	if (p[7] != 0)
		cr_log_info("by chance");
	free(p);
}
