/* work_memory.c - workloads that grow far, shrink again, or depend on where objects come to lie */
#include "bench.h"
#include "peer.h"

#define BURST 2000000
#define COUNT 1000000
#define ROUNDS 4
#define HOPS 4000000

static void shuffle(void **objs, size_t n)
{
	uint64_t seed = 7;
	size_t at;
	void *p;

	while (n > 1) {
		at = bench_below(&seed, n--);
		p = objs[n];
		objs[n] = objs[at];
		objs[at] = p;
	}
}

/* Grow, free in random order, and see what is left without a further call. */
void bench_burst(const struct bench_job *job)
{
	size_t n = bench_times(job, BURST, 1000), i, before, peak;
	void **objs = (void **)bench_map(n * sizeof *objs);
	double start;

	peer_open(job->size, n);
	before = bench_rss();
	start = bench_cpu();
	for (i = 0; i < n; i++)
		objs[i] = bench_touch(peer_alloc(job->size), i);
	bench_result("grow", (bench_cpu() - start) / (double)n);
	peak = bench_rss();
	shuffle(objs, n);
	start = bench_cpu();
	for (i = 0; i < n; i++)
		peer_free(objs[i], job->size);
	bench_result("gfree", (bench_cpu() - start) / (double)n);
	i = bench_rss();
	i = i > before ? i - before : 0;
	bench_result("left", 100 * (double)i / (double)(peak - before + 1));
}

void bench_bytes(const struct bench_job *job)
{
	size_t n = bench_times(job, COUNT, 1000), i, before;

	peer_open(job->size, n);
	before = bench_rss();
	for (i = 0; i < n; i++)
		bench_touch(peer_alloc(job->size), i);
	bench_result("bytes", (double)(bench_rss() - before) / (double)n);
}

/*
 * A table of objects of which a random half is freed and made again, in the table's order, a few
 * times; then a list through all of them in that order. How near do neighbours lie?
 */
void bench_walk(const struct bench_job *job)
{
	size_t n = job->live, hops = bench_times(job, HOPS, 100), round, i, at;
	void **objs = (void **)bench_map(n * sizeof *objs), *p;
	double ns[BENCH_SLICES], start;
	uint64_t seed = 3;

	peer_open(job->size, n);
	for (i = 0; i < n; i++)
		objs[i] = bench_touch(peer_alloc(job->size), i);
	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < n / 2; i++) {
			at = bench_below(&seed, n);
			if (objs[at] == NULL)
				continue;
			peer_free(objs[at], job->size);
			objs[at] = NULL;
		}
		for (i = 0; i < n; i++) {
			if (objs[i] == NULL)
				objs[i] = bench_touch(peer_alloc(job->size), i);
		}
	}
	for (i = 0; i < n; i++)
		*(void **)objs[i] = objs[i + 1 < n ? i + 1 : 0];
	p = objs[0];
	for (i = 0; i < BENCH_SLICES; i++) {
		start = bench_cpu();
		for (at = 0; at < hops / BENCH_SLICES; at++)
			p = *(void *volatile *)p;
		ns[i] = (bench_cpu() - start) / (double)at;
	}
	bench_result("walk", bench_median(ns, BENCH_SLICES));
}
