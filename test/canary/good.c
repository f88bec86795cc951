/*
 * good.c - the other side of the canaries: everything here is right, and both arrangements must
 * pass it. With a filter that matches nothing it is the canary for an empty run.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>

static int *made, set_up;

static void make(void)
{
	made = malloc(sizeof *made);
}

static void unmake(void)
{
	free(made);
}

static void count(void)
{
	set_up++;
}

TestSuite(good, .init = count);

Test(good, plain, .init = make, .fini = unmake, .timeout = 60)
{
	cr_assert_not_null(made, "out of memory");
	cr_assert_gt(set_up, 0);
	*made = 3;
	cr_expect_lt(*made, 4, "three is %d", *made);
}

Test(good, aborts, .signal = SIGABRT)
{
	abort();
}

Test(good, exits, .exit_code = 3)
{
	exit(3);
}

Test(good, asleep, .disabled = true)
{
	cr_assert(false);
}
