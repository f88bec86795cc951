/* work_threads.c - workloads of two threads */
#include "bench.h"
#include "peer.h"

#include <pthread.h>
#include <sched.h>

#define THREADS 2
#define RING 1024 /* a power of two */
#define LIVES 50  /* generations of threads in a slice */

static void start_thread(pthread_t *thread, void *(*fn)(void *), void *arg)
{
	if (pthread_create(thread, NULL, fn, arg) != 0)
		bench_fail("pthread_create failed");
}

/* ---- handoff: one allocates, another frees, a bounded ring in between --------------------- */

static struct {
	const struct bench_job *job;
	size_t n;
	struct {
		size_t at __attribute__((aligned(128)));
	} head, tail; /* head: filled up to here; tail: emptied up to here */
	void *slots[RING];
} ring;

/* Wait until *at is not @old; a busy machine has the other thread on the same core. */
static size_t await(size_t *at, size_t old)
{
	size_t now, tries = 0;

	while ((now = __atomic_load_n(at, __ATOMIC_ACQUIRE)) == old) {
		if (++tries % 256 == 0)
			sched_yield();
#if defined(__x86_64__)
		else
			__builtin_ia32_pause();
#endif
	}
	return now;
}

static void *produce(void *arg)
{
	size_t i, tail = 0, size = ring.job->size;

	(void)arg;
	for (i = 0; i < ring.n; i++) {
		if (i - tail == RING)
			tail = await(&ring.tail.at, tail);
		ring.slots[i % RING] = bench_touch(peer_alloc(size), i);
		__atomic_store_n(&ring.head.at, i + 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

void bench_handoff(const struct bench_job *job)
{
	size_t slice = bench_times(job, 1000000, 1000), i, n, head = 0, size = job->size;
	double ns[BENCH_SLICES + 1], start = bench_now();
	pthread_t thread;

	peer_open(size, RING + 1);
	ring.job = job;
	ring.n = slice * (BENCH_SLICES + 1);
	start_thread(&thread, produce, NULL);
	for (n = 0, i = 0; n <= BENCH_SLICES; n++) {
		for (; i < slice * (n + 1); i++) {
			if (i == head)
				head = await(&ring.head.at, head);
			peer_free(bench_touch(ring.slots[i % RING], i), size);
			__atomic_store_n(&ring.tail.at, i + 1, __ATOMIC_RELEASE);
		}
		ns[n] = (bench_now() - start) / (double)slice;
		start = bench_now();
	}
	pthread_join(thread, NULL);
	bench_result("handoff", bench_median(ns + 1, BENCH_SLICES));
}

/* ---- mt2 and larson: threads that churn ---------------------------------------------------- */

struct worker {
	const struct bench_job *job;
	pthread_barrier_t *barrier; /* NULL: replace n, once, and end */
	void **objs;
	size_t n;
	uint64_t seed;
	double ns[BENCH_SLICES];
	pthread_t thread;
} __attribute__((aligned(128)));

static void *churn(void *arg)
{
	struct worker *w = (struct worker *)arg;
	size_t live = w->job->live, size = w->job->size, i;
	double start;

	for (i = 0; w->barrier != NULL && i < live; i++)
		w->objs[i] = bench_touch(peer_alloc(size), i);
	w->seed = bench_replace(w->objs, live, size, w->n, w->seed);
	for (i = 0; w->barrier != NULL && i < BENCH_SLICES; i++) {
		pthread_barrier_wait(w->barrier);
		start = bench_now();
		w->seed = bench_replace(w->objs, live, size, w->n, w->seed);
		w->ns[i] = (bench_now() - start) / (double)w->n;
	}
	return NULL;
}

static void prepare(struct worker *w, const struct bench_job *job, size_t n)
{
	size_t i;

	peer_open(job->size, THREADS * (job->live + 1));
	for (i = 0; i < THREADS; i++) {
		w[i].job = job;
		w[i].n = n;
		w[i].seed = i + 1;
		w[i].objs = (void **)bench_map(job->live * sizeof(void *));
	}
}

/* The slower of the two counts. */
void bench_mt2(const struct bench_job *job)
{
	static struct worker w[THREADS];
	static pthread_barrier_t barrier;
	double ns[BENCH_SLICES];
	size_t i;

	prepare(w, job, bench_times(job, 2000000, 100));
	pthread_barrier_init(&barrier, NULL, THREADS);
	for (i = 0; i < THREADS; i++) {
		w[i].barrier = &barrier;
		start_thread(&w[i].thread, churn, &w[i]);
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(w[i].thread, NULL);
	for (i = 0; i < BENCH_SLICES; i++)
		ns[i] = w[0].ns[i] > w[1].ns[i] ? w[0].ns[i] : w[1].ns[i];
	bench_result("mt2", bench_median(ns, BENCH_SLICES));
}

/* Each thread replaces for a while and ends; its set goes to the next one, of the other line. */
void bench_larson(const struct bench_job *job)
{
	static struct worker w[THREADS];
	double ns[BENCH_SLICES + 1], start;
	size_t i, life, slice;
	void **objs;

	prepare(w, job, bench_times(job, 20000, 10));
	for (i = 0; i < job->live * THREADS; i++)
		w[i % THREADS].objs[i / THREADS] = bench_touch(peer_alloc(job->size), i);
	for (slice = 0; slice <= BENCH_SLICES; slice++) {
		start = bench_now();
		for (life = 0; life < LIVES; life++) {
			for (i = 0; i < THREADS; i++)
				start_thread(&w[i].thread, churn, &w[i]);
			for (i = 0; i < THREADS; i++)
				pthread_join(w[i].thread, NULL);
			objs = w[0].objs;
			w[0].objs = w[1].objs;
			w[1].objs = objs;
		}
		ns[slice] = (bench_now() - start) / (double)(LIVES * w[0].n);
	}
	bench_result("larson", bench_median(ns + 1, BENCH_SLICES));
}
