/*
 * child.h - parts of a test that run in a forked child, where Criterion cannot be asked
 *
 * The body returns 0, or the line of the check that failed: see CHECK. A child that hangs is ended
 * by its alarm and is a failure.
 */
#ifndef TEST_CHILD_H
#define TEST_CHILD_H

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/figures.h"

#define CHECK(holds)                                                                               \
	do {                                                                                       \
		if (!(holds))                                                                      \
			return __LINE__;                                                           \
	} while (0)

#define CHECK_SUMS(c) CHECK(child_sums(c))

static inline bool child_sums(struct slab_cache *c)
{
	const char *wrong = wrong_sum(c);

	if (wrong != NULL)
		fprintf(stderr, "in a child: %s\n", wrong);
	return wrong == NULL;
}

/* To be called in a child: ends it by what the body returned. */
static inline void child_end(int line)
{
	if (line != 0)
		fprintf(stderr, "in a child: the check at line %d failed\n", line);
	/* valgrind would end a child with a status of its own for what the parent's threads hold */
	if (line == 0 && is_watched())
		kill(getpid(), SIGKILL);
	_exit(line != 0);
}

/* Waits; true when the child ended well. */
static inline bool child_ended_well(pid_t pid)
{
	int status = -1;

	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return false;
	if (is_watched() && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return true;
	if (WIFSIGNALED(status))
		fprintf(stderr, "a child ended by signal %d\n", WTERMSIG(status));
	return status == 0;
}

static inline bool in_child(int (*body)(void *arg), void *arg)
{
	pid_t pid = fork();

	if (pid == 0) {
		alarm((unsigned)scaled(30, 240));
		child_end(body(arg));
	}
	return child_ended_well(pid);
}

#endif
