/* test_meta.c - memory for descriptors: zero at first, recycled by kind, never lost */
#include "test/unit.h"
#include "slab/meta.h"
#include "slab/page.h"

static bool is_zero(const void *p, size_t bytes)
{
	const char *c = p;

	for (size_t i = 0; i < bytes; i++)
		if (c[i] != 0)
			return false;
	return true;
}

Test(meta, a_piece_is_recycled_for_its_kind_alone)
{
	struct slab_span *span = slab_meta_get(SLAB_META_SPAN);
	struct slab_cache *cache = slab_meta_get(SLAB_META_CACHE);

	cr_assert_not_null(span);
	cr_assert_not_null(cache);
	slab_meta_put(SLAB_META_SPAN, span);
	slab_meta_put(SLAB_META_CACHE, cache);
	cr_assert_eq(slab_meta_get(SLAB_META_CACHE), cache);
	cr_assert_eq(slab_meta_get(SLAB_META_SPAN), span); /* what was put last comes first */
	slab_meta_put(SLAB_META_SPAN, span);
	slab_meta_put(SLAB_META_CACHE, cache);
}

Test(meta, fresh_pieces_are_zero_and_lines_of_their_own)
{
	void *pieces[300];

	for (int i = 0; i < 300; i++) {
		uint64_t before = slab_root.metadata_bytes;
		struct slab_span *span = pieces[i] = slab_meta_get(SLAB_META_SPAN);

		cr_assert_not_null(span);
		cr_assert_eq((uintptr_t)span % 64, 0);
		if (slab_root.metadata_bytes != before) { /* not a recycled one */
			cr_assert(is_zero(span, sizeof *span));
			cr_assert_geq(slab_root.metadata_bytes, before + sizeof *span);
		}
		memset(span, 0xff, sizeof *span); /* no neighbour is hit, see the zeroes above */
	}
	for (int i = 0; i < 300; i++)
		slab_meta_put(SLAB_META_SPAN, pieces[i]);
}

/* A program may have thousands of large blocks, each with one. */
Test(meta, the_descriptor_of_a_run_is_a_line)
{
	struct slab_span *runs[300];
	uint64_t before = slab_root.metadata_bytes;

	for (int i = 0; i < 300; i++)
		cr_assert_not_null(runs[i] = slab_meta_run(0x10000, 0x20000, 7));
	cr_assert_leq(slab_root.metadata_bytes, before + 300 * 64 + 64); /* and a chunk's head */
	cr_assert(runs[0]->base == 0x10000 && runs[0]->bytes == 0x20000 && runs[0]->mapping == 7);
	for (int i = 0; i < 300; i++)
		slab_meta_put(SLAB_META_RUN, runs[i]);
}

Test(meta, a_magazine_is_empty_and_large_enough)
{
	for (uint32_t cap = 1; cap <= SLAB_MAGAZINE_MAX; cap++) {
		struct slab_magazine *m = slab_magazine_get(cap), *again;

		cr_assert_not_null(m);
		cr_assert_geq(m->cap, cap);
		cr_assert(m->cap == 16 || m->cap / 2 < cap);
		cr_assert_eq(m->count, 0);
		cr_assert_null(m->next);
		cr_assert_null(m->bottom);
		cr_assert_eq(&m->objs[-1], &m->bottom); /* what the fast path reads below 0 */
		m->objs[m->cap - 1] = m;
		m->count = 1;
		slab_magazine_put(m);
		again = slab_magazine_get(cap);
		cr_assert_eq(again, m);
		cr_assert_eq(again->count, 0);
		cr_assert_null(again->next);
		slab_magazine_put(again);
	}
	slab_magazine_put(NULL);
}

Test(meta, without_memory_it_says_so_and_goes_on_later)
{
	struct slab_magazine *chain = NULL, *m;
	uint64_t mapped = slab_page_calls.map;

	slab_page_fail_map_at = -1;
	while ((m = slab_magazine_get(SLAB_MAGAZINE_MAX)) != NULL) {
		m->next = chain;
		chain = m;
	}
	cr_assert_eq(slab_page_calls.map, mapped + 1);
	slab_page_fail_map_at = 0;
	m = slab_magazine_get(SLAB_MAGAZINE_MAX);
	cr_assert_not_null(m);
	slab_magazine_put(m);
	while ((m = chain) != NULL) {
		chain = m->next;
		slab_magazine_put(m);
	}
}

Test(meta, what_is_mapped_elsewhere_is_accounted)
{
	uint64_t before = slab_root.metadata_bytes;

	slab_meta_account(8192);
	cr_assert_eq(slab_root.metadata_bytes, before + 8192);
	slab_meta_account(-8192);
	cr_assert_eq(totals().metadata_bytes, before);
}

static void want_too_much(void *arg)
{
	(void)arg;
	slab_magazine_get(SLAB_MAGAZINE_MAX + 1);
}

Test(meta, a_magazine_beyond_the_largest_is_a_broken_rule)
{
	dies_saying(want_too_much, NULL, "internal rule broken");
}

/* A reader from outside tells by this list what is the library's own. */
Test(meta, every_piece_lies_in_a_chunk_of_the_list)
{
	struct slab_span *span = slab_meta_get(SLAB_META_SPAN);
	size_t holding = 0;

	cr_assert_not_null(span);
	for (const struct slab_meta_chunk *c = slab_root.meta_chunks; c != NULL; c = c->next) {
		uintptr_t offset = (uintptr_t)span - (uintptr_t)c;

		holding += offset >= sizeof *c && offset + sizeof *span <= c->bytes;
	}
	cr_assert_eq(holding, 1);
	slab_meta_put(SLAB_META_SPAN, span);
}
