/*
 * hold.c - a process held for a while                                                    Floor t3
 *
 * Called by copy.c. Every thread is seized with ptrace(2) and interrupted: no signal is sent, and
 * the kernel lets go of all of them should we die.
 */
#define _GNU_SOURCE 1
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/hold.h"

#define WAIT_MS 5000 /* for all threads to stop */

uint64_t hold_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* ---- stop and go ---- */

static bool is_known(const struct hold *hold, int task)
{
	for (size_t i = 0; i < hold->tasks; i++)
		if (hold->task[i] == task)
			return true;
	return false;
}

/* Waits until a task stands. Return: 0; ESRCH: it has ended; ETIMEDOUT. */
static int wait_for(struct hold *hold, size_t i, uint64_t until_us)
{
	const struct timespec pause = { .tv_nsec = 200000 };
	int status, got;

	while ((got = waitpid(hold->task[i], &status, __WALL | WNOHANG)) == 0) {
		if (hold_now_us() > until_us)
			return ETIMEDOUT;
		nanosleep(&pause, NULL);
	}
	if (got < 0 || !WIFSTOPPED(status))
		return ESRCH;
	hold->signal[i] = status >> 16 ? 0 : WSTOPSIG(status);
	return 0;
}

/* Seizes the tasks that are not held yet. Return: how many were new, or -errno. */
static int seize_new(struct hold *hold, uint64_t until_us)
{
	int fd = openat(hold->live->proc_fd, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC), found = 0;
	DIR *tasks = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int error = tasks ? 0 : ESRCH;

	while (!error && (entry = readdir(tasks))) {
		int task = atoi(entry->d_name);

		if (task <= 0 || is_known(hold, task))
			continue;
		if (hold->tasks == HOLD_THREADS_MAX) {
			error = E2BIG;
		} else if (ptrace(PTRACE_SEIZE, task, NULL, NULL) != 0) {
			error = errno == ESRCH ? 0 : errno; /* it may just have ended */
			if (error == EPERM && task != hold->live->reader)
				error = 0; /* the first thread may be dead and others not */
		} else {
			hold->task[hold->tasks] = task;
			ptrace(PTRACE_INTERRUPT, task, NULL, NULL);
			error = wait_for(hold, hold->tasks, until_us);
			hold->tasks += error != ESRCH;
			found += error != ESRCH;
			error = error == ESRCH ? 0 : error;
		}
	}
	if (tasks)
		closedir(tasks);
	return error ? -error : found;
}

void hold_end(struct hold *hold)
{
	for (size_t i = 0; i < hold->tasks; i++)
		ptrace(PTRACE_DETACH, hold->task[i], NULL, (void *)(intptr_t)hold->signal[i]);
	hold->tasks = 0;
}

/* New threads are made by threads that still run: done once a look finds none. */
int hold_begin(struct hold *hold, const struct target *live)
{
	uint64_t until_us = hold_now_us() + (uint64_t)WAIT_MS * 1000;
	int found;

	*hold = (struct hold){ .live = live };
	do
		found = seize_new(hold, until_us);
	while (found > 0);
	return found < 0 ? -found : hold->tasks > 0 ? 0 : ESRCH;
}

