/* test_slot.c - one thread's slots: open, trim, close, what they may pin, counters that survive */
#include "test/unit.h"
#include "slab/bitmap.h"
#include "slab/depot.h"
#include "slab/list.h"
#include "slab/meta.h"
#include "slab/release.h"
#include "slab/reserve.h"
#include "slab/slablist.h"
#include "slab/slot.h"

#define CACHES 40

static struct slab_cache *c;
static struct slab_list empties;

static void make(void)
{
	slab_list_init(&empties);
	c = new_cache("slots", 128);
}

static void unmake(void)
{
	struct slab_thread *t = slab_thread_lock();

	slab_release(t, &empties);
	slab_thread_unlock(t);
	end_cache(c);
	slab_set(SLAB_THREAD_BYTES, (size_t)1 << 20);
	slab_root.reserve.reserve_bytes = slab_root.reserve.min_bytes = (size_t)512 << 10;
	slab_root.reserve.max_bytes = (size_t)4 << 20;
}

TestSuite(slot, .init = make, .fini = unmake);

/* Takes n objects and gives them back: they are parked, if magazines hold so many. */
static void park(struct slab_cache *cache, size_t n)
{
	void *objs[512];

	cr_assert_eq(slab_cache_alloc_bulk(cache, n, objs), n);
	slab_cache_free_bulk(cache, n, objs);
}

Test(slot, reads_as_zeroes_until_it_is_opened)
{
	struct slab__slot *s = my_slot(c);

	cr_assert_eq(s->word, 0);
	cr_assert_eq(s->cap, 0);
	cr_assert_null(s->objs);
	cr_assert_eq(slab__slot_of(c), s);
}

Test(slot, opening_says_whose_it_is)
{
	struct slab__slot *s = my_slot(c);
	struct slab_thread *t;

	park(c, 1);
	t = slab_thread_lock();
	cr_assert_eq(s->cookie, (uintptr_t)c ^ (uintptr_t)slab_root.secret);
	cr_assert_eq(s->seq % 2, 0);
	cr_assert(slab_bit_test(t->touched, (uint32_t)(c->slot_bytes / sizeof *s / 64)));
	slab_thread_unlock(t);
}

Test(slot, one_freed_object_stays_outside_of_the_magazine)
{
	struct slab__slot *s = my_slot(c);
	void *first = slab_cache_alloc(c), *second = slab_cache_alloc(c);
	uint32_t count = slab_slot_count(s);

	cr_assert_eq(s->hot, SLAB__VACANT);
	slab_cache_free(c, first);
	cr_assert_eq(s->hot, (uintptr_t)first);
	cr_assert_eq(slab_slot_count(s), count);
	slab_cache_free(c, second);
	cr_assert_eq(slab_slot_count(s), count + 1);
	cr_assert_eq(slab_slot_parked(s), count + 2);
	cr_assert_eq(slab_cache_alloc(c), first);
	cr_assert_eq(s->hot, SLAB__VACANT);
	cr_assert_eq(slab_cache_alloc(c), second);
	slab_cache_free(c, first);
	slab_cache_free(c, second);
	figures_agree(c);
}

Test(slot, sixty_four_slots_are_a_page)
{
	cr_assert_eq(sizeof(struct slab__slot) * SLAB_SLOTS_PER_PAGE, 4096);
	cr_assert_neq(c->slot_bytes, 0); /* slot 0 is nobody's */
}

Test(slot, trimming_keeps_the_newest)
{
	struct slab__slot *s = my_slot(c);
	struct slab_thread *t;
	void *top;

	park(c, 10);
	t = slab_thread_lock();
	top = s->objs[slab_slot_count(s) - 1];
	slab_slot_trim(c, s, 3, &empties);
	cr_assert_eq(slab_slot_count(s), 3);
	cr_assert_eq(s->objs[2], top);
	slab_slot_trim(c, s, 3, &empties);
	cr_assert_eq(slab_slot_count(s), 3);
	slab_thread_unlock(t);
	cr_assert_eq(figures(c).objects_cached, slab_slot_parked(s));
	figures_agree(c);
}

Test(slot, closing_empties_both_magazines_and_keeps_the_counters)
{
	struct slab__slot *s = my_slot(c);
	struct slab_thread *t;
	size_t pinned, parked;

	park(c, 500);
	cr_assert_not_null(s->prev);
	t = slab_thread_lock();
	pinned = slab_slot_pin_bytes(s);
	parked = slab_slot_parked(s);
	cr_assert_gt(pinned, 0);
	pinned = t->pin_bytes - pinned;
	cr_assert_eq(slab_slot_close(t, c, s, &empties), parked);
	cr_assert_eq(slab_slot_close(t, c, s, &empties), 0);
	cr_assert_eq(t->pin_bytes, pinned);
	slab_thread_unlock(t);
	cr_assert_null(s->objs);
	cr_assert_null(s->prev);
	cr_assert_eq(s->cap, 0);
	cr_assert_eq(s->hot, 0);
	cr_assert_eq(figures(c).allocs, 500);
	cr_assert_eq(figures(c).frees, 500);
	figures_agree(c);
}

Test(slot, retiring_moves_the_counters_to_the_cache)
{
	struct slab__slot *s = my_slot(c);
	struct slab_thread *t;
	void *obj;

	park(c, 20);
	obj = slab_cache_alloc(c);
	t = slab_thread_lock();
	slab_slot_flush(t, c, &empties);
	slab_slot_retire(t, c);
	slab_thread_unlock(t);
	cr_assert_eq(s->word, 0);
	cr_assert_eq(s->cookie, 0);
	cr_assert_eq(c->slabs.retired_allocs, 21);
	cr_assert_eq(c->slabs.retired_net, 1);
	figures_agree(c);
	slab_cache_free(c, obj);
}

/* Each slot is charged with what it can pin at worst, and together they stay within the budget. */
Test(slot, all_slots_together_stay_within_the_budget)
{
	struct slab_cache *many[CACHES];
	void *objs[256];
	struct slab_thread *t;
	size_t pinned = 0;

	cr_assert_eq(slab_set(SLAB_THREAD_BYTES, (size_t)256 << 10), 0);
	for (int i = 0; i < CACHES; i++)
		many[i] = new_cache("many", 512);
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < CACHES; i++) {
			cr_assert_eq(slab_cache_alloc_bulk(many[i], 256, objs), 256);
			slab_cache_free_bulk(many[i], 256, objs);
		}
		t = slab_thread_lock();
		cr_assert_leq(t->pin_bytes, slab_reserve_thread_budget());
		slab_thread_unlock(t);
	}
	t = slab_thread_lock();
	for (int i = 0; i < CACHES; i++)
		pinned += slab_slot_pin_bytes(slab_slot(t, many[i]));
	cr_assert_leq(pinned, t->pin_bytes);
	slab_thread_unlock(t);
	for (int i = 0; i < CACHES; i++) {
		figures_agree(many[i]);
		end_cache(many[i]);
	}
}

/* What is parked of full slabs pins next to nothing; of sparse ones a slab for each object. */
Test(slot, magazines_are_larger_while_the_slabs_are_full)
{
	static void *objs[400 * 31];
	struct slab__slot *s = my_slot(c);
	size_t n = sizeof objs / sizeof *objs, budget;
	struct slab_thread *t;

	cr_assert_eq(slab_set(SLAB_RESERVE_BYTES, (size_t)256 << 10), 0);
	budget = slab_reserve_thread_budget();
	cr_assert_eq(slab_cache_alloc_bulk(c, n, objs), n);
	park(c, 300);
	cr_assert_gt(s->cap, 64);
	cr_assert_gt(slab_slot_pin_bytes(s), 2 * budget);
	t = slab_thread_lock();
	cr_assert_leq(t->fill_pin_bytes, budget);
	cr_assert_leq(t->pin_bytes, slab_root.thread_bytes);
	slab_thread_unlock(t);
	for (size_t i = 0; i < n; i++)
		if (i % 31 != 0)
			slab_cache_free(c, objs[i]);
	cr_assert_leq(s->cap, budget / 4096 / 2);
	cr_assert_eq(slab_slot_fill_pin_bytes(s), slab_slot_pin_bytes(s));
	for (size_t i = 0; i < n; i += 31)
		slab_cache_free(c, objs[i]);
	slab_thread_flush();
	cr_assert_eq(my_slot(c)->pin_4k + my_slot(c)->fill_pin_4k, 0);
	figures_agree(c);
}

/* Who comes first leaves some of the budget. */
Test(slot, every_busy_cache_has_a_magazine)
{
	static void *objs[8][100 * 63], *more[8][300];
	struct slab_cache *many[8];

	for (int i = 0; i < 8; i++) {
		many[i] = new_cache("busy", 64);
		cr_assert_eq(slab_cache_alloc_bulk(many[i], 100 * 63, objs[i]), 100 * 63);
	}
	for (int round = 0; round < 20; round++) {
		for (int k = 0; k < 8 * 300; k++)
			more[k % 8][k / 8] = slab_cache_alloc(many[k % 8]);
		for (int k = 0; k < 8 * 300; k++)
			slab_cache_free(many[k % 8], more[k % 8][k / 8]);
	}
	for (int i = 0; i < 8; i++)
		cr_expect(my_slot(many[i])->cap >= 4, "cache %d has %u", i, my_slot(many[i])->cap);
	for (int i = 0; i < 8; i++) {
		slab_cache_free_bulk(many[i], 100 * 63, objs[i]);
		end_cache(many[i]);
	}
}

/* Free objects are everywhere, and a magazine of each cache together is about the budget. */
Test(slot, dozens_of_busy_caches_all_have_magazines)
{
	static void *objs[CACHES][500];
	struct slab_cache *many[CACHES];
	uint64_t direct = 0;
	uint32_t random = 1;

	for (int i = 0; i < CACHES; i++)
		many[i] = new_cache("many", 16 + 8 * (size_t)i);
	for (int k = 0; k < 300000; k++) {
		uint32_t from = (random = random * 1664525 + 1013904223) >> 8;
		uint32_t to = (random = random * 1664525 + 1013904223) >> 8;
		void **lost = &objs[from % CACHES][from / CACHES % 500];
		void **made = &objs[to % CACHES][to / CACHES % 500];

		slab_cache_free(many[from % CACHES], *lost);
		*lost = NULL;
		if (*made == NULL)
			*made = slab_cache_alloc(many[to % CACHES]);
		if (k == 100000)
			for (int i = 0; i < CACHES; i++)
				direct -= many[i]->slabs.direct_allocs;
	}
	for (int i = 0; i < CACHES; i++)
		direct += many[i]->slabs.direct_allocs;
	cr_assert_leq(direct, 2000, "%lu of 200,000 were taken from slabs one by one", direct);
	for (int i = 0; i < CACHES; i++) {
		slab_cache_free_bulk(many[i], 500, objs[i]);
		end_cache(many[i]);
	}
}

/* Half of the slabs are full and stay so; of the others next to nothing is left but what is parked,
 * which pins a slab for each object, however full the slabs are in the mean. */
Test(slot, what_is_parked_of_drained_slabs_is_charged_by_the_slab)
{
	static void *objs[800 * 31];
	const size_t n = sizeof objs / sizeof *objs;
	uint32_t random = 1;

	cr_assert_eq(slab_set(SLAB_RESERVE_BYTES, (size_t)256 << 10), 0);
	cr_assert_eq(slab_cache_alloc_bulk(c, n, objs), n);
	for (size_t i = n; i > n / 2 + 1; i--) { /* shuffled */
		size_t at = n / 2 + (random = random * 1664525 + 1013904223) / 256 % (i - n / 2);
		void *obj = objs[at];

		objs[at] = objs[i - 1];
		objs[i - 1] = obj;
	}
	for (size_t i = n / 2; i < n; i++)
		slab_cache_free(c, objs[i]);
	/* in the slot and the depot together */
	cr_assert_leq(c->slabs.slabs, 401 + slab_reserve_ceiling() / c->geo.slab_bytes);
	for (size_t i = 0; i < n / 2; i++)
		slab_cache_free(c, objs[i]);
	slab_thread_flush();
	figures_agree(c);
}

/* Others have used the budget up: one that grows has a small magazine all the same. */
Test(slot, a_cache_that_grows_is_never_without_a_magazine)
{
	static void *objs[3000];
	struct slab_cache *many[CACHES];

	cr_assert_eq(slab_set(SLAB_RESERVE_BYTES, (size_t)512 << 10), 0);
	for (int i = 0; i < CACHES; i++)
		many[i] = new_cache("many", 2000);
	for (int i = 0; i < 3000; i++) {
		park(many[i % CACHES], 8);
		objs[i] = slab_cache_alloc(c);
	}
	cr_assert_leq(c->slabs.direct_allocs, 30);
	for (int i = 0; i < 3000; i++)
		slab_cache_free(c, objs[i]);
	for (int i = 0; i < CACHES; i++)
		end_cache(many[i]);
}

Test(slot, without_a_budget_there_are_no_magazines)
{
	cr_assert_eq(slab_set(SLAB_THREAD_BYTES, 0), 0);
	park(c, 100);
	cr_assert_eq(figures(c).objects_cached, 0);
	cr_assert_eq(figures(c).slabs, 0);
	cr_assert_eq(figures(c).allocs, 100);
	figures_agree(c);
}

static void count_one(struct slab_thread *t, struct slab_cache *cache, void *ctx)
{
	unsigned *n = ctx;

	(void)t;
	*n += cache == c;
}

Test(slot, every_slot_that_was_opened_is_visited_once)
{
	struct slab_thread *t;
	unsigned n = 0;

	park(c, 1);
	t = slab_thread_lock();
	slab_slot_for_each(t, count_one, &n);
	slab_thread_unlock(t);
	cr_assert_eq(n, 1);
}

Test(slot, flushing_all_says_how_many_bytes)
{
	struct slab_cache *other = new_cache("other", 100);
	uint64_t bytes;

	slab_thread_flush();
	park(c, 1);
	park(other, 1);
	bytes = figures(c).objects_cached * 128 + figures(other).objects_cached * 104;
	cr_assert_gt(bytes, 128 + 104);
	cr_assert_eq(slab_thread_flush(), bytes);
	cr_assert_eq(figures(c).objects_cached + figures(other).objects_cached, 0);
	cr_assert_eq(slab_thread_flush(), 0);
	end_cache(other);
}

Test(slot, an_adopted_slot_goes_to_the_depot)
{
	struct slab__slot *s = my_slot(c);
	struct slab_thread *t;
	void *objs[200];
	uint64_t parked;

	cr_assert_eq(slab_cache_alloc_bulk(c, 200, objs), 200);
	slab_cache_free_bulk(c, 150, objs);
	parked = figures(c).objects_cached;
	t = slab_thread_lock();
	slab_slot_adopt_all(t);
	slab_thread_unlock(t);
	cr_assert_eq(s->cookie, 0);
	cr_assert_eq(c->depot.objects, parked);
	cr_assert_eq(figures(c).objects_live, 50);
	figures_agree(c);
	slab_cache_free_bulk(c, 50, objs + 150);
}
