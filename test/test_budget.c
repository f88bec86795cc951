/* test_budget.c - what a slot may park is reckoned, and holds for a few exchanges */
#include "test/unit.h"
#include "slab/list.h"
#include "slab/release.h"

#define RENEWALS 7 /* as in budget.c */
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
	uint64_t parked = ((uint64_t)s->cap << (s->grant & 1)) + (slab_slot_hot(s) != NULL);

	return (parked < slabs ? parked : slabs) * c->geo.slab_bytes;
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
	seen.reckoned += s->grant / 2 == RENEWALS;
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
	for (i = 0; i < N / 2 && s->grant / 2 != RENEWALS - 1; i++)
		call(true, i);
	cr_assert_eq(s->grant / 2, RENEWALS - 1);
	cr_assert_gt(slab_slot_pin_bytes(s), (size_t)64 << 10);
	slab_write(&slab_root.thread_bytes, (size_t)64 << 10);
	for (uint32_t seq = s->seq; s->seq == seq; i++)
		call(true, i);
	cr_assert_leq(slab_slot_pin_bytes(s), (size_t)64 << 10);
	while (i-- > 0)
		call(false, i);
}

/* What counts calls of a rarely used class while there is no magazine says nothing of a grant. */
Test(budget, one_that_was_closed_gets_magazines_at_once_and_reckons)
{
	struct slab_cache *others[2] = { new_cache("other", 64), new_cache("another", 64) };
	struct slab__slot *s = my_slot(c);
	struct slab_list empties;
	struct slab_thread *t;

	for (int i = 0; i < 2; i++) /* from now on nothing is parked outside of magazines */
		slab_cache_free(others[i], slab_cache_alloc(others[i]));
	use(100);
	slab_list_init(&empties);
	t = slab_thread_lock();
	slab_slot_close(t, c, s, &empties);
	slab_release(t, &empties);
	slab_thread_unlock(t);
	cr_assert_eq(s->cap, 0);
	call(true, 0);
	call(false, 0);
	cr_assert_gt(s->cap, 0);
	cr_assert_leq(s->grant / 2, RENEWALS);
	for (int i = 0; i < 2; i++)
		end_cache(others[i]);
}
