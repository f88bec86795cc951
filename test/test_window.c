/*
 * test_window.c - free looks at the address map through its cache's window, one leaf; the rest of a
 * cache lies beyond it, and works as well
 */
#include "test/sees.h"
#include "slab/map.h"
#include "slab/slot.h"

#define MANY 2000

static void *objs[MANY];
static uintptr_t window;

/* A cache of which every slab lies beyond the window. */
static void make(void)
{
	c = new_cache("checked", 64);
	cr_assert_eq(c->window.base, SLAB__NOWHERE);
	cr_assert_eq(slab_cache_alloc_bulk(c, MANY, objs), MANY);
	window = c->window.base;
	cr_assert_eq(window % SLAB_LEAF_BYTES, 0);
	c->window.base += SLAB_LEAF_BYTES;
}

static void unmake(void)
{
	c->window.base = window;
	figures_agree(c);
	end_cache(c);
}

TestSuite(window, .init = make, .fini = unmake);

Test(window, what_lies_beyond_is_parked_as_well)
{
	struct slab__slot *s = my_slot(c);
	uint32_t before;

	slab_thread_flush();
	for (int i = 0; i < 64; i++)
		slab_cache_free(c, objs[i]);
	cr_assert_eq(figures(c).objects_cached, 64);
	for (int i = 0; i < 32; i++)
		cr_assert_not_null(objs[i] = slab_cache_alloc(c));
	before = s->seq; /* under the thread's lock it would change */
	for (int i = 0; i < 16; i++)
		slab_cache_free(c, objs[i]);
	for (int i = 0; i < 16; i++)
		cr_assert_not_null(objs[i] = slab_cache_alloc(c));
	cr_assert_eq(s->seq, before);
	for (int i = 32; i < 64; i++)
		cr_assert_not_null(objs[i] = slab_cache_alloc(c));
	slab_cache_free_bulk(c, MANY, objs);
	cr_assert_eq(figures(c).objects_live, 0);
}

static void free_it(void *p)
{
	slab_cache_free(c, p);
}

static void free_twice(void *p)
{
	slab_cache_free(c, p);
	slab_cache_free(c, p);
}

static void free_twice_behind_another(void *p)
{
	slab_cache_free(c, objs[1]);
	free_twice(p);
}

Test(window, what_is_wrong_is_reported_there)
{
	char local = 0, *block = slab_malloc(64);

	dies_saying(free_twice, objs[0], "double free");
	dies_saying(free_twice_behind_another, objs[0], "double free");
	dies_saying(free_it, &local, "bad free");
	dies_saying(free_it, block, "bad free");
	dies_saying(free_it, (void *)(window + SLAB_LEAF_BYTES + 64), "bad free");
	slab_free(block);
	slab_cache_free_bulk(c, MANY, objs);
}

Test(window, one_that_is_not_the_maps_is_seen)
{
	const uint16_t *holder = c->window.holder + 1;
	uintptr_t page = window + 4096;

	c->window.base = window;
	sees(&c->window.holder, &holder, sizeof holder, "window over the map");
	sees(&c->window.base, &page, sizeof page, "bytes of the window before its leaf");
	slab_cache_free_bulk(c, MANY, objs);
}

Test(window, that_of_the_classes_is_looked_at_as_well)
{
	void *block = slab_malloc(64);
	struct slab_cache *class = slab_cache_of(block);

	cr_assert_eq(slab_cache_verify(class), 0);
	listen_to_reports();
	slab_map_window.holder++;
	cr_assert_eq(slab_cache_verify(class), 1, "%s", heard.all);
	slab_map_window.holder--;
	listen_no_more();
	slab_free(block);
	slab_cache_free_bulk(c, MANY, objs);
}

Test(window, it_goes_where_slabs_are_taken)
{
	void *more[MANY];

	cr_assert_eq(c->window.base, window + SLAB_LEAF_BYTES);
	cr_assert_eq(slab_cache_alloc_bulk(c, MANY, more), MANY);
	cr_assert_eq(c->window.base, window);
	slab_cache_free_bulk(c, MANY, more);
	slab_cache_free_bulk(c, MANY, objs);
}

Test(window, a_cache_keeps_it_when_it_is_empty)
{
	c->window.base = window;
	slab_cache_free_bulk(c, MANY, objs);
	slab_cache_shrink(c);
	slab_thread_flush();
	slab_reap();
	cr_assert_eq(figures(c).slabs, 0);
	cr_assert_eq(c->window.base, window);
}

/* Free must not put an object of a class outside of the magazine, where malloc does not look. */
Test(window, a_size_class_has_none)
{
	void *block = slab_malloc(64);

	cr_assert_eq(slab_cache_of(block)->window.base, SLAB__NOWHERE);
	slab_cache_free(slab_cache_of(block), block);
	slab_cache_free_bulk(c, MANY, objs);
}
