/*
 * test_sized_first.c - size classes that several threads want first, at the same time
 *
 * A file of its own: where other tests have run before in the process, every class is there.
 */
#define _GNU_SOURCE
#include <pthread.h>

#include "test/unit.h"

#define THREADS 4

static pthread_barrier_t barrier;

static void *take_each_size(void *arg)
{
	size_t from = (size_t)(uintptr_t)arg * 256;

	pthread_barrier_wait(&barrier);
	for (size_t i = 0; i < 1024; i += 16) {
		size_t size = 1 + (from + i) % 1024; /* each thread begins elsewhere */
		char *p = slab_malloc(size);

		if (p == NULL || slab_usable_size(p) < size)
			abort();
		p[0] = p[size - 1] = 1;
		slab_free(p);
	}
	return NULL;
}

/* Takes no lock, and so meets nobody but in the map, where others put the first block. */
static void *free_nothing(void *arg)
{
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < 10000; i++)
		slab_free(NULL);
	return arg;
}

static int count_class(struct slab_cache *c, void *ctx)
{
	*(unsigned *)ctx += strncmp(figures(c).name, "size-", 5) == 0;
	return 0;
}

Test(sized_first, each_is_made_once)
{
	pthread_t ids[THREADS], other;
	unsigned classes = 0;

	cr_assert_eq(pthread_barrier_init(&barrier, NULL, THREADS + 1), 0);
	cr_assert_eq(pthread_create(&other, NULL, free_nothing, NULL), 0);
	for (uintptr_t i = 0; i < THREADS; i++)
		cr_assert_eq(pthread_create(&ids[i], NULL, take_each_size, (void *)i), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(ids[i], NULL);
	pthread_join(other, NULL);
	pthread_barrier_destroy(&barrier);
	slab_for_each_cache(count_class, &classes);
	cr_assert_eq(classes, 8 + 3 * 8, "%u classes up to 1 KiB", classes);
}
