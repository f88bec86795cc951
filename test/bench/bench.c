/*
 * bench.c - run one workload at one object size with one allocator
 *
 *   bench WORKLOAD SIZE [SCALE [LIVE]]     prints "metric value" lines
 *   bench version                          says what is measured
 */
#include "bench.h"
#include "peer.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const struct {
	const char *name;
	void (*run)(const struct bench_job *job);
	size_t live;
} workloads[] = {
	{ "pair", bench_pair, 0 },       { "lifo", bench_lifo, 1000 },
	{ "fifo", bench_fifo, 1000 },    { "churn1k", bench_churn, 1000 },
	{ "cost", bench_churn, 0 },      { "churn200k", bench_churn, 200000 },
	{ "burst", bench_burst, 0 },     { "bytes", bench_bytes, 0 },
	{ "walk", bench_walk, 500000 },  { "handoff", bench_handoff, 0 },
	{ "mt2", bench_mt2, 1000 },      { "larson", bench_larson, 1000 },
};

void bench_fail(const char *words)
{
	fprintf(stderr, "bench: %s\n", words);
	exit(1);
}

void *bench_map(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	               MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (p == MAP_FAILED)
		bench_fail("mmap gave no memory");
	return p;
}

/* From smaps_rollup: the figure of statm may be off by dozens of pages per core. */
size_t bench_rss(void)
{
	static char text[4096];
	int fd = open("/proc/self/smaps_rollup", O_RDONLY);
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	char *at = len > 0 ? strstr(text, "Rss:") : NULL;

	if (at == NULL)
		bench_fail("/proc/self/smaps_rollup cannot be read");
	close(fd);
	return (size_t)strtoul(at + 4, NULL, 10) << 10;
}

void bench_result(const char *metric, double value)
{
	printf("%s %.4f\n", metric, value);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double bench_median(double *values, size_t n)
{
	qsort(values, n, sizeof *values, compare);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

size_t bench_times(const struct bench_job *job, size_t n, size_t least)
{
	return n / job->scale > least ? n / job->scale : least;
}

int main(int argc, char **argv)
{
	static char buffer[BUFSIZ]; /* stdio would allocate one */
	struct bench_job job = { 0, 1, 0 };
	char text[512];
	size_t i;

	setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
	if (argc == 2 && strcmp(argv[1], "version") == 0) {
		peer_describe(text, sizeof text);
		puts(text);
		return 0;
	}
	if (argc < 3)
		bench_fail("usage: bench WORKLOAD SIZE [SCALE [LIVE]] | bench version");
	job.size = strtoul(argv[2], NULL, 10);
	if (argc > 3)
		job.scale = strtoul(argv[3], NULL, 10);
	if (argc > 4)
		job.live = strtoul(argv[4], NULL, 10);
	if (job.size < 16 || job.scale < 1)
		bench_fail("SIZE is at least 16, SCALE at least 1");
	for (i = 0; i < sizeof workloads / sizeof *workloads; i++) {
		if (strcmp(argv[1], workloads[i].name) != 0)
			continue;
		if (job.live == 0)
			job.live = bench_times(&job, workloads[i].live, 10);
		workloads[i].run(&job);
		fflush(stdout);
		_exit(0); /* what is alive now may take long to tear down, and nobody asks */
	}
	bench_fail("there is no such workload");
	return 1;
}
