/* leak.c - a canary: passes its assertions and loses 48 bytes; memcheck must see it */
#include <criterion/criterion.h>
#include <stdlib.h>

static void *volatile last;

Test(canary, leak)
{
	last = malloc(48);
	cr_assert_not_null(last);
	last = NULL;
}
