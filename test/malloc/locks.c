/*
 * locks.c - what lock malloc's functions take first, fork takes, too: run by malloc.sh
 *
 * Else another thread may fork while it is held, and it is held in the child for ever. The program
 * stands in for the lock functions. It notes which locks are taken while none is held, from the
 * library's constructor on, and at last those that a fork in another thread takes, while the first
 * waits for its end. Prints how many of the former are not among the latter.
 */
#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST 1000

static pthread_mutex_t *first[MOST], *forks[MOST];
static int firsts, forked, depth;
static bool forking;

static void note(pthread_mutex_t **set, int *n, pthread_mutex_t *m)
{
	for (int i = 0; i < *n; i++)
		if (set[i] == m)
			return;
	if (*n == MOST)
		abort();
	set[(*n)++] = m;
}

int pthread_mutex_lock(pthread_mutex_t *m)
{
	if (forking)
		note(forks, &forked, m);
	else if (depth == 0)
		note(first, &firsts, m);
	depth++;
	return 0;
}

int pthread_mutex_unlock(pthread_mutex_t *m)
{
	(void)m;
	depth--;
	return 0;
}

static void call_everything(void)
{
	static const size_t sizes[] = { 10, 5000, 60000, 300000, 3000000 };

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		char *p = malloc(sizes[i]);

		p = realloc(p, malloc_usable_size(p) + 1);
		free(realloc(p, sizes[i] / 2));
		free(calloc(2, sizes[i]));
		free(memalign(256, sizes[i]));
	}
	malloc_trim(0);
	mallinfo();
	mallinfo2();
}

static void *fork_once(void *status)
{
	pid_t pid;

	forking = true;
	pid = fork();
	if (pid == 0)
		_exit(0);
	forking = false;
	waitpid(pid, status, 0);
	return NULL;
}

int main(void)
{
	int missing = 0, status = -1;
	pthread_t id;

	call_everything();
	pthread_create(&id, NULL, fork_once, &status);
	pthread_join(id, NULL);
	for (int i = 0; i < firsts; i++) {
		int k = 0;

		while (k < forked && forks[k] != first[i])
			k++;
		missing += k == forked;
	}
	printf("%d of %s not\n", missing, firsts > 1 && forked > 1 ? "them" : "none");
	return status != 0;
}
