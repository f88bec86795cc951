/* work_single.c - workloads of one thread whose live objects stay few or constant */
#include "bench.h"
#include "peer.h"

#define BATCH 1000

static void pairs(size_t size, size_t n)
{
	while (n-- > 0)
		peer_free(bench_touch(peer_alloc(size), n), size);
}

void bench_pair(const struct bench_job *job)
{
	size_t n = bench_times(job, 4000000, 100), i;
	double ns[BENCH_SLICES], start;

	peer_open(job->size, 1);
	pairs(job->size, n);
	for (i = 0; i < BENCH_SLICES; i++) {
		start = bench_cpu();
		pairs(job->size, n);
		ns[i] = (bench_cpu() - start) / (double)n;
	}
	bench_result("pair", bench_median(ns, BENCH_SLICES));
}

static void lifo(void **objs, size_t size, size_t rounds)
{
	size_t i;

	while (rounds-- > 0) {
		for (i = 0; i < BATCH; i++)
			objs[i] = bench_touch(peer_alloc(size), i);
		while (i-- > 0)
			peer_free(objs[i], size);
	}
}

static void fifo(void **objs, size_t size, size_t rounds)
{
	size_t i;

	while (rounds-- > 0) {
		for (i = 0; i < BATCH; i++)
			objs[i] = bench_touch(peer_alloc(size), i);
		for (i = 0; i < BATCH; i++)
			peer_free(objs[i], size);
	}
}

static void batches(const struct bench_job *job, const char *metric,
                    void (*run)(void **objs, size_t size, size_t rounds))
{
	void **objs = (void **)bench_map(BATCH * sizeof *objs);
	size_t rounds = bench_times(job, 3000, 2), i;
	double ns[BENCH_SLICES], start;

	peer_open(job->size, BATCH);
	run(objs, job->size, rounds);
	for (i = 0; i < BENCH_SLICES; i++) {
		start = bench_cpu();
		run(objs, job->size, rounds);
		ns[i] = (bench_cpu() - start) / (double)(rounds * BATCH);
	}
	bench_result(metric, bench_median(ns, BENCH_SLICES));
}

void bench_lifo(const struct bench_job *job)
{
	batches(job, "lifo", lifo);
}

void bench_fifo(const struct bench_job *job)
{
	batches(job, "fifo", fifo);
}

uint64_t bench_replace(void **objs, size_t live, size_t size, size_t n, uint64_t seed)
{
	size_t at;

	while (n-- > 0) {
		at = bench_below(&seed, live);
		peer_free(objs[at], size);
		objs[at] = bench_touch(peer_alloc(size), n);
	}
	return seed;
}

#define AGEING ((size_t)4000000)

/* Replace as many as there are, or many, before the clock runs, so that the set has aged. */
void bench_churn(const struct bench_job *job)
{
	void **objs = (void **)bench_map(job->live * sizeof *objs);
	size_t n = bench_times(job, job->live > 10000 ? 400000 : 4000000, 100), i, age;
	double ns[BENCH_SLICES], start;
	uint64_t seed = 1;

	peer_open(job->size, job->live);
	for (i = 0; i < job->live; i++)
		objs[i] = bench_touch(peer_alloc(job->size), i);
	age = job->live < AGEING ? job->live : AGEING;
	seed = bench_replace(objs, job->live, job->size, n > age ? n : age, seed);
	for (i = 0; i < BENCH_SLICES; i++) {
		start = bench_cpu();
		seed = bench_replace(objs, job->live, job->size, n, seed);
		ns[i] = (bench_cpu() - start) / (double)n;
	}
	bench_result("churn", bench_median(ns, BENCH_SLICES));
}
