/*
 * test_runs.c - the validator of large blocks, and of what is kept of freed ones, can see
 */
#include "test/sees.h"
#include "slab/fallow.h"
#include "slab/list.h"
#include "slab/map.h"
#include "slab/page.h"

#define GRANULE SLAB_GRANULE_BYTES

static void *obj;
static struct slab_span *span; /* of the cache */

static void make(void)
{
	c = new_cache("checked", 40);
	obj = slab_cache_alloc(c);
	span = slab_map_span(obj);
	slab_reap();
	cr_assert_eq(slab_cache_verify(c), 0);
}

static void unmake(void)
{
	slab_reap();
	cr_assert_eq(slab_root.fallow_bytes, 0);
	slab_cache_free(c, obj);
	end_cache(c);
}

TestSuite(runs, .init = make, .fini = unmake);

static void sees_links(struct slab_span *run)
{
	struct slab_list *wrong[] = { NULL, &slab_root.threads, &run->all_link,
				      (struct slab_list *)(void *)&span };
	struct slab_list *next = run->all_link.next;

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		sees(&run->all_link.next, &wrong[i], sizeof wrong[i], "next of a run");
		sees(&run->all_link.prev, &wrong[i], sizeof wrong[i], "prev of a run");
		if (wrong[i] != &run->all_link)
			sees(&run->all_link.prev->next, &wrong[i], sizeof wrong[i],
			     "next before a run");
	}
	sees(&next->prev, &wrong[0], sizeof wrong[0], "prev behind a run");
}

/* elsewhere: a place that somebody else has */
static void sees_extent(struct slab_span *run, uintptr_t elsewhere)
{
	size_t bytes[] = { 0, run->bytes + GRANULE, run->bytes + 4096, -run->base, SIZE_MAX,
			   (size_t)1 << 46 };
	uintptr_t bases[] = { 0, elsewhere, run->base + 1, (uintptr_t)1 << 62 };

	for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++)
		sees(&run->bytes, &bytes[i], sizeof bytes[i], "bytes of a run");
	for (size_t i = 0; i < sizeof bases / sizeof *bases; i++)
		sees(&run->base, &bases[i], sizeof bases[i], "base of a run");
}

static struct slab_span *first_of(struct slab_list *list)
{
	cr_assert(!slab_list_empty(list));
	return slab_container(list->next, struct slab_span, all_link);
}

Test(runs, large_blocks)
{
	void *block[] = { slab_malloc(3 * GRANULE), slab_malloc(2 * GRANULE) };
	struct slab_span *run = slab_map_span(block[0]);

	sees_links(run);
	sees_extent(run, run->base + GRANULE);
	SEES_NUMBER(slab_root.large_count, "large_count");
	SEES_NUMBER(slab_root.large_bytes, "large_bytes");
	SEES_NUMBER(slab_root.mapped_bytes, "mapped_bytes");
	slab_free(block[0]);
	slab_free(block[1]);
}

Test(runs, kept_runs)
{
	struct slab_span *run;

	slab_free(slab_malloc(3 * GRANULE));
	run = first_of(&slab_root.recent);
	cr_assert_eq(run->bytes, 3 * GRANULE);
	sees_links(run);
	sees_extent(run, span->base);
	SEES_NUMBER(slab_root.recent_count, "recent_count");
	SEES_NUMBER(slab_root.recent_bytes, "recent_bytes");
}

Test(runs, fallow_runs)
{
	char *whole = slab_malloc(40 * GRANULE);
	struct slab_list *other = &slab_root.fallow[0];
	struct slab_span *run, left;
	uintptr_t beside;
	int faults;

	slab_page_fail_unmap = ENOMEM;
	slab_free(whole); /* more than is kept with its pages */
	slab_page_fail_unmap = 0;
	run = first_of(&slab_root.fallow[slab_fallow_log(40 * GRANULE)]);
	cr_assert_eq(run->base, (uintptr_t)whole);
	sees_links(run);
	sees_extent(run, run->base + GRANULE);
	SEES_NUMBER(slab_root.fallow_bytes, "fallow_bytes");
	slab_list_del(&run->all_link);
	slab_list_add(&run->all_link, other);
	listen_to_reports();
	faults = slab_cache_verify(c);
	listen_no_more();
	slab_list_del(&run->all_link);
	slab_list_add(&run->all_link, &slab_root.fallow[slab_fallow_log(run->bytes)]);
	cr_assert_eq(faults, 1, "%s", heard.all); /* that it is on the wrong list */
	left = *run;
	beside = run->base - GRANULE;
	if (slab_map_order1((void *)beside) != 0) /* somebody lives there */
		beside = run->base + run->bytes;
	cr_assert_eq(slab_map_order1((void *)beside), 0);
	slab_map_mark(beside, GRANULE, &left);
	listen_to_reports();
	faults = slab_cache_verify(c);
	listen_no_more();
	slab_map_mark(beside, GRANULE, NULL);
	cr_assert_eq(faults, 1, "%s", heard.all); /* that they are two */
}

Test(runs, what_the_map_says_of_each_granule)
{
	char *block = slab_malloc(40 * GRANULE);
	struct slab_span *run = slab_map_span(block);

	for (int i = 0; i < 40; i++) {
		slab_map_leave((uintptr_t)block + i * GRANULE, GRANULE, run);
		listen_to_reports();
		cr_assert_eq(slab_cache_verify(c), 1);
		listen_no_more();
		slab_map_enter((uintptr_t)block + i * GRANULE, GRANULE, run, SLAB_MAP_LARGE);
	}
	slab_free(block);
}
