/*
 * test_recent.c - memory of freed large blocks: cut and joined again, bounded, kept if wanted again
 */
#include "test/unit.h"
#include "slab/large.h"
#include "slab/list.h"
#include "slab/map.h"
#include "slab/page.h"
#include "slab/recent.h"

#define K 1024

static void empty(void)
{
	slab_reap();
	cr_assert_eq(slab_root.recent_count, 0);
	cr_assert_eq(slab_root.recent_bytes, 0);
}

TestSuite(recent, .init = empty, .fini = empty);

/* The sums are those of the list, and no two runs overlap. */
static void is_sound(void)
{
	uint64_t bytes = 0, count = 0;
	struct slab_list *pos, *other;

	slab_list_for_each(pos, &slab_root.recent) {
		struct slab_span *span = slab_container(pos, struct slab_span, all_link);

		bytes += span->bytes;
		count++;
		cr_assert_eq(span->base % SLAB_GRANULE_BYTES, 0);
		cr_assert_eq(slab_map_order1((void *)span->base), 0);
		slab_list_for_each(other, &slab_root.recent) {
			struct slab_span *o = slab_container(other, struct slab_span, all_link);

			cr_assert(o == span || o->base + o->bytes <= span->base ||
			          span->base + span->bytes <= o->base);
		}
	}
	cr_assert_eq(bytes, slab_root.recent_bytes);
	cr_assert_eq(count, slab_root.recent_count);
}

Test(recent, a_run_serves_smaller_blocks_and_is_one_again)
{
	char *whole = slab_malloc(896 * K), *part[3];
	uint64_t calls;

	memset(whole, 0xaa, 896 * K);
	slab_free(whole);
	cr_assert_eq(slab_root.recent_count, 1);
	calls = slab_page_calls.map + slab_page_calls.unmap;
	part[0] = slab_malloc(200 * K);
	part[1] = slab_malloc(300 * K);
	part[2] = slab_malloc(300 * K);
	is_sound();
	cr_assert_eq(part[0], whole);
	cr_assert_eq(part[1], whole + 256 * K);
	cr_assert_eq(part[2], whole + 576 * K);
	cr_assert_eq(slab_usable_size(part[1]), 320 * K);
	memset(part[1], 0xbb, 320 * K);
	slab_free(part[0]);
	slab_free(part[2]);
	is_sound();
	cr_assert_eq(slab_root.recent_count, 2);
	slab_free(part[1]);
	is_sound();
	cr_assert_eq(slab_root.recent_count, 1);
	cr_assert_eq(slab_malloc(896 * K), whole);
	cr_assert_eq(slab_page_calls.map + slab_page_calls.unmap, calls);
	slab_free(whole);
}

Test(recent, a_block_grows_into_the_run_behind_it)
{
	char *whole = slab_malloc(896 * K), *p;
	uint64_t calls;

	slab_free(whole);
	calls = slab_page_calls.map;
	p = slab_malloc(200 * K);
	memset(p, 0x5c, 200 * K);
	cr_assert_eq(slab_realloc(p, 500 * K), p);
	cr_assert_eq(slab_page_calls.map, calls);
	cr_assert_eq(slab_map_order1(p + 500 * K - 1), SLAB_MAP_LARGE);
	for (size_t i = 0; i < 200 * K; i++)
		cr_assert_eq(p[i], 0x5c);
	is_sound();
	slab_free(p);
	is_sound();
	cr_assert_eq(slab_root.recent_count, 1);
}

Test(recent, calloc_of_a_part_is_zero)
{
	char *p = slab_malloc(900 * K);

	memset(p, 0xff, 900 * K);
	slab_free(p);
	p = slab_calloc(1, 300 * K);
	for (size_t i = 0; i < 300 * K; i++)
		cr_assert_eq(p[i], 0);
	slab_free(p);
}

Test(recent, what_goes_and_comes_again_is_kept_in_the_end)
{
	size_t bytes = 1536 * K; /* more than is kept at first */
	uint64_t calls;

	for (int i = 0; i < 100; i++)
		slab_free(slab_malloc(bytes));
	calls = slab_page_calls.map + slab_page_calls.unmap;
	for (int i = 0; i < 100; i++)
		slab_free(slab_malloc(bytes));
	cr_assert_eq(slab_page_calls.map + slab_page_calls.unmap, calls);
	is_sound();
}

Test(recent, any_order_of_sizes_keeps_runs_apart)
{
	enum { MANY = 24 };
	char *block[MANY] = { 0 };
	unsigned seed = 12345;

	for (long round = 0; round < rounds(4000, 400); round++) {
		unsigned i = (seed = seed * 1103515245 + 12345) >> 16 & 0x7fff, size;

		size = 66 * K + (seed >> 8) % (400 * K);
		i %= MANY;
		if (block[i] == NULL) {
			block[i] = slab_malloc(size);
			*(size_t *)(void *)block[i] = i;
		} else if (size % 3 == 0) {
			block[i] = slab_realloc(block[i], size);
		} else {
			cr_assert_eq(*(size_t *)(void *)block[i], i);
			slab_free(block[i]);
			block[i] = NULL;
		}
		if (round % 16 == 0)
			is_sound();
	}
	for (int i = 0; i < MANY; i++)
		slab_free(block[i]);
	is_sound();
}
