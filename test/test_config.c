/*
 * test_config.c - what SLAB_DEBUG says: letters, blocks, globs, numbers, and each wrong setting
 */
#include "test/unit.h"

#include "slab/config.h"

#define ALL (SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER)

/* What the environment said, if anything: the tests of a file may share a process. */
static void again(void)
{
	slab_config_set(getenv("SLAB_DEBUG"));
}

TestSuite(config, .fini = again);

static uint32_t flags_of(const char *text, const char *name)
{
	slab_config_set(text);
	return slab_config_flags(name);
}

Test(config, each_letter)
{
	cr_assert_eq(flags_of("F", "x"), SLAB_CONSISTENCY_CHECKS);
	cr_assert_eq(flags_of("Z", "x"), SLAB_RED_ZONE);
	cr_assert_eq(flags_of("P", "x"), SLAB_POISON);
	cr_assert_eq(flags_of("U", "x"), SLAB_STORE_USER);
	cr_assert_eq(flags_of("T", "x"), SLAB_TRACE);
	cr_assert_eq(flags_of("M", "x"), SLAB_ONE_MALLOC);
	cr_assert_eq(flags_of("-", "x"), SLAB_CONFIG_OFF);
	cr_assert_eq(flags_of("FZPU", "x"), ALL);
	cr_assert_eq(flags_of("fzpu", "x"), ALL);
	listen_to_reports();
	cr_assert_eq(flags_of("A", "x"), SLAB_FAULT_INJECT);
	listen_no_more();
}

Test(config, nothing_set)
{
	cr_assert_eq(flags_of(NULL, "x"), 0);
	cr_assert_eq(flags_of("", "x"), 0);
	cr_assert_eq(flags_of(";;", "x"), 0);
	cr_assert_not(slab_config()->leaks);
	cr_assert_not(slab_config()->repair);
	cr_assert_eq(slab_config()->quarantine_bytes, 1 << 20);
}

Test(config, first_matching_block_wins)
{
	const char *text = "FZPU,name*;P,foo,b?r;-,off;Z";

	cr_assert_eq(flags_of(text, "name"), ALL);
	cr_assert_eq(flags_of(text, "name-7"), ALL);
	cr_assert_eq(flags_of(text, "foo"), SLAB_POISON);
	cr_assert_eq(flags_of(text, "bar"), SLAB_POISON);
	cr_assert_eq(flags_of(text, "baar"), SLAB_RED_ZONE);
	cr_assert_eq(flags_of(text, "off"), SLAB_CONFIG_OFF);
	cr_assert_eq(flags_of(text, "anything"), SLAB_RED_ZONE);
	cr_assert_eq(flags_of("P;FZ,foo", "foo"), SLAB_POISON);
	cr_assert_eq(flags_of("P,foo", "bar"), 0);
	cr_assert_eq(flags_of(",foo", "foo"), ALL);
	cr_assert_eq(flags_of(",foo", "bar"), 0);
}

Test(config, globs)
{
	cr_assert_neq(flags_of("P,*", "x"), 0);
	cr_assert_neq(flags_of("P,a*c*e", "abcde"), 0);
	cr_assert_neq(flags_of("P,a*c*e", "ace"), 0);
	cr_assert_neq(flags_of("P,*.c", "a.b.c"), 0);
	cr_assert_neq(flags_of("P,*ab", "aab"), 0);
	cr_assert_eq(flags_of("P,a*c*e", "abcd"), 0);
	cr_assert_eq(flags_of("P,a?", "a"), 0);
	cr_assert_eq(flags_of("P,ab", "abc"), 0);
	cr_assert_eq(flags_of("P,abc", "ab"), 0);
}

Test(config, settings_of_the_process)
{
	cr_assert_eq(flags_of("L;FZ,foo", "foo"), SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE);
	cr_assert(slab_config()->leaks);
	cr_assert_eq(slab_config()->leak_status, 0);
	cr_assert_eq(flags_of("UL=23", "foo"), SLAB_STORE_USER);
	cr_assert(slab_config()->leaks);
	cr_assert_eq(slab_config()->leak_status, 23);
	cr_assert_eq(flags_of("FZPU,r", "foo"), ALL);
	cr_assert(slab_config()->repair);
	cr_assert_eq(flags_of("FZPU,R", "foo"), ALL);
	cr_assert(slab_config()->repair);
	cr_assert_eq(flags_of("FZPUr,foo", "bar"), 0);
	cr_assert(slab_config()->repair);
	cr_assert_eq(flags_of("PQ=64K", "foo"), SLAB_POISON);
	cr_assert_eq(slab_config()->quarantine_bytes, 64 << 10);
	flags_of("Q=2M", "foo");
	cr_assert_eq(slab_config()->quarantine_bytes, 2 << 20);
	cr_assert_eq(flags_of("PQ=3m", "foo"), SLAB_POISON, "no mode M");
	cr_assert_eq(slab_config()->quarantine_bytes, 3 << 20);
	flags_of("q=5k", "foo");
	cr_assert_eq(slab_config()->quarantine_bytes, 5 << 10);
	cr_assert_eq(flags_of("L=7M", "foo"), SLAB_ONE_MALLOC, "K and M are units of Q alone");
	cr_assert_eq(slab_config()->leak_status, 7);
	flags_of("Q=0", "foo");
	cr_assert_eq(slab_config()->quarantine_bytes, 0);
}

Test(config, fault_injection_says_its_seed)
{
	listen_to_reports();
	cr_assert_eq(flags_of("A=7:99", "foo"), SLAB_FAULT_INJECT);
	listen_no_more();
	cr_assert_eq(slab_config()->fail_every, 7);
	cr_assert_eq(slab_config()->fail_seed, 99);
	cr_assert_eq(heard.reports, 1);
	cr_assert_str_eq(heard.text, "slab: SLAB_DEBUG: one alloc in 7 fails where A is set; "
	                             "A=7:99 makes the same ones fail again\n");
}

/* One line, and the block does not count; the others do, and so does nothing of the bad one. */
static void is_bad(const char *block, const char *letter)
{
	char text[256], words[128];

	listen_to_reports();
	snprintf(text, sizeof text, "%s;Z,foo", block);
	cr_assert_eq(flags_of(text, "foo"), SLAB_RED_ZONE, "%s", block);
	cr_assert_eq(slab_config_flags("bar"), 0, "%s", block);
	listen_no_more();
	snprintf(words, sizeof words, "SLAB_DEBUG: '%s' in '%s' is no letter", letter, block);
	cr_assert_eq(heard.reports, 1, "%s: %u reports", block, heard.reports);
	cr_assert_not_null(strstr(heard.text, words), "wanted \"%s\" in %s", words, heard.text);
	cr_assert_not(slab_config()->leaks);
	cr_assert_not(slab_config()->repair);
	cr_assert_eq(slab_config()->quarantine_bytes, 1 << 20);
}

Test(config, each_wrong_setting_is_one_line)
{
	is_bad("FX", "X");
	is_bad("X", "X");
	is_bad("rX", "X");
	is_bad("LQ=5X", "X");
	is_bad("F Z", " ");
	is_bad("L=", "L");
	is_bad("L=256", "L");
	is_bad("L=one", "L");
	is_bad("A=0", "A");
	is_bad("A=", "A");
	is_bad("A=99999999999999999999", "A");
	is_bad("A=3:", "A");
	is_bad("Q", "Q");
	is_bad("Q=", "Q");
	is_bad("Q=99999999999999999M", "Q");
	is_bad("F-", "-");
	is_bad("-F", "-");
	is_bad("F=3", "=");
	is_bad("X,foo,bar", "X");
}

Test(config, a_wrong_setting_stays_one_line_whatever_stands_there)
{
	listen_to_reports();
	flags_of("F\nG", "foo");
	cr_assert_not_null(strstr(heard.text, "SLAB_DEBUG: '?' in 'F?G' is no letter"));
	flags_of("\xc3\xa9P", "foo");
	cr_assert_not_null(strstr(heard.text, "SLAB_DEBUG: '?' in '??P' is no letter"));
	listen_no_more();
	cr_assert_eq(heard.reports, 2);
}

Test(config, too_long_is_one_line)
{
	char text[2 * SLAB_CONFIG_BYTES] = "P,foo;FrL=3,";
	size_t at = strlen(text);

	memset(text + at, 'n', sizeof text - 1 - at);
	listen_to_reports();
	cr_assert_eq(flags_of(text, "foo"), SLAB_POISON);
	cr_assert_eq(slab_config_flags("n"), 0);
	cr_assert_not(slab_config()->repair || slab_config()->leaks);
	listen_no_more();
	cr_assert_eq(heard.reports, 1);
	cr_assert_not_null(strstr(heard.text, "SLAB_DEBUG: longer than 1022 bytes"));
}

Test(config, create_takes_what_matches)
{
	struct slab_cache_args args = { .flags = SLAB_TRACE };
	struct slab_cache *c;

	slab_config_set("-");
	c = slab_cache_create("asked", 8, &args); /* what a program asks for stays */
	cr_assert_eq(figures(c).flags, SLAB_TRACE);
	cr_assert_eq(slab_cache_destroy(c), 0);
}
