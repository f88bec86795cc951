/*
 * test_threads.c - many threads on the same caches: no object twice, none lost, memory bounded
 *
 * Every object in use carries a stamp that only its owner knows; an object served twice shows as a
 * stamp overwritten. Figures are compared at rest.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "test/figures.h"

TestSuite(threads, .timeout = 120);

static atomic_uint_fast64_t next_stamp = 1, faults;

static void stamp(void *obj, size_t size, uint64_t value)
{
	uint64_t *words = obj;

	words[0] = value;
	words[size / 8 - 1] = ~value;
}

/* Whether obj still carries the stamp that the first word names. */
static bool stamped(const void *obj, size_t size)
{
	const uint64_t *words = obj;

	return words[size / 8 - 1] == ~words[0];
}

static void at_rest(struct slab_cache *c, uint64_t live)
{
	cr_expect(figures(c).objects_live == live, "%lu live, should be %lu",
	          (unsigned long)figures(c).objects_live, (unsigned long)live);
	EXPECT_SUMS(c);
}

/* ---- producers, and a consumer that never allocates ---- */

#define RING 4096

static struct ring {
	pthread_mutex_t lock;
	void *objs[RING];
	size_t head, tail;
	bool done;
} ring = { .lock = PTHREAD_MUTEX_INITIALIZER };

static size_t ring_move(void **objs, size_t n, bool put)
{
	size_t moved = 0;

	pthread_mutex_lock(&ring.lock);
	while (moved < n && (put ? ring.head - ring.tail < RING : ring.head != ring.tail)) {
		if (put)
			ring.objs[ring.head++ % RING] = objs[moved++];
		else
			objs[moved++] = ring.objs[ring.tail++ % RING];
	}
	pthread_mutex_unlock(&ring.lock);
	return moved;
}

static struct slab_cache *relay;
static size_t relay_rounds, relay_peak;

static void *produce(void *arg)
{
	void *objs[50];

	(void)arg;
	for (size_t round = 0; round < relay_rounds; round++) {
		size_t moved = 0;

		for (int i = 0; i < 50; i++) {
			objs[i] = slab_cache_alloc(relay);
			if (objs[i] == NULL)
				abort();
			stamp(objs[i], 256, atomic_fetch_add(&next_stamp, 1));
		}
		while ((moved += ring_move(objs + moved, 50 - moved, true)) < 50)
			sched_yield();
	}
	return NULL;
}

static void *consume(void *arg)
{
	void *objs[64];
	size_t n, turn = 0;

	(void)arg;
	for (;;) {
		bool done = __atomic_load_n(&ring.done, __ATOMIC_ACQUIRE); /* then look */

		n = ring_move(objs, 64, false);
		for (size_t i = 0; i < n; i++) { /* its first call is a free, and so are all */
			if (!stamped(objs[i], 256))
				atomic_fetch_add(&faults, 1);
			stamp(objs[i], 256, 0);
			slab_cache_free(relay, objs[i]);
		}
		if (++turn % 64 == 0 && !is_watched()) {
			size_t rss = rss_bytes();

			relay_peak = rss > relay_peak ? rss : relay_peak;
		}
		if (n == 0 && done)
			return NULL;
		if (n == 0)
			sched_yield();
	}
}

static void relay_with(int producers)
{
	size_t kept = 20000, before, live; /* a fixed live set, and what is in the ring */
	void **objs = own_pages(kept * sizeof *objs);
	pthread_t ids[4], consumer;
	struct slab_totals t;

	relay = new_cache("relay", 256);
	relay_rounds = scaled(6000000, 4000) / 50 / (size_t)producers;
	relay_peak = 0;
	ring.done = false;
	before = rss_bytes();
	fill(relay, objs, kept);
	live = (kept + RING) * 256;
	cr_assert(pthread_create(&consumer, NULL, consume, NULL) == 0);
	for (int i = 0; i < producers; i++)
		cr_assert(pthread_create(&ids[i], NULL, produce, NULL) == 0);
	for (int i = 0; i < producers; i++)
		pthread_join(ids[i], NULL);
	__atomic_store_n(&ring.done, true, __ATOMIC_RELEASE);
	pthread_join(consumer, NULL);
	t = totals();
	if (!is_watched()) /* the peak: what the magazines of every thread may pin counts, too */
		cr_expect(relay_peak - before <= live * 3 / 2 + t.reserve_bytes +
		                                     ((size_t)producers + 1) * MIB,
		          "%zu KiB resident at the peak for %zu KiB live",
		          (relay_peak - before) / KIB, live / KIB);
	cr_log_info("%d producers: %zu KiB at the peak for %zu KiB live", producers,
	            (relay_peak - before) / KIB, live / KIB);
	cr_expect(atomic_load(&faults) == 0, "objects were overwritten");
	at_rest(relay, kept);
	drain(relay, objs, kept);
	at_rest(relay, 0);
	cr_expect(slab_cache_destroy(relay) == 0);
	munmap(objs, kept * sizeof *objs);
}

Test(threads, a_consumer_that_never_allocates) { relay_with(1); }
Test(threads, a_consumer_of_four_producers) { relay_with(4); }

/* ---- everybody allocates and frees, on a few caches ---- */

#define CACHES 4
static struct slab_cache *caches[CACHES];
static const size_t sizes[CACHES] = { 32, 120, 512, 3000 };
static size_t churn_rounds;

static void *churn(void *arg)
{
	uint64_t state = (uintptr_t)arg * 7919 + 1;
	struct {
		void *obj;
		uint64_t stamp;
		int k;
	} held[300] = { 0 };

	for (size_t round = 0; round < churn_rounds; round++) {
		size_t at = next_random(&state) % 300;
		int k = (int)(next_random(&state) % CACHES);

		if (held[at].obj != NULL) {
			const uint64_t *words = held[at].obj;

			if (words[0] != held[at].stamp || !stamped(words, sizes[held[at].k]))
				atomic_fetch_add(&faults, 1);
			slab_cache_free(caches[held[at].k], held[at].obj);
			held[at].obj = NULL;
			continue;
		}
		held[at].k = k;
		held[at].stamp = state;
		held[at].obj = slab_cache_alloc(caches[k]);
		if (held[at].obj == NULL)
			abort();
		stamp(held[at].obj, sizes[k], state);
		if (state >> 54 == 0)
			slab_cache_shrink(caches[k]);
		else if (state >> 54 == 1)
			slab_thread_flush();
		else if (state >> 52 == 1)
			slab_reap();
	}
	for (int i = 0; i < 300; i++)
		if (held[i].obj != NULL)
			slab_cache_free(caches[held[i].k], held[i].obj);
	return NULL;
}

static void churn_with(int threads, size_t rounds)
{
	pthread_t ids[8];

	churn_rounds = rounds;
	for (int k = 0; k < CACHES; k++)
		caches[k] = new_cache("churn", sizes[k]);
	for (int i = 0; i < threads; i++)
		cr_assert(pthread_create(&ids[i], NULL, churn, (void *)(uintptr_t)(i + 1)) == 0);
	for (int i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	cr_expect(atomic_load(&faults) == 0, "objects were overwritten");
	for (int k = 0; k < CACHES; k++) {
		at_rest(caches[k], 0);
		cr_expect(slab_cache_destroy(caches[k]) == 0);
	}
}

Test(threads, two_churn) { churn_with(2, scaled(5000000, 20000)); }
Test(threads, eight_churn) { churn_with(8, scaled(1500000, 4000)); }

/* ---- larson: short-lived threads hand objects on ---- */

#define LANES 4
#define LANE_OBJS 100
static void *lanes[LANES][LANE_OBJS];

static void *one_life(void *arg)
{
	void **objs = arg;

	for (int i = 0; i < LANE_OBJS; i++) { /* frees what the last one left, leaves new ones */
		if (objs[i] != NULL) {
			if (!stamped(objs[i], 120))
				atomic_fetch_add(&faults, 1);
			slab_cache_free(caches[1], objs[i]);
		}
		objs[i] = slab_cache_alloc(caches[1]);
		if (objs[i] == NULL)
			abort();
		stamp(objs[i], 120, atomic_fetch_add(&next_stamp, 1));
	}
	return NULL;
}

Test(threads, ten_thousand_short_lives)
{
	size_t lives = scaled(10000, 200) / LANES, meta = 0;
	pthread_t ids[LANES];

	caches[1] = new_cache("larson", 120);
	for (size_t life = 0; life < lives; life++) {
		for (int lane = 0; lane < LANES; lane++)
			cr_assert(pthread_create(&ids[lane], NULL, one_life, lanes[lane]) == 0);
		for (int lane = 0; lane < LANES; lane++)
			pthread_join(ids[lane], NULL);
		if (life == lives / 10)
			meta = totals().metadata_bytes;
	}
	cr_expect(atomic_load(&faults) == 0, "objects were overwritten");
	cr_expect(totals().threads <= 1, "%zu threads have left their slots",
	          (size_t)totals().threads);
	cr_expect(totals().metadata_bytes <= meta + 64 * KIB, "metadata grows with ended threads");
	at_rest(caches[1], LANES * LANE_OBJS);
	slab_cache_shrink(caches[1]);
	cr_expect(figures(caches[1]).objects_cached == 0, "an ended thread has kept objects");
	for (int lane = 0; lane < LANES; lane++) {
		drain(caches[1], lanes[lane], LANE_OBJS);
		memset(lanes[lane], 0, sizeof lanes[lane]);
	}
	at_rest(caches[1], 0);
	cr_expect(slab_cache_destroy(caches[1]) == 0);
}
