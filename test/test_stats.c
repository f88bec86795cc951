/* test_stats.c - every figure of a cache and of the process, and the settings */
#include "test/unit.h"
#include "slab/page.h"
#include "slab/slot.h"

static struct slab_cache *c;

static void make(void)
{
	struct slab_cache_args args = { .align = 32, .flags = SLAB_PANIC };

	c = slab_cache_create("figures", 100, &args);
}

static void unmake(void)
{
	slab_page_fail_map_at = 0;
	figures_agree(c);
	end_cache(c);
}

TestSuite(stats, .init = make, .fini = unmake);

Test(stats, a_new_cache_is_empty)
{
	struct slab_cache_stats st = figures(c);
	uint64_t *field = &st.slabs;

	cr_assert_str_eq(st.name, "figures");
	cr_assert_gt(st.id, 0);
	cr_assert_eq(st.flags, SLAB_PANIC);
	cr_assert_eq(st.mode, 0);
	cr_assert_eq(st.object_bytes, 100);
	cr_assert_eq(st.stride_bytes, 128);
	cr_assert_eq(st.align_bytes, 32);
	cr_assert_eq(st.slab_bytes, 4096);
	cr_assert_eq(st.objects_per_slab, 31);
	for (; field < (uint64_t *)(&st + 1); field++) /* all from slabs on */
		cr_assert_eq(*field, 0);
}

Test(stats, every_step_is_counted_and_both_identities_hold)
{
	void *objs[400];

	for (uint64_t i = 0; i < 400; i++) {
		objs[i] = slab_cache_alloc(c);
		figures_agree(c);
		cr_assert_eq(figures(c).objects_live, i + 1);
		cr_assert_eq(figures(c).allocs, i + 1);
	}
	cr_assert_geq(figures(c).objects_peak, 400);
	for (uint64_t i = 0; i < 400; i++) {
		slab_cache_free(c, objs[i]);
		figures_agree(c);
		cr_assert_eq(figures(c).objects_live, 399 - i);
		cr_assert_eq(figures(c).frees, i + 1);
	}
	slab_thread_flush();
	figures_agree(c);
	cr_assert_geq(figures(c).objects_peak, 400);
	cr_assert_eq(figures(c).allocs, 400);
}

Test(stats, slabs_are_full_partial_or_gone)
{
	void *objs[4 * 31];
	struct slab_cache_stats st;

	cr_assert_eq(slab_cache_alloc_bulk(c, 4 * 31, objs), 4 * 31);
	slab_thread_flush();
	st = figures(c);
	cr_assert(st.slabs == 4 && st.slabs_full == 4 && st.objects_free == 0);
	cr_assert_eq(st.mapped_bytes, 4 * 4096);
	slab_cache_free(c, objs[0]);
	slab_thread_flush();
	st = figures(c);
	cr_assert(st.slabs_full == 3 && st.slabs_partial == 1 && st.objects_free == 1);
	slab_cache_free_bulk(c, 4 * 31 - 1, objs + 1);
	slab_cache_shrink(c);
	st = figures(c);
	cr_assert(st.slabs == 0 && st.slabs_empty == 0 && st.objects_capacity == 0);
	cr_assert_eq(st.returned_bytes, 4 * 4096);
}

Test(stats, parked_objects_are_cached_not_live)
{
	void *obj = slab_cache_alloc(c);
	uint64_t parked = figures(c).objects_cached;

	cr_assert_gt(parked, 0);
	slab_cache_free(c, obj);
	cr_assert_eq(figures(c).objects_cached, parked + 1);
	cr_assert_eq(slab_thread_flush(), (parked + 1) * 128);
	cr_assert_eq(figures(c).objects_cached, 0);
}

Test(stats, failures_are_counted)
{
	struct slab_cache *wide = new_cache("wide", 65536);

	slab_reap();
	slab_page_fail_map_at = -1;
	cr_assert_null(slab_cache_alloc(wide));
	cr_assert_null(slab_cache_zalloc(wide));
	slab_page_fail_map_at = 0;
	cr_assert_eq(figures(wide).alloc_failures, 2);
	cr_assert_eq(figures(wide).allocs, 0);
	end_cache(wide);
}

/* ---- programs that were compiled with another header ---- */

Test(stats, a_shorter_struct_is_filled_as_far_as_it_goes)
{
	struct slab_cache_stats st;

	memset(&st, 0xa5, sizeof st);
	cr_assert_eq(slab_cache_stats(c, &st, offsetof(struct slab_cache_stats, mode)), 0);
	cr_assert_str_eq(st.name, "figures");
	cr_assert_eq(st.flags, SLAB_PANIC);
	cr_assert_eq(st.mode, UINT64_C(0xa5a5a5a5a5a5a5a5));
	cr_assert_eq(slab_cache_stats(c, &st, 0), 0);
}

Test(stats, of_a_longer_struct_what_is_known_is_filled)
{
	struct {
		struct slab_cache_stats known;
		uint64_t more;
	} longer = { .more = 4711 };
	struct {
		struct slab_totals known;
		uint64_t more;
	} totals_longer = { .more = 4711 };

	cr_assert_eq(slab_cache_stats(c, &longer.known, sizeof longer), 0);
	cr_assert_eq(longer.known.object_bytes, 100);
	cr_assert_eq(longer.more, 4711);
	cr_assert_eq(slab_totals(&totals_longer.known, sizeof totals_longer), 0);
	cr_assert_geq(totals_longer.known.caches, 1);
	cr_assert_eq(totals_longer.more, 4711);
}

Test(stats, without_a_cache_or_a_place_it_is_einval)
{
	struct slab_cache_stats st;

	errno = 0;
	cr_assert_eq(slab_cache_stats(NULL, &st, sizeof st), -1);
	cr_assert_eq(errno, EINVAL);
	errno = 0;
	cr_assert_eq(slab_cache_stats(c, NULL, sizeof st), -1);
	cr_assert_eq(errno, EINVAL);
	errno = 0;
	cr_assert_eq(slab_totals(NULL, 8), -1);
	cr_assert_eq(errno, EINVAL);
}

/* ---- the process ---- */

Test(stats, totals_follow_what_happens)
{
	struct slab_totals before = totals(), after;
	struct slab_cache *more = new_cache("more", 4096);
	void *objs[64];

	cr_assert_eq(slab_cache_alloc_bulk(more, 64, objs), 64);
	after = totals();
	cr_assert_eq(after.caches, before.caches + 1);
	cr_assert_geq(after.mapped_bytes, figures(more).mapped_bytes);
	cr_assert_gt(after.metadata_bytes, 0);
	cr_assert_geq(after.threads, 1);
	cr_assert_geq(after.reserve_bytes, (size_t)512 << 10);
	slab_cache_free_bulk(more, 64, objs);
	end_cache(more);
	slab_reap();
	cr_assert_eq(totals().caches, before.caches);
	cr_assert_leq(totals().mapped_bytes, before.mapped_bytes);
}

struct seen {
	struct slab_cache *caches[100];
	int n, stop_at;
	uint64_t live;
};

static int see(struct slab_cache *cache, void *ctx)
{
	struct seen *seen = ctx;

	seen->caches[seen->n++ % 100] = cache;
	return seen->n == seen->stop_at ? 42 : 0;
}

Test(stats, every_cache_is_shown_in_order_until_told_to_stop)
{
	struct slab_cache *last = new_cache("last", 8);
	struct seen seen = { .n = 0 };

	cr_assert_eq(slab_for_each_cache(see, &seen), 0);
	cr_assert_eq((uint64_t)seen.n, totals().caches);
	cr_assert_eq(seen.caches[seen.n - 1], last);
	cr_assert_eq(seen.caches[seen.n - 2], c);
	seen = (struct seen){ .stop_at = 1 };
	cr_assert_eq(slab_for_each_cache(see, &seen), 42);
	cr_assert_eq(seen.n, 1);
	end_cache(last);
}

/* Everything but create and destroy is allowed there: figures first of all. */
static int use(struct slab_cache *cache, void *ctx)
{
	struct seen *seen = ctx;
	struct slab_cache_stats st;
	struct slab_totals t;
	void *obj;

	if (cache != c)
		return 0;
	obj = slab_cache_alloc(cache);
	seen->n = obj != NULL && slab_cache_of(obj) == cache;
	seen->n += slab_cache_stats(cache, &st, sizeof st) == 0;
	seen->n += slab_totals(&t, sizeof t) == 0;
	seen->live = st.objects_live;
	slab_cache_free(cache, obj);
	seen->n += slab_cache_verify(cache) == 0;
	slab_cache_shrink(cache);
	return 0;
}

static void use_each(void *arg)
{
	struct seen seen = { .n = 0 };

	(void)arg;
	alarm(10);
	slab_for_each_cache(use, &seen);
	_exit(seen.n == 4 && seen.live == 1 ? 0 : 1);
}

Test(stats, a_cache_that_is_shown_may_be_used)
{
	struct ending e = child_runs(use_each, NULL);

	cr_assert_neq(e.signal, SIGALRM, "it waits for itself");
	cr_assert(e.signal == 0 && e.status == 0);
}

/* ---- settings ---- */

Test(stats, settings_that_are_unknown_are_refused)
{
	errno = 0;
	cr_assert_eq(slab_set((enum slab_option)0, 1), -1);
	cr_assert_eq(errno, EINVAL);
	errno = 0;
	cr_assert_eq(slab_set((enum slab_option)99, 1), -1);
	cr_assert_eq(errno, EINVAL);
	errno = 0;
	cr_assert_eq(slab_set(SLAB_HUGEPAGES, 2), -1);
	cr_assert_eq(errno, EINVAL);
}

Test(stats, settings_are_kept)
{
	struct slab_reserve was = slab_root.reserve;

	errno = 77;
	cr_assert_eq(slab_set(SLAB_RESERVE_BYTES, (size_t)3 << 20), 0);
	cr_assert_eq(slab_root.reserve.reserve_bytes, (size_t)3 << 20);
	cr_assert_eq(slab_set(SLAB_THREAD_BYTES, 12345678), 0);
	cr_assert_eq(slab_root.thread_bytes, 12345678);
	cr_assert_eq(slab_set(SLAB_HUGEPAGES, 1), 0);
	cr_assert_eq(slab_root.hugepages, 1);
	cr_assert_eq(errno, 77);
	slab_set(SLAB_HUGEPAGES, 0);
	slab_set(SLAB_THREAD_BYTES, (size_t)1 << 20);
	slab_root.reserve.reserve_bytes = was.reserve_bytes;
	slab_root.reserve.min_bytes = was.min_bytes;
	slab_root.reserve.max_bytes = was.max_bytes;
}

/* Others change what is read one after the other. */
Test(stats, no_figure_is_below_zero)
{
	struct slab_cache *moving = new_cache("moving", 64);
	void *obj = slab_cache_alloc(moving);
	uint64_t used = moving->slabs.used, full = moving->slabs.full;
	struct slab__slot *slot = my_slot(moving);
	struct slab_cache_stats st;

	moving->slabs.used = 1000;
	moving->slabs.full = 1000;
	if (slot != NULL)
		slot->net += 1000;
	st = figures(moving);
	moving->slabs.used = used;
	moving->slabs.full = full;
	if (slot != NULL)
		slot->net -= 1000;
	cr_expect_eq(st.objects_free, 0);
	cr_expect_eq(st.slabs_partial, 0);
	cr_expect_eq(st.frees, 0);
	slab_cache_free(moving, obj);
	end_cache(moving);
}

Test(stats, allocs_leave_a_slot_before_they_overflow_there)
{
	struct slab__slot *s = my_slot(c);
	uint64_t many = (uint64_t)1 << 47; /* none of them freed */
	static void *objs[300];

	cr_assert_eq(slab_cache_alloc_bulk(c, 300, objs), 300);
	s->word += many << SLAB__COUNT_BITS;
	s->net += (int64_t)many;
	slab_cache_free_bulk(c, 300, objs);
	cr_assert_lt(s->word >> SLAB__COUNT_BITS, 1000);
	cr_assert_eq(figures(c).allocs, many + 300);
	cr_assert_eq(figures(c).frees, 300);
	slab_write(&c->slabs.retired_net, c->slabs.retired_net - (int64_t)many); /* as if freed */
}
