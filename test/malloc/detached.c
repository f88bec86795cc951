/*
 * detached.c - detached threads leave no struct behind: run by malloc.sh
 *
 * Their stacks exceed what glibc keeps, so that each trims the others' behind its destructors, by
 * free(). Prints how many threads libslab-malloc.so counts when all have ended.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <slab.h>

#define AT_ONCE 24
#define STACK_BYTES ((size_t)8 << 20)

static pthread_barrier_t barrier;

static void *live(void *allocates)
{
	if (allocates != NULL)
		free(malloc(100));
	pthread_barrier_wait(&barrier);
	return NULL;
}

/* Until the kernel has this thread alone. */
static void await_the_end(void)
{
	int entries;

	do {
		DIR *tasks = opendir("/proc/self/task");

		if (tasks == NULL)
			exit(1);
		for (entries = 0; readdir(tasks) != NULL;)
			entries++;
		closedir(tasks);
		usleep(1000);
	} while (entries > 3); /* ".", ".." and this one */
}

int main(void)
{
	int (*figures)(struct slab_totals *, size_t);
	struct slab_totals totals;
	pthread_attr_t detached;
	pthread_t id;

	alarm(60);
	*(void **)&figures = dlsym(RTLD_DEFAULT, "slab_totals");
	pthread_barrier_init(&barrier, NULL, AT_ONCE);
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&detached, STACK_BYTES);
	for (int round = 0; round < 6; round++) {
		for (int i = 0; i < AT_ONCE; i++)
			if (pthread_create(&id, &detached, live, round % 2 ? "" : NULL) != 0)
				return 1;
		await_the_end();
	}
	if (figures == NULL || figures(&totals, sizeof totals) != 0)
		return 1;
	printf("%zu\n", (size_t)totals.threads);
	return 0;
}
