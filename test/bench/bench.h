/*
 * bench.h - what the workloads share: clock, random numbers, memory of their own, results
 *
 * A program of this kind runs one workload at one object size and prints "metric value" lines.
 * Nothing here allocates from the allocator under measurement.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* Timed stretches of a workload; its figure is their median. One more comes first, untimed. */
#define BENCH_SLICES 5

struct bench_job {
	size_t size;  /* bytes of one object, at least 16 */
	size_t scale; /* every count is divided by this; 1 to measure, more to try out */
	size_t live;  /* objects alive at a time, for the workloads that take it */
};

/* The workloads. */
void bench_pair(const struct bench_job *job);
void bench_lifo(const struct bench_job *job);
void bench_fifo(const struct bench_job *job);
void bench_churn(const struct bench_job *job);
void bench_burst(const struct bench_job *job);
void bench_bytes(const struct bench_job *job);
void bench_walk(const struct bench_job *job);
void bench_handoff(const struct bench_job *job);
void bench_mt2(const struct bench_job *job);
void bench_larson(const struct bench_job *job);

void *bench_map(size_t bytes);      /* memory by mmap, every page touched; ends on failure */
size_t bench_rss(void);             /* resident bytes of this process, exactly */
void bench_fail(const char *words); /* ends the program */
void bench_result(const char *metric, double value);
double bench_median(double *values, size_t n);
/* @n divided by the job's scale, but at least @least. */
size_t bench_times(const struct bench_job *job, size_t n, size_t least);
/* @n replacements of a random one of @live objects. */
uint64_t bench_replace(void **objs, size_t live, size_t size, size_t n, uint64_t seed);

static inline double bench_ns_of(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static inline double bench_now(void) /* nanoseconds by the clock on the wall */
{
	return bench_ns_of(CLOCK_MONOTONIC);
}

/*
 * Nanoseconds that all threads of this process have computed: what other programs take does not
 * count, what an allocator leaves to a thread of its own does. For workloads of one thread.
 */
static inline double bench_cpu(void)
{
	return bench_ns_of(CLOCK_PROCESS_CPUTIME_ID);
}

static inline uint64_t bench_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *seed >> 32;
}

/* A random number below @n, which is below 2^32. */
static inline size_t bench_below(uint64_t *seed, size_t n)
{
	return (size_t)(bench_random(seed) * n >> 32);
}

/*
 * Write the first eight bytes. What comes back is the same pointer, but the compiler cannot know:
 * it can neither drop a malloc that is freed at once nor the write.
 */
static inline void *bench_touch(void *p, uint64_t value)
{
	__asm__ volatile("" : "+r"(p));
	*(volatile uint64_t *)p = value;
	return p;
}

#endif
