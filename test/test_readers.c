/*
 * test_readers.c - figures, iteration and checks while caches and slabs come and go
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>

#include "test/figures.h"

TestSuite(readers, .timeout = 120);

static atomic_bool stop;
static atomic_uint_fast64_t faults, reads;

/* Tools let one thread run at a time: who takes a lock without a pause keeps the others off it. */
static void pause_under_tools(void)
{
	if (scaled(0, 1) != 0)
		usleep(200);
}

static int constructor(void *obj, void *ctx)
{
	(void)ctx;
	*(uint64_t *)obj = 0xc0c0;
	return 0;
}

static void destructor(void *obj, void *ctx)
{
	(void)ctx;
	if (*(uint64_t *)obj != 0xc0c0)
		atomic_fetch_add(&faults, 1);
	*(uint64_t *)obj = 0xdddd;
}

static struct slab_cache *constructed(size_t size)
{
	struct slab_cache_args args = { .ctor = constructor, .dtor = destructor };
	struct slab_cache *c = slab_cache_create("constructed", size, &args);

	cr_assert(c != NULL);
	return c;
}

/* ---- caches come and go ---- */

static void *come_and_go(void *arg)
{
	size_t rounds = scaled(8000, 60);
	void *objs[200];

	for (size_t i = 0; i < rounds; i++) {
		size_t n = i % 200, size = 16 + i % 900 + *(size_t *)arg;
		struct slab_cache *c = slab_cache_create("short", size, NULL);

		if (c == NULL || slab_cache_alloc_bulk(c, n, objs) != n)
			abort();
		slab_cache_free_bulk(c, n, objs);
		if (slab_cache_destroy(c) != 0)
			abort();
	}
	return NULL;
}

static int read_one(struct slab_cache *c, void *ctx)
{
	struct slab_cache_stats st;

	if (slab_cache_stats(c, &st, sizeof st) != 0 || st.id <= *(uint64_t *)ctx)
		atomic_fetch_add(&faults, 1); /* in order of creation, each alive */
	*(uint64_t *)ctx = st.id;
	return 0;
}

static void *read_all(void *arg)
{
	struct slab_totals t;

	(void)arg;
	while (!atomic_load(&stop)) {
		uint64_t last_id = 0;

		slab_for_each_cache(read_one, &last_id);
		if (slab_totals(&t, sizeof t) != 0 || t.caches > 64 || t.threads > 64)
			atomic_fetch_add(&faults, 1);
		atomic_fetch_add(&reads, 1);
		pause_under_tools();
	}
	return NULL;
}

/* Not atomic: clang lets its thread sanitizer see atomic reads wherever they are. */
static inline __attribute__((always_inline)) struct slab_list *next_of(struct slab_list *pos)
{
	return *(struct slab_list *volatile *)&pos->next;
}

/* As slabstat does: memory alone, through the lists of the root, while nobody stands still. The
 * thread sanitizer, which would not see another process read, is not to look here either. */
static __attribute__((no_sanitize("thread"))) void *read_like_a_stranger(void *arg)
{
	(void)arg;
	while (!atomic_load(&stop)) {
		uint64_t generation = __atomic_load_n(&slab_root.generation, __ATOMIC_ACQUIRE);
		struct slab_list *pos = next_of(&slab_root.caches);
		size_t n = 0;

		while (pos != &slab_root.caches && n < 200) { /* never unmapped: no fault */
			struct slab_cache *c =
			    (struct slab_cache *)((char *)pos - offsetof(struct slab_cache, link));

			n += c->slot_bytes < SLAB_SLOTS * sizeof(struct slab__slot);
			pos = next_of(pos);
			if (__atomic_load_n(&slab_root.generation, __ATOMIC_ACQUIRE) != generation)
				break;
		}
		atomic_fetch_add(&reads, n > 0);
		pause_under_tools();
	}
	return NULL;
}

Test(readers, caches_come_and_go_under_readers)
{
	size_t offsets[4] = { 0, 1, 2, 3 };
	pthread_t workers[4], others[3];

	atomic_store(&stop, false);
	for (int i = 0; i < 3; i++)
		cr_assert(pthread_create(&others[i], NULL, i == 2 ? read_like_a_stranger : read_all,
		                         NULL) == 0);
	for (int i = 0; i < 4; i++)
		cr_assert(pthread_create(&workers[i], NULL, come_and_go, &offsets[i]) == 0);
	for (int i = 0; i < 4; i++)
		pthread_join(workers[i], NULL);
	atomic_store(&stop, true);
	for (int i = 0; i < 3; i++)
		pthread_join(others[i], NULL);
	cr_expect(atomic_load(&faults) == 0 && atomic_load(&reads) > 0);
	slab_reap();
	cr_expect(totals().caches == 0 && totals().mapped_bytes == 0,
	          "%zu KiB are left of destroyed caches", (size_t)totals().mapped_bytes / KIB);
}

/* ---- slabs come and go ---- */

static struct slab_cache *walked;

static void *churn(void *arg)
{
	uint64_t state = 31 + (uintptr_t)arg;
	void *objs[300];

	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		size_t n = 1 + next_random(&state) % 300;

		for (size_t i = 0; i < n; i++)
			if ((objs[i] = slab_cache_alloc(walked)) == NULL)
				abort();
		for (size_t i = 0; i < n; i++)
			slab_cache_free(walked, objs[i]);
		slab_thread_flush();
		pause_under_tools();
	}
	return NULL;
}

static int look(void *obj, void *ctx)
{
	size_t *n = ctx;

	if (((uintptr_t)obj & 7) != 0 || slab_cache_of(NULL) != NULL)
		atomic_fetch_add(&faults, 1);
	++*n;
	return 0;
}

static void iterate_under(struct slab_cache *c, size_t turns)
{
	pthread_t ids[3];
	void *kept[50];

	walked = c;
	atomic_store(&stop, false);
	fill(c, kept, 50);
	for (int i = 0; i < 50; i++)
		*(uint64_t *)kept[i] = 0xc0c0;
	for (int i = 0; i < 3; i++)
		cr_assert(pthread_create(&ids[i], NULL, churn, (void *)(uintptr_t)i) == 0);
	for (size_t i = 0; i < turns; i++) {
		size_t n = 0;

		cr_expect(slab_cache_for_each_object(c, look, &n) == 0);
		cr_expect(n >= 50, "only %zu of the 50 that are live", n);
		slab_cache_shrink(c);
		cr_expect(slab_cache_of(kept[i % 50]) == c);
	}
	atomic_store(&stop, true);
	for (int i = 0; i < 3; i++)
		pthread_join(ids[i], NULL);
	cr_expect(atomic_load(&faults) == 0, "constructed state was lost");
	cr_expect(figures(c).objects_live == 50);
	EXPECT_SUMS(c);
	drain(c, kept, 50);
	EXPECT_SUMS(c);
	cr_expect(slab_cache_destroy(c) == 0);
}

Test(readers, iteration_while_slabs_come_and_go)
{
	iterate_under(new_cache("walked", 200), scaled(3000, 20));
}

Test(readers, iteration_while_destructors_run)
{
	iterate_under(constructed(200), scaled(3000, 20));
}

/* Nobody is at rest: faults may be found, but nothing may break. */
static void quiet(const char *text, size_t len, void *ctx)
{
	(void)text, (void)len, (void)ctx;
}

Test(readers, verify_while_others_work)
{
	pthread_t ids[3];

	slab_set_reporter(quiet, NULL);
	walked = new_cache("verified", 200);
	atomic_store(&stop, false);
	for (int i = 0; i < 3; i++)
		cr_assert(pthread_create(&ids[i], NULL, churn, (void *)(uintptr_t)i) == 0);
	for (size_t i = 0; i < scaled(3000, 20); i++)
		cr_expect(slab_cache_verify(walked) >= 0);
	atomic_store(&stop, true);
	for (int i = 0; i < 3; i++)
		pthread_join(ids[i], NULL);
	slab_set_reporter(NULL, NULL);
	EXPECT_SUMS(walked);
	cr_expect(slab_cache_destroy(walked) == 0);
}

/* The callback may ask, allocate and free: it is told so. */
static int use_in_callback(struct slab_cache *c, void *ctx)
{
	struct slab_cache_stats st;
	void *obj = slab_cache_alloc(ctx);

	cr_assert(obj != NULL && slab_cache_stats(c, &st, sizeof st) == 0);
	slab_cache_free(ctx, obj);
	cr_expect(slab_cache_verify(c) == 0 && totals().caches == 3);
	return 0;
}

static void *call_back(void *arg)
{
	slab_for_each_cache(use_in_callback, arg); /* the first use of slots by this thread */
	return NULL;
}

Test(readers, the_callback_may_use_caches)
{
	struct slab_cache *c[3] = { new_cache("a", 64), constructed(200), new_cache("c", 3000) };
	pthread_t id;

	call_back(c[0]);
	call_back(c[1]);
	cr_assert(pthread_create(&id, NULL, call_back, c[2]) == 0);
	pthread_join(id, NULL);
	for (int i = 0; i < 3; i++)
		cr_expect(slab_cache_destroy(c[i]) == 0);
}
