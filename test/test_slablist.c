/*
 * test_slablist.c - the slabs of one cache: fullest first, empty ones leave, pinned ones stay
 *
 * The lists are driven directly, below the magazines.
 */
#include "test/unit.h"
#include "slab/list.h"
#include "slab/release.h"
#include "slab/slablist.h"
#include "slab/span.h"
#include "slab/take.h"

#define SLABS 4
#define PER   15 /* objects in a slab, see make() */

static struct slab_cache *c;
static struct slab *slabs[SLABS];
static void *objs[SLABS][PER]; /* of each slab, all taken */
static struct slab_list empties;

static struct slab *add_slab(void)
{
	struct slab *s = slab_span_take(c);

	cr_assert_not_null(s);
	slab_format(s, &c->geo);
	slab_slablist_add(c, s);
	return s;
}

static void make(void)
{
	slab_list_init(&empties);
	c = new_cache("list", 256);
	cr_assert_eq(c->geo.objects, PER);
	for (int i = 0; i < SLABS; i++) {
		slabs[i] = add_slab();
		cr_assert_eq(slab_slablist_take(c, PER, objs[i]), PER);
		cr_assert_eq(slab_of(&c->geo, objs[i][0]), slabs[i]);
	}
	cr_assert_eq(c->slabs.full, SLABS);
}

/* Gives back objects 0 to n - 1 of slab i. */
static void give(int i, uint32_t n)
{
	struct slab_misuse misuse = slab_slablist_give(c, objs[i], n, &empties);

	cr_assert_eq(misuse.fault, SLAB_GOOD);
}

static int count(const struct slab_list *head)
{
	const struct slab_list *pos;
	int n = 0;

	slab_list_for_each(pos, head) n++;
	return n;
}

static void release(void)
{
	struct slab_thread *t = slab_thread_lock();

	slab_release(t, &empties);
	slab_thread_unlock(t);
}

static void unmake(void)
{
	for (int i = 0; i < SLABS; i++)
		for (int k = 0; k < PER; k++)
			if (slab_cache_of(objs[i][k]) == c)
				slab_slablist_give(c, &objs[i][k], 1, &empties);
	release();
	cr_assert_eq(c->slabs.slabs, 0);
	end_cache(c);
}

TestSuite(slablist, .init = make, .fini = unmake);

Test(slablist, a_full_slab_is_on_no_list)
{
	for (int b = 0; b < SLAB_BANDS; b++)
		cr_assert(slab_list_empty(&c->slabs.band[b]));
	give(0, 1);
	cr_assert_eq(c->slabs.full, SLABS - 1);
	cr_assert_eq(c->slabs.band[0].next, &slabs[0]->link);
	cr_assert_eq(slab_slablist_take(c, 1, objs[0]), 1);
	cr_assert_eq(c->slabs.full, SLABS);
}

Test(slablist, slabs_stand_in_bands_by_their_fill)
{
	give(0, 2);
	give(1, 6);
	give(2, 9);
	give(3, 14);
	for (int i = 0; i < SLABS; i++) {
		cr_assert_eq(slabs[i]->band, i);
		cr_assert_eq(c->slabs.band[i].next, &slabs[i]->link);
	}
	cr_assert_eq(slab_cache_verify(c), 0);
}

/* A few parked objects could pin them: with one object in use, or one part in 16. */
Test(slablist, thin_slabs_are_counted)
{
	void *got[2 * PER];

	give(0, PER - 2);
	cr_assert_eq(c->slabs.thin, 0);
	give(1, PER - 1);
	give(2, PER); /* leaves */
	cr_assert_eq(c->slabs.thin, 1);
	cr_assert_eq(slab_slablist_take(c, 2 * PER, got), 2 * PER - 3);
	cr_assert_eq(c->slabs.thin, 0);
	cr_assert_eq(slab_cache_verify(c), 0);
}

Test(slablist, thin_slabs_at_home_are_counted)
{
	static void *many[4001];
	struct slab *home;
	uint64_t before;

	cr_assert_eq(slab_cache_alloc_bulk(c, 4000, many), 4000);
	slab_thread_flush();
	home = slab_of(&c->geo, many[2000]);
	cr_assert(home->at_home);
	before = c->slabs.thin; /* the one that is being filled may be */
	for (int k = 0; k < 4000; k++) {
		if (slab_of(&c->geo, many[k]) != home || home->in_use == 1)
			continue;
		slab_slablist_give(c, &many[k], 1, &empties);
		many[k] = NULL;
		cr_assert_eq(c->slabs.thin, before + (home->in_use == 1));
	}
	cr_assert_eq(home->in_use, 1);
	cr_assert_eq(slab_slablist_take(c, 1, &many[4000]), 1);
	cr_assert_eq(slab_of(&c->geo, many[4000]), home);
	cr_assert_eq(c->slabs.thin, before);
	cr_assert_eq(slab_cache_verify(c), 0);
	slab_cache_free_bulk(c, 4001, many);
	slab_reap();
}

Test(slablist, the_fullest_gives_first)
{
	void *got[2 + 6 + 9];

	give(2, 9);
	give(0, 2);
	give(1, 6);
	cr_assert_eq(slab_slablist_take(c, 17, got), 17);
	/* the lowest address of the fullest is last, so that it is served first */
	for (int i = 0; i < 17; i++)
		cr_assert_eq(slab_of(&c->geo, got[16 - i]), slabs[i < 2 ? 0 : i < 8 ? 1 : 2]);
	cr_assert_lt((uintptr_t)got[16], (uintptr_t)got[15]);
	cr_assert_eq(slab_slablist_take(c, 1, got), 0);
}

/* What is allocated in a row lies in a row: from its first slab on, whatever span that is in. */
Test(slablist, a_large_cache_is_refilled_from_its_beginning)
{
	static void *many[4000];
	const int freed[] = { 3900, 3, 2000 }, want[] = { 3, 2000, 3900 };

	cr_assert_eq(slab_cache_alloc_bulk(c, 4000, many), 4000);
	cr_assert_not(slab_of(&c->geo, many[3])->at_home);
	cr_assert(slab_of(&c->geo, many[2000])->at_home);
	slab_thread_flush();
	for (int i = 0; i < 3; i++)
		slab_slablist_give(c, &many[freed[i]], 1, &empties);
	for (int i = 0; i < 3; i++) {
		void *obj = NULL;

		cr_assert_eq(slab_slablist_take(c, 1, &obj), 1);
		cr_expect_eq(obj, many[want[i]]);
	}
	slab_cache_free_bulk(c, 4000, many);
	slab_reap();
}

Test(slablist, takes_what_there_is)
{
	void *got[10];

	give(2, 3);
	cr_assert_eq(slab_slablist_take(c, 4, got), 3); /* one more than there are */
	give(3, 4);
	cr_assert_eq(slab_slablist_take(c, 10, got), 4);
	for (int i = 0; i < 4; i++) /* from objs[0] on, without a gap */
		cr_assert_eq(slab_cache_of(got[i]), c);
	cr_assert_eq(c->slabs.used, SLABS * PER);
	cr_assert_eq(c->slabs.used_peak, SLABS * PER);
}

Test(slablist, an_emptied_slab_leaves_at_once)
{
	give(1, PER);
	cr_assert_eq(count(&empties), 1);
	cr_assert_eq(empties.next, &slabs[1]->link);
	cr_assert_eq(c->slabs.slabs, SLABS - 1);
	cr_assert_eq(c->slabs.empty, 0);
	cr_assert_eq(c->slabs.released_slabs, 1);
	release();
	cr_assert_eq(slab_cache_verify(c), 0);
	cr_assert_eq(c->slabs.used, (SLABS - 1) * PER);
	cr_assert_eq(c->slabs.used_peak, SLABS * PER);
}

Test(slablist, a_new_slab_that_nobody_needed_is_drained)
{
	struct slab *s = add_slab();

	cr_assert_eq(c->slabs.empty, 1);
	cr_assert_eq(slab_cache_verify(c), 0);
	slab_slablist_drain(c, false, &empties);
	cr_assert_eq(empties.next, &s->link);
	cr_assert_eq(c->slabs.empty, 0);
}

Test(slablist, give_stops_at_the_first_that_is_wrong)
{
	static char foreign[4096] __attribute__((aligned(4096)));
	void *bad[4] = { objs[0][0], objs[1][0], objs[0][0], objs[2][0] };
	struct slab_misuse misuse = slab_slablist_give(c, bad, 4, &empties);

	cr_assert_eq(misuse.fault, SLAB_FREED_TWICE);
	cr_assert_eq(misuse.obj, objs[0][0]);
	cr_assert_eq(c->slabs.used, SLABS * PER - 2);
	bad[0] = (char *)objs[2][0] + 8;
	misuse = slab_slablist_give(c, bad, 1, &empties);
	cr_assert_eq(misuse.fault, SLAB_NOT_AN_OBJECT);
	bad[0] = foreign + 64;
	misuse = slab_slablist_give(c, bad, 1, &empties);
	cr_assert_eq(misuse.fault, SLAB_NOT_OF_CACHE);
	cr_assert_eq(slab_cache_verify(c), 0);
}

/* An iteration, with room for the slabs. */
union walk {
	struct slab_walk w;
	char bytes[sizeof(struct slab_walk) + SLABS * sizeof(struct slab *)];
};

static size_t pin(union walk *walk, size_t room)
{
	walk->w.room = room;
	return slab_slablist_pin(c, &walk->w);
}

Test(slablist, a_pinned_slab_stays_until_it_is_unpinned)
{
	union walk walk;

	cr_assert_eq(pin(&walk, SLABS), SLABS);
	give(2, PER);
	cr_assert(slab_list_empty(&empties));
	cr_assert_eq(c->slabs.empty, 1);
	cr_assert_eq(figures(c).slabs_empty, 1);
	slab_slablist_unpin(c, &walk.w, &empties);
	cr_assert_eq(count(&empties), 1);
	cr_assert_eq(empties.next, &slabs[2]->link);
	cr_assert_eq(c->slabs.empty, 0);
}

Test(slablist, pins_add_up)
{
	union walk one, two;

	pin(&one, SLABS);
	pin(&two, SLABS);
	give(0, PER);
	slab_slablist_unpin(c, &one.w, &empties);
	cr_assert(slab_list_empty(&empties));
	slab_slablist_unpin(c, &two.w, &empties);
	cr_assert_eq(count(&empties), 1);
}

Test(slablist, without_room_for_all_nothing_is_pinned)
{
	union walk walk;

	cr_assert_eq(pin(&walk, SLABS - 1), SLABS);
	cr_assert(slab_list_empty(&c->slabs.walks));
	for (int i = 0; i < SLABS; i++)
		cr_assert_eq(slabs[i]->pins, 0);
}

/* Between leaving its cache and reaching its span a slab is nobody's to walk. */
Test(slablist, a_slab_that_has_left_is_not_pinned)
{
	union walk walk;

	give(1, PER);
	cr_assert_eq(pin(&walk, SLABS), SLABS - 1);
	for (int i = 0; i < SLABS - 1; i++)
		cr_assert_neq(walk.w.slabs[i], slabs[1]);
	slab_slablist_unpin(c, &walk.w, &empties);
	cr_assert_eq(slabs[1]->pins, 0);
}

static int leave_it(void *obj, void *ctx)
{
	(void)obj;
	(void)ctx;
	return 0;
}

/* A slab that stays for what the constructor made: one of a cache, within half of the reserve. */
Test(slablist, a_cache_with_constructor_keeps_one_empty_slab)
{
	struct slab_cache_args args = { .ctor = leave_it };
	struct slab_cache *made = slab_cache_create("made", 256, &args);
	uint64_t kept = slab_root.kept_bytes;
	void *all[3 * PER];

	cr_assert_eq(slab_cache_alloc_bulk(made, 3 * PER, all), 3 * PER);
	slab_cache_free_bulk(made, 3 * PER, all);
	slab_thread_flush();
	cr_assert_eq(figures(made).slabs, 1);
	cr_assert_eq(figures(made).slabs_empty, 1);
	cr_assert_eq(slab_root.kept_bytes, kept + made->geo.slab_bytes);
	cr_assert_eq(slab_cache_verify(made), 0);
	all[0] = slab_cache_alloc(made);
	cr_assert_eq(slab_root.kept_bytes, kept);
	slab_cache_free(made, all[0]);
	slab_cache_shrink(made);
	cr_assert_eq(figures(made).slabs, 0);
	cr_assert_eq(slab_root.kept_bytes, kept);
	end_cache(made);
}

Test(slablist, counters_of_what_passed_no_magazine)
{
	slab_slablist_count_direct(c, 5, 3);
	slab_slablist_retire(c, 10, 4);
	cr_assert_eq(figures(c).allocs, 15);
	cr_assert_eq(figures(c).frees, 3 + 10 - 4);
}
