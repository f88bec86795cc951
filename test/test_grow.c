/*
 * test_grow.c - a cache that grows: whole new slabs into the magazine
 */
#include "test/unit.h"
#include "slab/map.h"
#include "slab/page.h"
#include "slab/slot.h"

static struct slab_cache *c;
static struct slab__slot *s;
static void *objs[100000];

static void make(void)
{
	c = new_cache("grows", 128);
	s = my_slot(c);
}

static void unmake(void)
{
	slab_page_fail_map_at = 0;
	figures_agree(c);
	end_cache(c);
}

TestSuite(grow, .init = make, .fini = unmake);

static void take(int from, int n)
{
	for (int i = from; i < from + n; i++)
		cr_assert_not_null(objs[i] = slab_cache_alloc(c));
}

/* Takes n objects at least, and on until the magazine is empty and all slabs are full. */
static int take_to_the_edge(int n)
{
	int i = 0;

	while (i < n || slab_slot_count(s) > 0)
		take(i++, 1);
	cr_assert_eq(figures(c).slabs_full, figures(c).slabs);
	return i;
}

/* A slab has 31 of these objects, a magazine room for 256; a 16th of the slabs are to be had. */
Test(grow, as_many_slabs_come_as_a_magazine_takes)
{
	int n = take_to_the_edge(3900);
	uint64_t slabs = figures(c).slabs;

	cr_assert_eq(s->cap, 256);
	take(n, 1);
	cr_assert_eq(figures(c).slabs, slabs + slabs / 16);
	cr_assert_eq(slab_slot_count(s) + 1, slabs / 16 * c->geo.objects);
	cr_assert_eq(figures(c).slabs_full, figures(c).slabs); /* for nobody else */
	cr_assert_eq(slab_cache_verify(c), 0);
	slab_cache_free_bulk(c, (size_t)n + 1, objs);
}

/* Neighbours in time are neighbours in memory: addresses rise but for the next span. */
Test(grow, slabs_come_in_the_order_of_addresses)
{
	for (int n = 0; n < 50000; n++) {
		cr_assert_not_null(objs[n] = slab_cache_alloc(c));
		if (n > 0 && objs[n] < objs[n - 1])
			cr_assert(slab_map_span(objs[n]) != slab_map_span(objs[n - 1]));
	}
	slab_cache_free_bulk(c, 50000, objs);
}

/* To the end of the spans that it has: at the last exchanges there are fewer slabs than wanted. */
Test(grow, fewer_slabs_than_wanted_serve)
{
	int n = 0;

	while (n < 4000)
		cr_assert_not_null(objs[n++] = slab_cache_alloc(c));
	slab_page_fail_map_at = -1;
	while (n < 100000 && (objs[n] = slab_cache_alloc(c)) != NULL)
		n++;
	slab_page_fail_map_at = 0;
	cr_assert_lt(n, 100000);
	cr_assert_eq(errno, ENOMEM);
	cr_assert_eq(figures(c).objects_live, (uint64_t)n);
	cr_assert_eq(figures(c).objects_cached + figures(c).objects_free, 0); /* each one served */
	cr_assert_eq(slab_cache_verify(c), 0);
	slab_cache_free_bulk(c, (size_t)n, objs);
}

/* Full and thin at once. */
Test(grow, slabs_of_one_object_are_full_and_thin)
{
	struct slab_cache *ones = new_cache("ones", 4000);

	cr_assert_eq(ones->geo.objects, 1);
	for (int n = 0; n < 2000; n++)
		cr_assert_not_null(objs[n] = slab_cache_alloc(ones));
	cr_assert_eq(slab_cache_verify(ones), 0);
	cr_assert_eq(ones->slabs.thin, ones->slabs.slabs);
	slab_cache_free_bulk(ones, 2000, objs);
	figures_agree(ones);
	end_cache(ones);
}
