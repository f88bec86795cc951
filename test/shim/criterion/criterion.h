/*
 * criterion.h - a one-process stand-in for Criterion, for runs under valgrind and TSan
 *
 * Criterion runs each test in a process of its own and ignores how that process ends, so valgrind
 * can report a leak or a bad read there and the run stays green. Here the tests of one file run
 * in order in one process, whose exit status is true: 0 all passed, 1 something failed or no test
 * ran. A test with .signal or .exit_code runs in a forked child. One TestSuite a file. Usage:
 * PROGRAM [-l] [FILTER], where FILTER is a part of "suite/name"; those that the environment names
 * in SLAB_TEST_EXCEPT are left out, those in the file SLAB_TEST_SKIP (pool_only.txt) counted.
 */
#ifndef SHIM_CRITERION_H
#define SHIM_CRITERION_H

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct shim_options {
	int sentinel;
	void (*init)(void);
	void (*fini)(void);
	int signal;
	int exit_code;
	double timeout; /* seconds */
	bool disabled;
	const char *description;
};

struct shim_test {
	const char *suite, *name;
	void (*run)(void);
	int line;
	struct shim_options options;
	struct shim_test *next;
};

static struct shim_test *shim_tests; /* in order of their lines */
static struct shim_options shim_suite; /* of the suite named so */
static const char *shim_suite_name = "";
static struct shim_test *shim_current;
static jmp_buf shim_leave;
static pthread_t shim_main_thread;
static int shim_faults; /* failed checks of the current test; atomic */

static inline void shim_register(struct shim_test *t)
{
	struct shim_test **at = &shim_tests;

	while (*at && (*at)->line < t->line)
		at = &(*at)->next;
	t->next = *at;
	*at = t;
}

static inline void shim_log(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
}

/* The message is optional: the macros add one empty format behind whatever was given. */
static inline void shim_check(bool ok, bool fatal, const char *file, int line, const char *what,
                              const char *format, ...)
{
	va_list ap;

	if (ok)
		return;
	__atomic_add_fetch(&shim_faults, 1, __ATOMIC_RELAXED);
	fprintf(stderr, "%s:%d: %s/%s: %s ", file, line, shim_current->suite, shim_current->name,
	        what);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	if (!fatal)
		return;
	if (!pthread_equal(pthread_self(), shim_main_thread))
		_exit(1);
	longjmp(shim_leave, 1);
}

static inline void shim_on_alarm(int sig)
{
	static const char text[] = "a test ran into its time limit\n";

	(void)sig;
	if (write(2, text, sizeof text - 1) < 0)
		_exit(2);
	_exit(1);
}

/* A .fini that fails counts, unlike with Criterion. */
static inline void shim_body(const struct shim_test *t)
{
	bool in_suite = strcmp(t->suite, shim_suite_name) == 0;
	const char *under = getenv("SLAB_TEST_UNDER");
	double seconds = t->options.timeout * (under ? 20 : 1);

	signal(SIGALRM, shim_on_alarm);
	alarm(seconds > 0 ? (unsigned)seconds + 1 : 0);
	if (!setjmp(shim_leave)) {
		if (in_suite && shim_suite.init)
			shim_suite.init();
		if (t->options.init)
			t->options.init();
		t->run();
	}
	if (!setjmp(shim_leave)) {
		if (t->options.fini)
			t->options.fini();
		if (in_suite && shim_suite.fini)
			shim_suite.fini();
	}
	alarm(0);
}

static inline bool shim_run_in_child(const struct shim_test *t)
{
	int status = 0;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		shim_body(t);
		exit(shim_faults ? 1 : 0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return false;
	if (WIFSIGNALED(status) ? WTERMSIG(status) == t->options.signal
	                        : !t->options.signal && WEXITSTATUS(status) == t->options.exit_code)
		return true;
	shim_log("%s/%s: ended by %s %d, wanted %s %d", t->suite, t->name,
	         WIFSIGNALED(status) ? "signal" : "exit status",
	         WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
	         t->options.signal ? "signal" : "exit status",
	         t->options.signal ? t->options.signal : t->options.exit_code);
	return false;
}

static inline bool shim_run(struct shim_test *t)
{
	bool ok;

	shim_current = t;
	shim_faults = 0;
	if (t->options.signal || t->options.exit_code) {
		ok = shim_run_in_child(t);
	} else {
		shim_body(t);
		ok = shim_faults == 0;
	}
	if (!ok)
		shim_log("FAILED %s/%s", t->suite, t->name);
	return ok;
}

/* Named by SLAB_TEST_EXCEPT, as " suite/name suite/name ". */
static inline bool shim_is_excepted(const char *name)
{
	const char *except = getenv("SLAB_TEST_EXCEPT");
	char word[260];

	snprintf(word, sizeof word, " %s ", name);
	return except && strstr(except, word);
}

/* Whether a line of the file begins with this name, or with its suite and a star. */
static inline bool shim_skips(const char *name)
{
	const char *path = getenv("SLAB_TEST_SKIP");
	FILE *file = path != NULL ? fopen(path, "r") : NULL;
	size_t suite = strcspn(name, "/") + 1;
	char line[256];
	bool skips = false;

	while (file != NULL && !skips && fgets(line, sizeof line, file) != NULL) {
		size_t len = strcspn(line, " \n");

		skips = (len == strlen(name) && strncmp(line, name, len) == 0) ||
		        (len == suite + 1 && strncmp(line, name, suite) == 0 && line[suite] == '*');
	}
	if (file != NULL)
		fclose(file);
	return skips;
}

int main(int argc, char **argv)
{
	bool list = argc > 1 && strcmp(argv[1], "-l") == 0;
	const char *filter = argc > 1 + list ? argv[1 + list] : "";
	int passed = 0, failed = 0, skipped = 0, excepted = 0;
	char name[256];

	shim_main_thread = pthread_self();
	for (struct shim_test *t = shim_tests; t; t = t->next) {
		snprintf(name, sizeof name, "%s/%s", t->suite, t->name);
		if (t->options.disabled || !strstr(name, filter))
			continue;
		if (shim_is_excepted(name)) {
			excepted++;
			continue;
		}
		if (list)
			puts(name);
		else if (shim_skips(name))
			skipped++;
		else if (shim_run(t))
			passed++;
		else
			failed++;
	}
	if (list)
		return 0;
	if (skipped)
		printf("%d left out\n", skipped);
	printf("%d passed, %d failed\n", passed, failed);
	return failed || passed + skipped + excepted == 0;
}

#define Test(suite_, name_, ...)                                                                   \
	static void shim_run_##suite_##_##name_(void);                                             \
	static __attribute__((constructor)) void shim_add_##suite_##_##name_(void)                 \
	{                                                                                          \
		static struct shim_test t = { #suite_, #name_, shim_run_##suite_##_##name_,        \
			                      __LINE__, { .sentinel = 0, __VA_ARGS__ }, NULL };    \
		shim_register(&t);                                                                 \
	}                                                                                          \
	static void shim_run_##suite_##_##name_(void)

#define TestSuite(suite_, ...)                                                                     \
	static __attribute__((constructor)) void shim_suite_##suite_(void)                         \
	{                                                                                          \
		shim_suite = (struct shim_options){ .sentinel = 0, __VA_ARGS__ };                  \
		shim_suite_name = #suite_;                                                         \
	}                                                                                          \
	struct shim_options /* takes the semicolon that follows */

/* CHECK(fatal, words, condition, format...): every list of arguments ends in one spare "". */
#define SHIM_CHECK(fatal, what, cond, ...)                                                         \
	shim_check(!!(cond), fatal, __FILE__, __LINE__, what, __VA_ARGS__)
#define SHIM_TRUE(fatal, a, ...) SHIM_CHECK(fatal, "failed: " #a, a, __VA_ARGS__)
#define SHIM_FALSE(fatal, a, ...) SHIM_CHECK(fatal, "failed: !(" #a ")", !(a), __VA_ARGS__)
#define SHIM_NULL(fatal, a, ...) SHIM_CHECK(fatal, "not NULL: " #a, (a) == NULL, __VA_ARGS__)
#define SHIM_SOME(fatal, a, ...) SHIM_CHECK(fatal, "NULL: " #a, (a) != NULL, __VA_ARGS__)
#define SHIM_OP(fatal, op, a, b, ...)                                                              \
	SHIM_CHECK(fatal, "failed: " #a " " #op " " #b, (a)op(b), __VA_ARGS__)
#define SHIM_STR(fatal, op, a, b, ...)                                                             \
	SHIM_CHECK(fatal, "failed: " #a " " #op " " #b, strcmp(a, b) op 0, __VA_ARGS__)
#define SHIM_ARR(fatal, op, a, b, n, ...)                                                          \
	SHIM_CHECK(fatal, "failed: " #a " " #op " " #b, memcmp(a, b, n) op 0, __VA_ARGS__)

#define cr_assert(...) SHIM_TRUE(true, __VA_ARGS__, "")
#define cr_assert_not(...) SHIM_FALSE(true, __VA_ARGS__, "")
#define cr_assert_eq(...) SHIM_OP(true, ==, __VA_ARGS__, "")
#define cr_assert_neq(...) SHIM_OP(true, !=, __VA_ARGS__, "")
#define cr_assert_lt(...) SHIM_OP(true, <, __VA_ARGS__, "")
#define cr_assert_leq(...) SHIM_OP(true, <=, __VA_ARGS__, "")
#define cr_assert_gt(...) SHIM_OP(true, >, __VA_ARGS__, "")
#define cr_assert_geq(...) SHIM_OP(true, >=, __VA_ARGS__, "")
#define cr_assert_null(...) SHIM_NULL(true, __VA_ARGS__, "")
#define cr_assert_not_null(...) SHIM_SOME(true, __VA_ARGS__, "")
#define cr_assert_str_eq(...) SHIM_STR(true, ==, __VA_ARGS__, "")
#define cr_assert_str_neq(...) SHIM_STR(true, !=, __VA_ARGS__, "")
#define cr_assert_arr_eq(...) SHIM_ARR(true, ==, __VA_ARGS__, "")
#define cr_assert_arr_neq(...) SHIM_ARR(true, !=, __VA_ARGS__, "")
#define cr_assert_fail(...) SHIM_CHECK(true, "failed", false, "" __VA_ARGS__, "")
#define cr_fatal(...) cr_assert_fail(__VA_ARGS__)

#define cr_expect(...) SHIM_TRUE(false, __VA_ARGS__, "")
#define cr_expect_not(...) SHIM_FALSE(false, __VA_ARGS__, "")
#define cr_expect_eq(...) SHIM_OP(false, ==, __VA_ARGS__, "")
#define cr_expect_neq(...) SHIM_OP(false, !=, __VA_ARGS__, "")
#define cr_expect_lt(...) SHIM_OP(false, <, __VA_ARGS__, "")
#define cr_expect_leq(...) SHIM_OP(false, <=, __VA_ARGS__, "")
#define cr_expect_gt(...) SHIM_OP(false, >, __VA_ARGS__, "")
#define cr_expect_geq(...) SHIM_OP(false, >=, __VA_ARGS__, "")
#define cr_expect_null(...) SHIM_NULL(false, __VA_ARGS__, "")
#define cr_expect_not_null(...) SHIM_SOME(false, __VA_ARGS__, "")
#define cr_expect_str_eq(...) SHIM_STR(false, ==, __VA_ARGS__, "")
#define cr_expect_str_neq(...) SHIM_STR(false, !=, __VA_ARGS__, "")
#define cr_expect_arr_eq(...) SHIM_ARR(false, ==, __VA_ARGS__, "")
#define cr_expect_arr_neq(...) SHIM_ARR(false, !=, __VA_ARGS__, "")
#define cr_expect_fail(...) SHIM_CHECK(false, "failed", false, "" __VA_ARGS__, "")

#define cr_log_info(...) shim_log(__VA_ARGS__)
#define cr_log_warn(...) shim_log(__VA_ARGS__)
#define cr_log_error(...) shim_log(__VA_ARGS__)

#endif
