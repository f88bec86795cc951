/* test_budget.c - what a slot may park is reckoned, and holds for a few exchanges */
#include "test/unit.h"
#include "slab/depot.h"
#include "slab/list.h"
#include "slab/meta.h"
#include "slab/release.h"

#define RENEWALS 7 /* as in budget.c, and what slot.grant is made of */
#define GRANT_PAIR 1u
#define GRANT_RENEWAL 2u
#define GRANT_CAP 16u
#define N 20000

static struct slab_cache *c;
static void *objs[N];
static struct {
	uint32_t all, reckoned; /* exchanges, and those which asked anew what may be parked */
} seen;

static void make(void)
{
	c = new_cache("budget", 64);
	memset(&seen, 0, sizeof seen);
}

static void unmake(void)
{
	slab_set(SLAB_THREAD_BYTES, (size_t)1 << 20);
	end_cache(c);
}

TestSuite(budget, .init = make, .fini = unmake);

/* What the slot may park now, at worst. */
static size_t may_pin(const struct slab__slot *s, uint64_t slabs)
{
	uint64_t parked = (uint64_t)(s->grant / GRANT_CAP) << (s->grant & GRANT_PAIR);

	if (s->objs == NULL)
		return 0;
	if (parked < slab_slot_parked(s))
		parked = slab_slot_parked(s);
	else
		parked += s->hot >= SLAB__VACANT;
	return (parked < slabs ? parked : slabs) * c->geo.slab_bytes;
}

/* Exchanges that the last grant still holds for. */
static uint32_t renewals(const struct slab__slot *s)
{
	return s->grant % GRANT_CAP / GRANT_RENEWAL;
}

/* One alloc into objs[i], or the free of it. Every exchange leaves the slot charged enough. */
static void call(bool alloc, size_t i)
{
	const struct slab__slot *s = my_slot(c);
	uint64_t slabs = c->slabs.slabs; /* new ones are charged at the next exchange */
	uint32_t seq = s->seq;

	if (alloc)
		objs[i] = slab_cache_alloc(c);
	else
		slab_cache_free(c, objs[i]);
	if (s->seq == seq)
		return;
	seen.all++;
	seen.reckoned += renewals(s) == RENEWALS;
	cr_assert_leq(may_pin(s, slabs), slab_slot_pin_bytes(s));
}

static void use(size_t n)
{
	for (size_t i = 0; i < n; i++)
		call(true, i);
	while (n-- > 0)
		call(false, n);
}

Test(budget, one_exchange_of_eight_reckons)
{
	use(4000);
	memset(&seen, 0, sizeof seen);
	for (int i = 0; i < 10; i++)
		use(4000);
	cr_assert_gt(seen.all, 10 * (RENEWALS + 1));
	cr_assert_leq(seen.reckoned * (RENEWALS + 1), seen.all + RENEWALS);
	cr_assert_geq(seen.reckoned * (RENEWALS + 1), seen.all - RENEWALS);
}

/* A thread that parked what two slabs have could pin hundreds later. */
Test(budget, a_cache_that_grows_is_charged_at_the_next_exchange)
{
	const struct slab__slot *s = my_slot(c);

	for (int i = 0; i < 40; i++)
		use(100);
	cr_assert_leq(slab_slot_pin_bytes(s), 4 * 4096);
	use(N);
	cr_assert_geq(slab_slot_pin_bytes(s), 32 * 4096);
}

/* Another thread may say so. */
Test(budget, a_smaller_one_is_kept_to_at_the_next_exchange)
{
	struct slab__slot *s = my_slot(c);
	size_t i;

	use(N);
	use(N);
	for (i = 0; i < N / 2 && renewals(s) != RENEWALS - 1; i++)
		call(true, i);
	cr_assert_eq(renewals(s), RENEWALS - 1);
	cr_assert_gt(slab_slot_pin_bytes(s), (size_t)64 << 10);
	slab_write(&slab_root.thread_bytes, (size_t)64 << 10);
	for (uint32_t seq = s->seq; s->seq == seq; i++)
		call(true, i);
	cr_assert_leq(slab_slot_pin_bytes(s), (size_t)64 << 10);
	while (i-- > 0)
		call(false, i);
}

/* Both magazines count: objects of 1,024 bytes, 15 in a slab of 16 KiB. */
Test(budget, a_pair_is_charged_as_two)
{
	end_cache(c);
	c = new_cache("large", 1024);
	for (int i = 0; i < 40; i++)
		use(30);
	for (size_t n = 100; n < 2000; n += 100)
		use(n);
	cr_assert(my_slot(c)->grant & GRANT_PAIR);
	cr_assert_gt(slab_slot_pin_bytes(my_slot(c)), 32 * c->geo.slab_bytes);
}

static void close_slot(void)
{
	struct slab__slot *s = my_slot(c);
	struct slab_list empties;
	struct slab_thread *t = slab_thread_lock();

	slab_list_init(&empties);
	slab_slot_close(t, c, s, &empties);
	slab_release(t, &empties);
	slab_thread_unlock(t);
}

/* Moves n objects that have been taken to the depot, as another thread would. */
static void shelve(size_t n, void *const *taken)
{
	struct slab_magazine *m = slab_magazine_get((uint32_t)n);

	cr_assert_not_null(m);
	for (size_t i = 0; i < n; i++)
		m->objs[m->count++] = taken[i];
	slab_write(&my_slot(c)->net, my_slot(c)->net - (int64_t)n);
	slab_magazine_put(slab_depot_put(c, m));
}

/* What is granted holds, not what the magazine had room for in which it came. */
Test(budget, a_small_magazine_from_the_depot_is_soon_a_large_one)
{
	const struct slab__slot *s = my_slot(c);
	size_t i;

	for (i = 0; i < 4000; i++)
		call(true, i);
	close_slot();
	shelve(16, objs);
	memset(&seen, 0, sizeof seen);
	while (seen.all < 3)
		call(true, i++); /* the first ones are those of the depot */
	cr_assert_lt(s->cap, 256);
	while (i > 16 && s->cap < 256)
		call(false, --i);
	cr_assert_eq(s->cap, 256);
	cr_assert_leq(seen.all, 3 + RENEWALS);
	slab_cache_free_bulk(c, i - 16, objs + 16);
}

/* A thread that may park little keeps little of what another has put into the depot. */
Test(budget, of_a_magazine_from_the_depot_no_more_than_is_charged_stays)
{
	const struct slab__slot *s = my_slot(c);

	for (size_t bytes = 0; bytes <= (size_t)16 << 10; bytes += (size_t)8 << 10) {
		for (size_t i = 0; i < 4000; i++)
			call(true, i);
		close_slot();
		shelve(255, objs);
		slab_write(&slab_root.thread_bytes, bytes);
		objs[0] = slab_cache_alloc(c);
		cr_expect_leq(slab_pin_bytes(c, slab_slot_parked(s)), bytes);
		cr_expect_eq(c->depot.objects, 0);
		call(false, 0);
		cr_expect_leq(slab_pin_bytes(c, slab_slot_parked(s)), bytes);
		for (size_t i = 255; i < 4000; i++)
			slab_cache_free(c, objs[i]);
		cr_expect_leq(slab_pin_bytes(c, slab_slot_parked(s)), bytes);
		slab_write(&slab_root.thread_bytes, (size_t)1 << 20);
		slab_thread_flush();
		cr_expect_eq(figures(c).objects_live, 0);
	}
}

/* An exchange that may load nothing leaves no room for what will be freed. */
Test(budget, one_that_may_park_nothing_more_has_no_room)
{
	const struct slab__slot *s = my_slot(c);
	size_t i, at = 0;

	cr_assert_eq(slab_cache_alloc_bulk(c, N, objs), N);
	for (i = 0; i < N; i += 3)
		slab_cache_free(c, objs[i]);
	slab_cache_shrink(c); /* what is parked goes to the slabs */
	do {
		objs[at] = slab_cache_alloc(c);
		at += 3;
	} while (slab_slot_parked(s) > 0 && at < N - 3);
	cr_assert_lt(c->slabs.full, c->slabs.slabs);
	slab_write(&slab_root.thread_bytes, 4096);
	objs[at] = slab_cache_alloc(c);
	cr_expect_eq(s->cap, 0);
	for (i = 0; i < N; i++)
		if (i % 3 != 0 || i <= at)
			slab_cache_free(c, objs[i]);
}

Test(budget, each_exchange_brings_the_next_sweep_nearer)
{
	struct slab_thread *t;

	use(4000);
	t = slab_thread_lock();
	t->sweep_credit = 100;
	slab_thread_unlock(t);
	memset(&seen, 0, sizeof seen);
	use(4000);
	cr_assert_gt(seen.all, RENEWALS + 1);
	cr_assert_leq(t->sweep_credit, 100 - seen.all / 2); /* new slabs are taken without */
}

/* What counts calls of a rarely used class while there is no magazine says nothing of a grant. */
Test(budget, one_that_was_closed_gets_magazines_at_once_and_reckons)
{
	struct slab_cache *others[2] = { new_cache("other", 64), new_cache("another", 64) };
	struct slab__slot *s = my_slot(c);

	for (int i = 0; i < 2; i++) /* from now on nothing is parked outside of magazines */
		slab_cache_free(others[i], slab_cache_alloc(others[i]));
	use(100);
	close_slot();
	cr_assert_eq(s->cap, 0);
	s->grant = RENEWALS * GRANT_RENEWAL; /* so many calls */
	call(true, 0);
	call(false, 0);
	cr_assert_gt(s->cap, 0);
	cr_assert_eq(s->grant, 0);
	for (int i = 0; i < 2; i++)
		end_cache(others[i]);
}
