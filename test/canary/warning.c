/* warning.c - a test that passes and warns */
#include <criterion/criterion.h>

Test(warning, warns)
{
	cr_log_warn("on purpose");
}
