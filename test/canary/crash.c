/* crash.c - a canary: ends by a signal that no test expects; both arrangements must fail */
#include <criterion/criterion.h>
#include <stdlib.h>

Test(canary, crash)
{
	cr_assert(true);
	abort();
}
