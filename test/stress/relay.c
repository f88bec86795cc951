/*
 * relay.c - one thread allocates, another frees: does what is resident stay near what is live?
 *
 * Run by relay.sh. The consumer holds a fixed set of objects; each one that comes through the ring
 * takes the place of a random one, which it frees. Usage: relay OBJECTS SIZE LIVE_BYTES. Exit
 * status 0: at no time more than 1.5 x LIVE_BYTES were resident.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "slab.h"

#define RING 1024
#define LOOK 65536 /* objects between two looks at what is resident */

static struct slab_cache *cache;
static void *ring[RING];
static _Alignas(64) atomic_size_t head;
static _Alignas(64) atomic_size_t tail;
static size_t total;

static size_t resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	unsigned long all = 0, resident = 0;

	if (file == NULL || fscanf(file, "%lu %lu", &all, &resident) != 2)
		resident = 0;
	if (file != NULL)
		fclose(file);
	return resident * (size_t)sysconf(_SC_PAGESIZE);
}

static void *make(size_t i)
{
	size_t *obj = slab_cache_alloc(cache);

	if (obj == NULL) {
		perror("relay: out of memory");
		exit(1);
	}
	*obj = i;
	return obj;
}

static void *produce(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < total; i++) {
		while (i - atomic_load_explicit(&tail, memory_order_acquire) == RING)
			sched_yield();
		ring[i % RING] = make(i);
		atomic_store_explicit(&head, i + 1, memory_order_release);
	}
	return NULL;
}

/* Returns the most that was resident. */
static size_t consume(void **objs, size_t live)
{
	size_t peak = 0, now;
	uint64_t state = 1;

	for (size_t i = 0; i < total; i++) {
		void **at = &objs[((state >> 33) * live) >> 31];

		state = state * 6364136223846793005u + 1442695040888963407u;
		while (atomic_load_explicit(&head, memory_order_acquire) == i)
			sched_yield();
		slab_cache_free(cache, *at);
		*at = ring[i % RING];
		atomic_store_explicit(&tail, i + 1, memory_order_release);
		if (i % LOOK == 0 && (now = resident_bytes()) > peak)
			peak = now;
	}
	return peak;
}

int main(int argc, char **argv)
{
	size_t size, bytes, live, before, peak;
	pthread_t producer;
	void **objs;

	if (argc != 4)
		return 2;
	total = strtoul(argv[1], NULL, 10);
	size = strtoul(argv[2], NULL, 10);
	bytes = strtoul(argv[3], NULL, 10);
	live = bytes / size;
	objs = mmap(NULL, live * sizeof *objs, PROT_READ | PROT_WRITE,
	            MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	cache = slab_cache_create("relay", size, NULL);
	if (objs == MAP_FAILED || cache == NULL)
		return 2;
	before = resident_bytes();
	for (size_t i = 0; i < live; i++)
		objs[i] = make(i);
	if (pthread_create(&producer, NULL, produce, NULL) != 0)
		return 2;
	peak = consume(objs, live);
	pthread_join(producer, NULL);
	peak = peak > before ? peak - before : 0;
	printf("relay: %zu objects of %zu bytes passed, %zu KiB live, at most %zu KiB resident: "
	       "%.2f\n",
	       total, size, bytes / 1024, peak / 1024, (double)peak / (double)bytes);
	return peak == 0 || peak * 2 > bytes * 3;
}
