/* test_report.c - sentences: how they are built, where they go, that they end in abort */
#include "test/unit.h"

#include <pthread.h>

#include "slab/check.h"
#include "slab/report.h"

static const char *text_of(struct slab_report *r)
{
	r->text[r->len] = '\0';
	return r->text;
}

Test(report, builds_a_sentence)
{
	struct slab_cache c = { .name = "conn" };
	struct slab_report r;

	slab_report_begin(&r, "bad free: ");
	slab_report_hex(&r, 0xdeadbeef);
	slab_report_text(&r, " of ");
	slab_report_cache(&r, &c);
	slab_report_text(&r, " after ");
	slab_report_dec(&r, 0);
	slab_report_text(&r, " and ");
	slab_report_dec(&r, UINT64_MAX);
	cr_assert_str_eq(text_of(&r), "slab: bad free: 0xdeadbeef of cache 'conn' after 0 and "
				      "18446744073709551615");
}

Test(report, goes_whole_to_the_reporter_and_stays_in_the_root)
{
	struct slab_report r;

	listen_to_reports();
	slab_report_begin(&r, "one");
	slab_report_send(&r);
	listen_no_more();
	cr_assert_eq(heard.reports, 1);
	cr_assert_str_eq(heard.text, "slab: one\n");
	cr_assert_eq(slab_root.report_bytes, strlen("slab: one\n"));
	cr_assert_arr_eq(slab_root.report, "slab: one\n", slab_root.report_bytes);
}

Test(report, what_is_too_long_is_cut_and_keeps_its_newline)
{
	struct slab_report r;

	listen_to_reports();
	slab_report_begin(&r, "");
	for (int i = 0; i < SLAB_REPORT_BYTES; i++)
		slab_report_text(&r, "abc");
	slab_report_send(&r);
	listen_no_more();
	cr_assert_eq(strlen(heard.text), SLAB_REPORT_BYTES);
	cr_assert_eq(heard.text[SLAB_REPORT_BYTES - 1], '\n');
}

static void send_one(void *arg)
{
	struct slab_report r;

	slab_report_begin(&r, arg);
	slab_report_send(&r);
}

static void count_whole(const char *text, size_t len, void *ctx)
{
	if (len > 30 && memcmp(text, "slab: destroy of cache 'held' ", 30) == 0 &&
	    text[len - 1] == '\n')
		__atomic_fetch_add((int *)ctx, 1, __ATOMIC_RELAXED);
}

static void *be_refused(void *arg)
{
	struct slab_cache *c = new_cache("held", 64);
	void *obj = slab_cache_alloc(c);

	(void)arg;
	for (int i = 0; i < 50; i++)
		cr_assert_eq(slab_cache_destroy(c), -1);
	slab_cache_free(c, obj);
	end_cache(c);
	return NULL;
}

Test(report, of_several_threads_at_a_time_goes_whole_to_the_reporter)
{
	pthread_t ids[4];
	int whole = 0;

	slab_set_reporter(count_whole, &whole);
	for (int i = 0; i < 4; i++)
		cr_assert_eq(pthread_create(&ids[i], NULL, be_refused, NULL), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(ids[i], NULL);
	listen_no_more();
	cr_assert_eq(whole, 200);
}

struct pair {
	int calls, wrong;
};
static struct pair pairs[2];

static void hear_first(const char *text, size_t len, void *ctx)
{
	(void)text;
	(void)len;
	__atomic_fetch_add(&pairs[0].calls, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&pairs[0].wrong, ctx != &pairs[0], __ATOMIC_RELAXED);
}

static void hear_second(const char *text, size_t len, void *ctx)
{
	(void)text;
	(void)len;
	__atomic_fetch_add(&pairs[1].calls, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&pairs[1].wrong, ctx != &pairs[1], __ATOMIC_RELAXED);
}

static void *set_again_and_again(void *stop)
{
	while (!__atomic_load_n((bool *)stop, __ATOMIC_RELAXED)) {
		slab_set_reporter(hear_first, &pairs[0]);
		slab_set_reporter(hear_second, &pairs[1]);
	}
	return NULL;
}

Test(report, each_reporter_gets_its_own_context)
{
	bool stop = false;
	pthread_t id;

	slab_set_reporter(hear_first, &pairs[0]);
	cr_assert_eq(pthread_create(&id, NULL, set_again_and_again, &stop), 0);
	for (long i = rounds(3000000, 3000); i > 0; i--) {
		struct slab_report r;

		slab_report_begin(&r, "x");
		slab_report_send(&r);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(id, NULL);
	listen_no_more();
	cr_assert_eq(pairs[0].wrong + pairs[1].wrong, 0);
	cr_assert_eq(pairs[0].calls + pairs[1].calls, rounds(3000000, 3000));
}

Test(report, goes_to_standard_error_without_a_reporter)
{
	struct ending e = child_runs(send_one, "to be read");

	cr_assert_eq(e.signal, 0);
	cr_assert_eq(e.status, 0);
	cr_assert_str_eq(e.words, "slab: to be read\n");
}

static void send_to_nowhere(void *arg)
{
	close(STDERR_FILENO);
	errno = 77;
	send_one(arg);
	_exit(errno == 77 ? 0 : 1);
}

Test(report, leaves_errno_alone_and_does_not_wait_for_a_closed_stderr)
{
	cr_assert_eq(child_runs(send_to_nowhere, "x").status, 0);
}

static int reads_from;

static void make_room(int sig)
{
	char some[4096];

	(void)sig;
	while (read(reads_from, some, sizeof some) > 0)
		;
}

/* write() waits for room, and a signal whose handler makes some ends it with EINTR. */
static void send_to_a_full_pipe(void *arg)
{
	struct sigaction action = { .sa_handler = make_room };
	char said[64] = { 0 };
	int ends[2];

	if (pipe(ends) != 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0 ||
	    fcntl(ends[1], F_SETFL, O_NONBLOCK) != 0)
		_exit(90);
	reads_from = ends[0];
	while (write(ends[1], said, sizeof said) > 0)
		;
	if (fcntl(ends[1], F_SETFL, 0) != 0 || dup2(ends[1], STDERR_FILENO) < 0)
		_exit(91);
	sigaction(SIGALRM, &action, NULL);
	alarm(1);
	send_one(arg);
	_exit(read(ends[0], said, sizeof said) > 0 && strcmp(said, "slab: late\n") == 0 ? 0 : 1);
}

Test(report, a_signal_loses_none_of_it)
{
	cr_assert_eq(child_runs(send_to_a_full_pipe, "late").status, 0);
}

static void abort_with(void *arg)
{
	struct slab_report r;

	slab_report_begin(&r, arg);
	slab_report_abort(&r);
}

static void break_a_rule(void *arg)
{
	SLAB_BUG_ON(arg == NULL);
}

Test(report, aborts_with_its_words)
{
	dies_saying(abort_with, "last words", "slab: last words\n");
}

Test(report, a_broken_rule_is_named_in_every_build)
{
	dies_saying(break_a_rule, NULL,
		    "slab: internal rule broken: arg == NULL at test/test_report");
	cr_assert_eq(child_runs(break_a_rule, "holds").status, 0);
}

/* ---- a program that handles the abort ---- */

/* As crash handlers do: allocates, shows figures, starts another program. */
static void use_all(int sig)
{
	struct slab_cache *c = new_cache("in-handler", 100);
	struct slab_totals t;
	int status = -1;
	pid_t pid;

	(void)sig;
	slab_cache_free(c, slab_cache_alloc(c));
	slab_free(slab_malloc(1000));
	slab_free(slab_malloc(1000000));
	if (slab_totals(&t, sizeof t) != 0)
		_exit(1);
	pid = fork();
	if (pid == 0)
		end_well();
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != ended_well())
		_exit(2);
	end_well();
}

/* Found when the magazines go back to the slabs, under the thread's lock. */
static void free_inside(void *obj)
{
	signal(SIGABRT, use_all);
	slab_cache_free(slab_cache_of(obj), (char *)obj + 16);
	slab_thread_flush();
	_exit(3);
}

static void free_twice(void *obj)
{
	struct slab_cache *c = slab_cache_of(obj);

	signal(SIGABRT, use_all);
	slab_cache_free(c, obj);
	slab_cache_free(c, obj);
	_exit(3);
}

Test(report, a_handler_of_the_abort_may_use_the_library)
{
	struct slab_cache_args args = { .flags = SLAB_CONSISTENCY_CHECKS };
	int well = under_valgrind() ? 128 + SIGKILL : 0;
	struct slab_cache *c[2];

	c[0] = new_cache("plain", 64);
	c[1] = slab_cache_create("debugged", 64, &args);
	for (int i = 0; i < 2; i++) {
		void *obj = slab_cache_alloc(c[i]);

		cr_expect_eq(child_runs(free_inside, obj).status, well);
		cr_expect_eq(child_runs(free_twice, obj).status, well);
		slab_cache_free(c[i], obj);
		end_cache(c[i]);
	}
}

static void close_the_reader(void)
{
	int ends[2];

	signal(SIGPIPE, SIG_DFL);
	if (pipe(ends) != 0 || dup2(ends[1], STDERR_FILENO) < 0)
		_exit(90);
	close(ends[0]);
	close(ends[1]);
}

static void report_to_nobody(void *blocked)
{
	struct slab_report r;
	sigset_t set;

	close_the_reader();
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	if (blocked != NULL)
		sigprocmask(SIG_BLOCK, &set, NULL);
	errno = 77;
	for (int i = 0; i < 2; i++) {
		slab_report_begin(&r, "nobody reads this");
		slab_report_send(&r);
	}
	if (errno != 77 || sigprocmask(SIG_BLOCK, NULL, &set) != 0)
		_exit(1);
	_exit(sigismember(&set, SIGPIPE) == (blocked != NULL) ? 0 : 2);
}

static void abort_to_nobody(void *arg)
{
	struct slab_report r;

	(void)arg;
	close_the_reader();
	slab_report_begin(&r, "nobody reads this");
	slab_report_abort(&r);
}

Test(report, to_a_pipe_without_a_reader_ends_nobody)
{
	cr_expect_eq(child_runs(report_to_nobody, NULL).status, 0);
	cr_expect_eq(child_runs(report_to_nobody, "").status, 0);
	cr_expect_eq(child_runs(abort_to_nobody, NULL).signal, SIGABRT);
}
