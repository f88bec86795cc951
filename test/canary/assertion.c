/* assertion.c - a canary: one test passes, one fails; both arrangements must fail */
#include <criterion/criterion.h>

static volatile int three = 3;

Test(canary, true)
{
	cr_assert_eq(three, 3);
}

Test(canary, false)
{
	cr_assert_eq(three, 4, "three is %d", three);
}
