/*
 * test_class.c - what a thread parks of malloc's size classes
 */
#include <pthread.h>

#include "test/unit.h"
#include "slab/depot.h"
#include "slab/list.h"
#include "slab/meta.h"
#include "slab/release.h"
#include "slab/slot.h"
#include "slab/thread.h"

#define RARE_CALLS 256   /* until a thread has magazines of a class of more than 128 bytes, */
#define RARE_ALLOCS 2048 /* or of so many blocks that all have taken without */

static void use(size_t size, int calls)
{
	for (int i = 0; i < calls; i += 2)
		slab_free(slab_malloc(size));
}

/* Another thread, which makes so many calls for blocks of size; it asserts nothing, as a failed
 * assertion ends the test in the thread that runs it alone. */
struct other {
	struct slab_cache *class;
	size_t size;
	int calls;
	uint64_t parked, shelved; /* of the class, by whomever, while the thread is there */
};

static void *use_there(void *arg)
{
	struct other *o = arg;

	use(o->size, o->calls);
	o->shelved = o->class->depot.objects;
	o->parked = figures(o->class).objects_cached;
	return NULL;
}

static struct other use_in_another_thread(struct slab_cache *class, size_t size, int calls)
{
	struct other o = { class, size, calls, 0, 0 };
	pthread_t id;

	cr_assert_eq(pthread_create(&id, NULL, use_there, &o), 0);
	pthread_join(id, NULL);
	figures_agree(class);
	return o;
}

/* The class of size, with its first block taken and freed by this thread. */
static struct slab_cache *class_of(size_t size)
{
	void *p = slab_malloc(size);
	struct slab_cache *c = slab_cache_of(p);

	cr_assert_not_null(c);
	slab_free(p);
	return c;
}

Test(class, no_block_of_a_class_stays_outside)
{
	void *block = slab_malloc(100);
	struct slab_cache *class = slab_cache_of(block);
	struct slab__slot *slot = my_slot(class);

	for (int i = 0; i < 100; i++)
		slab_free(slab_malloc(100));
	slab_cache_free(class, block);
	cr_assert_eq(slot->hot, SLAB__NONE);
	cr_assert_eq(slab_malloc(100), block);
	slab_free(block);
	figures_agree(class);
}

Test(class, small_blocks_are_parked_from_the_first)
{
	struct slab_cache *c = class_of(128);

	cr_assert_gt(figures(c).objects_cached, 1);
	figures_agree(c);
}

Test(class, larger_ones_only_of_a_class_that_is_used_often)
{
	struct slab_cache *c = class_of(1000);

	use(1000, RARE_CALLS - 2);
	cr_assert_eq(figures(c).objects_cached, 0);
	cr_assert_eq(figures(c).slabs, 0);
	cr_assert_null(my_slot(c)->objs);
	use(1000, 2);
	cr_assert_gt(figures(c).objects_cached, 1);
	cr_assert_eq(figures(c).allocs, figures(c).frees);
	figures_agree(c);
}

Test(class, frees_alone_are_calls_too)
{
	enum { MANY = RARE_CALLS - 1 };
	static void *p[MANY];
	struct slab_cache *c;

	for (int i = 0; i < MANY; i++)
		p[i] = slab_malloc(2000);
	c = slab_cache_of(p[0]);
	cr_assert_eq(figures(c).objects_cached, 0);
	slab_free(p[0]);
	cr_assert_eq(figures(c).objects_cached, 0);
	for (int i = 1; i < MANY; i++)
		slab_free(p[i]);
	cr_assert_gt(figures(c).objects_cached, 1);
	figures_agree(c);
}

Test(class, what_is_flushed_begins_anew)
{
	struct slab_cache *c = class_of(500);

	use(500, 2 * RARE_CALLS);
	cr_assert_gt(figures(c).objects_cached, 1);
	slab_thread_flush();
	use(500, RARE_CALLS - 2);
	cr_assert_eq(figures(c).objects_cached, 0);
	use(500, 4);
	cr_assert_gt(figures(c).objects_cached, 1);
	figures_agree(c);
}

Test(class, of_large_blocks_few_are_parked)
{
	enum { MANY = RARE_CALLS };
	static void *p[MANY];
	struct slab_cache *c;

	for (size_t size = 5000; size <= 60000; size += 5000) {
		for (int i = 0; i < MANY; i++)
			p[i] = slab_malloc(size);
		c = slab_cache_of(p[0]);
		for (int i = 0; i < MANY; i++)
			slab_free(p[i]);
		cr_assert_gt(figures(c).objects_cached, 0, "%zu", size);
		cr_assert_leq(figures(c).objects_cached, size > 16384 ? 2 : 4, "%zu", size);
		cr_assert_null(my_slot(c)->prev);
		cr_assert_eq(c->depot.objects, 0);
		figures_agree(c);
	}
}

/* A budget that is used up closes it from time to time; that is no reason to count once more. */
Test(class, what_is_closed_for_want_of_room_is_not_rare)
{
	struct slab_cache *c = class_of(600);
	struct slab_list empties;
	struct slab_thread *t;

	use(600, 2 * RARE_CALLS);
	slab_list_init(&empties);
	t = slab_thread_lock();
	slab_slot_close(t, c, slab_slot(t, c), &empties);
	slab_release(t, &empties);
	slab_thread_unlock(t);
	cr_assert_eq(figures(c).objects_cached, 0);
	use(600, 2);
	cr_assert_gt(figures(c).objects_cached, 1);
	figures_agree(c);
}

/* When the thread's budget is used up idle slots are closed: one that is closed counts on. */
Test(class, sweeps_over_the_slots_do_not_begin_anew)
{
	enum { OTHERS = 16, EACH = 400 }; /* so many that they are charged most of the budget */
	static void *objs[EACH];
	struct slab_cache *c, *others[OTHERS];

	slab_set(SLAB_THREAD_BYTES, (size_t)64 << 10); /* closes all slots */
	c = class_of(900);
	use(900, RARE_CALLS - 2);
	for (int i = 0; i < OTHERS; i++)
		others[i] = new_cache("other", 1000);
	slab_cache_free(others[0], slab_cache_alloc(others[0]));
	cr_assert_not_null(my_slot(others[0])->objs);
	for (int i = 0; i < 8 * OTHERS; i++) {
		struct slab_cache *other = others[1 + i % (OTHERS - 1)];

		cr_assert_eq(slab_cache_alloc_bulk(other, EACH, objs), EACH);
		slab_cache_free_bulk(other, EACH, objs);
	}
	cr_expect_null(my_slot(others[0])->objs, "no sweep");
	for (int i = 0; i < OTHERS; i++)
		end_cache(others[i]);
	slab_set(SLAB_THREAD_BYTES, (size_t)1 << 20);
	use(900, 2);
	cr_assert_gt(figures(c).objects_cached, 1);
	figures_agree(c);
}

Test(class, each_thread_counts_its_own_calls)
{
	struct slab_cache *c = class_of(700);
	uint64_t mine;

	use(700, 2 * RARE_CALLS);
	mine = figures(c).objects_cached;
	cr_assert_gt(mine, 1);
	cr_assert_eq(use_in_another_thread(c, 700, RARE_CALLS - 2).parked, mine);
}

/* Threads that live for one request each would never have magazines. */
Test(class, one_that_all_threads_together_use_often_is_not_rare)
{
	struct slab_cache *c = class_of(1100);

	for (int i = 0; i < RARE_ALLOCS - 3; i++) { /* each of them begins anew */
		slab_thread_flush();
		use(1100, 2);
	}
	slab_thread_flush();
	cr_assert_eq(use_in_another_thread(c, 1100, 2).parked, 0);
	cr_assert_gt(use_in_another_thread(c, 1100, 2).parked, 0);
}

/* The class would grow while free blocks stand there. */
Test(class, what_stands_in_the_depot_is_taken_first)
{
	struct slab_cache *c = class_of(1200);
	void *block = slab_malloc(1200);
	struct slab_magazine *m = slab_magazine_get(16);

	cr_assert(block != NULL && m != NULL);
	m->objs[0] = block; /* as if freed by way of a magazine */
	m->count = 1;
	cr_assert_null(slab_depot_put(c, m));
	slab_write(&c->slabs.direct_frees, c->slabs.direct_frees + 1);
	cr_assert_null(my_slot(c)->objs);
	cr_assert_eq(use_in_another_thread(c, 1200, 2).shelved, 0);
}

/* A typed cache is made to be used. */
Test(class, a_cache_of_one_type_has_magazines_at_once)
{
	struct slab_cache *c = new_cache("typed", 1000);

	slab_cache_free(c, slab_cache_alloc(c));
	cr_assert_gt(figures(c).objects_cached, 1);
	end_cache(c);
}
