/* test_reserve.c - how much may be kept: the ceiling, a thread's share, settling, adapting */
#include "test/unit.h"
#include "slab/page.h"
#include "slab/reserve.h"
#include "slab/return.h"
#include "slab/span.h"
#include "slab/take.h"

#define KIB  ((size_t)1024)
#define MIB  ((size_t)1048576)
#define PAGE ((size_t)4096)
#define MANY 1024 /* slabs: 4 MiB */

static struct slab_reserve before;
static struct slab_cache *c;
static struct slab *slabs[MANY];

static void make(void)
{
	slab_reap();
	before = slab_root.reserve;
	slab_root.reserve.gone_bytes = slab_root.reserve.paid_bytes = 0;
	c = new_cache("reserved", 64);
}

static void unmake(void)
{
	slab_reap();
	end_cache(c);
	slab_root.reserve.reserve_bytes = before.reserve_bytes;
	slab_root.reserve.min_bytes = before.min_bytes;
	slab_root.reserve.max_bytes = before.max_bytes;
	slab_root.reserve.max_share = before.max_share;
	cr_assert_eq(slab_set(SLAB_THREAD_BYTES, MIB), 0);
}

TestSuite(reserve, .init = make, .fini = unmake);

static void take(int n)
{
	for (int i = 0; i < n; i++)
		cr_assert_not_null(slabs[i] = slab_span_take(c));
}

static void put(int n)
{
	for (int i = 0; i < n; i++)
		slab_span_put(c, slabs[i]);
}

static size_t settle(void)
{
	struct slab_thread *t = slab_thread_lock();
	size_t bytes = slab_reserve_settle(t);

	slab_thread_unlock(t);
	return bytes;
}

Test(reserve, the_ceiling_is_the_reserve_or_a_sixteenth_of_what_is_in_use)
{
	cr_assert_eq(slab_set(SLAB_RESERVE_BYTES, 100 * KIB), 0);
	cr_assert_eq(slab_reserve_ceiling(), 100 * KIB);
	take(MANY);
	cr_assert_eq(slab_reserve_ceiling(), slab_root.reserve.held_bytes / 16);
	cr_assert_geq(slab_reserve_ceiling(), MANY * PAGE / 16);
	cr_assert_eq(totals().reserve_bytes, slab_reserve_ceiling());
	put(MANY);
	cr_assert_eq(slab_reserve_ceiling(), 100 * KIB);
}

Test(reserve, a_thread_may_pin_half_of_it_but_no_more_than_is_set)
{
	cr_assert_eq(slab_set(SLAB_RESERVE_BYTES, 8 * MIB), 0);
	cr_assert_eq(slab_reserve_thread_budget(), MIB);
	cr_assert_eq(slab_set(SLAB_RESERVE_BYTES, MIB), 0);
	cr_assert_eq(slab_reserve_thread_budget(), MIB / 2);
	cr_assert_eq(slab_set(SLAB_THREAD_BYTES, 64 * KIB), 0);
	cr_assert_eq(slab_reserve_thread_budget(), 64 * KIB);
}

Test(reserve, settling_gives_back_what_is_above)
{
	cr_assert_eq(slab_set(SLAB_RESERVE_BYTES, MIB), 0);
	take(MANY);
	put(MANY);
	cr_assert_eq(slab_root.reserve.warm_bytes, MANY * PAGE);
	cr_assert_geq(settle(), MANY * PAGE - MIB);
	cr_assert_leq(slab_root.reserve.warm_bytes, MIB);
	cr_assert_eq(settle(), 0);
}

Test(reserve, a_smaller_figure_takes_effect_at_once)
{
	cr_assert_eq(slab_set(SLAB_RESERVE_BYTES, 8 * MIB), 0);
	take(MANY);
	put(MANY);
	cr_assert_eq(settle(), 0);
	cr_assert_eq(slab_set(SLAB_RESERVE_BYTES, 0), 0);
	cr_assert_eq(slab_root.reserve.warm_bytes, 0);
}

Test(reserve, what_is_parked_counts_against_what_is_warm)
{
	uint64_t pinned = slab_root.depot_pin_bytes;

	cr_assert_eq(slab_set(SLAB_RESERVE_BYTES, 8 * MIB), 0);
	take(MANY);
	put(MANY);
	slab_root.depot_pin_bytes = 7 * MIB;
	cr_assert_gt(settle(), 0);
	cr_assert_leq(slab_root.reserve.warm_bytes, 2 * MIB); /* a quarter of the ceiling stays */
	slab_root.depot_pin_bytes = pinned;
}

Test(reserve, as_malloc_warm_slabs_have_three_quarters_in_any_case)
{
	uint64_t pinned = slab_root.depot_pin_bytes;

	cr_assert_eq(slab_set(SLAB_RESERVE_BYTES, 4 * MIB), 0);
	slab_root.reserve.warm_quarters = 3;
	take(MANY);
	slab_root.depot_pin_bytes = 4 * MIB;
	put(MANY);
	settle();
	cr_assert_leq(slab_root.reserve.warm_bytes, 3 * MIB);
	cr_assert_gt(slab_root.reserve.warm_bytes, 1 * MIB); /* spans go whole */
	slab_root.reserve.warm_quarters = before.warm_quarters;
	settle();
	cr_assert_leq(slab_root.reserve.warm_bytes, 1 * MIB);
	slab_root.depot_pin_bytes = pinned;
}

Test(reserve, depots_may_pin_three_quarters_of_the_ceiling)
{
	struct slab_thread *t = slab_thread_lock();
	uint64_t pinned = slab_root.depot_pin_bytes;

	slab_thread_unlock(t);
	cr_assert_eq(slab_set(SLAB_RESERVE_BYTES, MIB), 0);
	slab_write(&c->slabs.slabs, 1000);
	slab_write(&c->slabs.thin, 1000); /* each object may be the only one in its slab */
	cr_assert(slab_reserve_may_park(t, c, 0, 64)); /* so 64 slabs: 256 KiB */
	cr_assert_not(slab_reserve_may_park(t, c, 0, 256));
	slab_root.depot_pin_bytes = MIB / 2 + 64 * KIB;
	cr_assert_not(slab_reserve_may_park(t, c, 0, 64));
	slab_write(&c->slabs.slabs, 2); /* a cache pins no more than its slabs */
	cr_assert(slab_reserve_may_park(t, c, 0, 256));
	cr_assert_not(slab_reserve_is_pinned(t, c, 0));
	slab_root.depot_pin_bytes = 2 * MIB;
	cr_assert(slab_reserve_is_pinned(t, c, 0));
	slab_root.depot_pin_bytes = pinned;
	slab_write(&c->slabs.slabs, 0);
	slab_write(&c->slabs.thin, 0);
}

Test(reserve, what_slot_and_depot_both_may_pin_of_a_cache_counts_once)
{
	struct slab_thread *t = slab_thread_lock();
	size_t held = MIB / 4 * 3, own = MIB / 2, pinned = slab_root.depot_pin_bytes;

	slab_thread_unlock(t);
	cr_assert_eq(slab_set(SLAB_RESERVE_BYTES, MIB), 0);
	slab_write(&c->slabs.slabs, held / c->geo.slab_bytes);
	slab_write(&c->depot.pin_bytes, held);
	slab_root.depot_pin_bytes += held;
	t->fill_pin_bytes += own;
	cr_assert_not(slab_reserve_is_pinned(t, c, own)); /* all of it is under the ceiling */
	cr_assert(slab_reserve_is_pinned(t, c, 0));       /* the slot of another cache */
	t->fill_pin_bytes -= own;
	slab_root.depot_pin_bytes = pinned;
	slab_write(&c->depot.pin_bytes, 0);
	slab_write(&c->slabs.slabs, 0);
}

/* Takes and puts 4 MiB, keeping nothing: what comes back has to be faulted in. */
static void swing(void)
{
	take(MANY);
	put(MANY);
	slab_return_excess(0);
}

Test(reserve, grows_when_what_went_back_is_wanted_again)
{
	struct slab_reserve *r = &slab_root.reserve;

	r->min_bytes = r->reserve_bytes = 512 * KIB;
	r->max_bytes = 4 * MIB;
	swing();
	take(MANY / 4);
	cr_assert_geq(r->reserve_bytes, MIB);
	cr_assert_leq(r->reserve_bytes, 4 * MIB);
	put(MANY / 4);
}

/* As malloc: a program that swings may keep more, but not about as much as it has in use. */
Test(reserve, grows_to_a_part_of_what_is_in_use)
{
	struct slab_reserve *r = &slab_root.reserve;

	r->min_bytes = r->reserve_bytes = 256 * KIB;
	r->max_bytes = 4 * MIB;
	r->max_share = 8;
	for (int i = 0; i < 5; i++) {
		r->paid_bytes = 0; /* see below */
		swing();
		take(MANY);
		put(MANY);
	}
	cr_assert_gt(r->reserve_bytes, 256 * KIB);
	cr_assert_leq(r->reserve_bytes, MANY * PAGE / 8 + 64 * KIB);
}

/* As malloc: more than that part, once as much has come again as 32 times the least. */
Test(reserve, a_program_that_swings_for_long_may_keep_more)
{
	struct slab_reserve *r = &slab_root.reserve;
	size_t swings = 0;

	r->min_bytes = r->reserve_bytes = 256 * KIB;
	r->max_bytes = MIB;
	for (int i = 0; i < 50; i++) /* as a library it grows and shrinks as before */
		swing();
	cr_assert_eq(r->min_bytes, 256 * KIB);
	cr_assert_leq(r->gone_bytes, MANY * PAGE); /* not the sum of all that ever went */
	r->max_share = 8;
	while (r->min_bytes == 256 * KIB && swings++ < 100)
		swing();
	cr_assert_eq(r->min_bytes, 512 * KIB);
	cr_assert_geq(swings, 32 * 256 * KIB / (MANY * PAGE));
	cr_assert_geq(r->reserve_bytes, 512 * KIB);
	for (int i = 0; i < 100; i++)
		swing();
	cr_assert_eq(r->min_bytes, MIB);
	cr_assert_eq(r->reserve_bytes, MIB);
}

Test(reserve, shrinks_to_its_least_when_nothing_is_wanted_again)
{
	struct slab_reserve *r = &slab_root.reserve;

	r->min_bytes = 512 * KIB;
	r->reserve_bytes = r->max_bytes = MIB;
	for (int i = 0; i < 3; i++) {
		take(MANY);
		put(MANY);
		r->returned_bytes = 8 * MIB; /* so much has gone back, and none was wanted again */
		slab_return_excess(0);
		cr_assert_eq(r->reserve_bytes, 512 * KIB);
	}
}

Test(reserve, a_figure_that_is_set_does_not_adapt)
{
	cr_assert_eq(slab_set(SLAB_RESERVE_BYTES, 300 * KIB), 0);
	for (int i = 0; i < 5; i++)
		swing();
	cr_assert_eq(slab_root.reserve.reserve_bytes, 300 * KIB);
}

/* Slabs that are taken again make it larger, but there is no more than this. */
Test(reserve, the_largest_does_not_wrap)
{
	struct slab_reserve *r = &slab_root.reserve;
	size_t largest = (size_t)1 << 63;
	struct slab_cache *huge = new_cache("huge", 64);
	void *objs[2000];

	cr_assert_eq(slab_set(SLAB_RESERVE_BYTES, largest), 0);
	for (int round = 0; round < 2; round++) {
		cr_assert_eq(slab_cache_alloc_bulk(huge, 2000, objs), 2000);
		slab_cache_free_bulk(huge, 2000, objs);
		slab_thread_flush();
		r->idle_bytes = r->warm_bytes;
	}
	cr_assert_eq(r->reserve_bytes, largest);
	end_cache(huge);
}
