/*
 * unit.h - what several test files share: scaling, figures, reports heard, children that end
 *
 * Every file's tests also run in one process: what a test sets or creates, it takes back.
 */
#ifndef TEST_UNIT_H
#define TEST_UNIT_H

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "slab/layout.h"
#include "slab/slot.h"
#include "slab/span.h"
#include "slab/thread.h"

/* A tool that watches malloc runs: valgrind, a sanitizer. */
static inline bool under_tool(void)
{
	const char *under = getenv("SLAB_TEST_UNDER");

	return under != NULL && strcmp(under, "debug") != 0;
}

static inline bool under_valgrind(void)
{
	return under_tool() && strcmp(getenv("SLAB_TEST_UNDER"), "valgrind") == 0;
}

/* Such a tool or SLAB_DEBUG: all takes long, and resident memory is mostly not the test's. */
static inline bool is_watched(void)
{
	return getenv("SLAB_TEST_UNDER") != NULL;
}

/* A number of rounds: fewer where each takes long. */
static inline long rounds(long native, long watched)
{
	return is_watched() ? watched : native;
}

/* The same for sizes. */
static inline size_t scaled(size_t native, size_t watched)
{
	return is_watched() ? watched : native;
}

/* ---- caches ---- */

static inline struct slab_cache *new_cache(const char *name, size_t size)
{
	struct slab_cache *c = slab_cache_create(name, size, NULL);

	cr_assert_not_null(c, "create of %s: %s", name, strerror(errno));
	return c;
}

static inline void end_cache(struct slab_cache *c)
{
	cr_assert_eq(slab_cache_verify(c), 0);
	cr_assert_eq(slab_cache_destroy(c), 0, "%s", strerror(errno));
}

static inline struct slab_cache_stats figures(const struct slab_cache *c)
{
	struct slab_cache_stats st;

	cr_assert_eq(slab_cache_stats(c, &st, sizeof st), 0);
	return st;
}

static inline struct slab_totals totals(void)
{
	struct slab_totals t;

	cr_assert_eq(slab_totals(&t, sizeof t), 0);
	return t;
}

/* The header of the slab around p; NULL: none is held there. */
static inline struct slab *held_at(const void *p)
{
	struct slab *s;

	pthread_mutex_lock(&slab_root.span_lock);
	s = slab_span_held_locked(p);
	pthread_mutex_unlock(&slab_root.span_lock);
	return s;
}

/* The identities that hold at rest. */
static inline void figures_agree(const struct slab_cache *c)
{
	struct slab_cache_stats st = figures(c);

	cr_assert_eq(st.objects_live, st.allocs - st.frees, "%s: %lu live of %lu - %lu", st.name,
		     st.objects_live, st.allocs, st.frees);
	cr_assert_eq(st.objects_live + st.objects_cached + st.objects_free, st.objects_capacity,
		     "%s: %lu live, %lu cached, %lu free of %lu", st.name, st.objects_live,
		     st.objects_cached, st.objects_free, st.objects_capacity);
	cr_assert_eq(st.objects_capacity, st.slabs * st.objects_per_slab);
	cr_assert_eq(st.slabs, st.slabs_full + st.slabs_partial + st.slabs_empty);
	cr_assert_eq(st.mapped_bytes, st.slabs * st.slab_bytes);
	cr_assert_geq(st.objects_peak, st.objects_live);
}

/* The calling thread's slot of a cache. */
static inline struct slab__slot *my_slot(const struct slab_cache *c)
{
	struct slab_thread *t = slab_thread_lock();
	struct slab__slot *s = slab_slot(t, c);

	slab_thread_unlock(t);
	return s;
}

/* ---- reports ---- */

/* What the reporter has heard since listen(). */
struct heard {
	unsigned reports;
	char all[64 * 1024];              /* of them, as far as they fit */
	char text[SLAB_REPORT_BYTES + 1]; /* the last one */
};
static struct heard heard __attribute__((unused));

static inline void hear(const char *text, size_t len, void *ctx)
{
	struct heard *h = ctx;

	h->reports++;
	memcpy(h->text, text, len);
	h->text[len] = '\0';
	if (strlen(h->all) + len < sizeof h->all)
		strcat(h->all, h->text);
}

static inline void listen_to_reports(void)
{
	heard = (struct heard){ 0 };
	slab_set_reporter(hear, &heard);
}

static inline void listen_no_more(void)
{
	slab_set_reporter(NULL, NULL);
}

/* ---- children ---- */

/* How a child ended and what it wrote to standard error. */
struct ending {
	int signal; /* 0: it exited */
	int status; /* exit status, or as a shell tells a signal */
	char words[2 * SLAB_REPORT_BYTES];
};

static inline void child_body(int out, void (*fn)(void *), void *arg)
{
	/* not the handlers of the framework: the child ends as a program would */
	signal(SIGABRT, SIG_DFL);
	signal(SIGSEGV, SIG_DFL);
	alarm(60);
	if (dup2(out, STDERR_FILENO) < 0)
		_exit(99);
	fn(arg);
	_exit(0);
}

/* Runs fn in a child: exit status 0 if it returns. */
static inline struct ending child_runs(void (*fn)(void *), void *arg)
{
	struct ending e = { 0 };
	int pipe_ends[2], status = 0;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	cr_assert_eq(pipe(pipe_ends), 0);
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		child_body(pipe_ends[1], fn, arg);
	close(pipe_ends[1]);
	while ((n = read(pipe_ends[0], e.words + len, sizeof e.words - 1 - len)) > 0)
		len += (size_t)n;
	close(pipe_ends[0]);
	cr_assert(pid > 0 && waitpid(pid, &status, 0) == pid);
	e.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	e.status = WIFSIGNALED(status) ? 128 + e.signal : WEXITSTATUS(status);
	return e;
}

/* Ends a child that went well; under valgrind its exit status would tell of leaks and errors. */
static inline void end_well(void)
{
	if (under_valgrind())
		kill(getpid(), SIGKILL);
	_exit(0);
}

/* What wait() says of such a child. */
static inline int ended_well(void)
{
	return under_valgrind() ? SIGKILL : 0;
}

/* fn must end its process by SIGABRT with a report that has these words. */
static inline void dies_saying(void (*fn)(void *), void *arg, const char *words)
{
	struct ending e = child_runs(fn, arg);

	cr_assert_eq(e.signal, SIGABRT, "ended by signal %d, status %d, saying: %s", e.signal,
		     e.status, e.words);
	cr_assert_not_null(strstr(e.words, words), "wanted \"%s\" in: %s", words, e.words);
}

#endif
