/* unexpected.c - a canary: a test that wants a signal and gets none; both arrangements must fail */
#include <criterion/criterion.h>
#include <signal.h>

Test(canary, no_signal, .signal = SIGABRT)
{
	cr_assert(true);
}
