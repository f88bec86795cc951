/* fini.c - a test that passes, but whose end does not */
#include <criterion/criterion.h>

static void end(void)
{
	cr_assert(0, "on purpose");
}

Test(fini, fails, .fini = end)
{
}
