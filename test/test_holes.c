/*
 * test_holes.c - holes that munmap leaves in spans: bounded, refilled, and not ours meanwhile
 */
#define _GNU_SOURCE
#include "slab/bitmap.h"
#include "slab/list.h"
#include "slab/span.h"
#include "test/figures.h"

TestSuite(holes, .timeout = 120);

#define SIZE 504 /* eight to a slab of 4 KiB */
#define PER_SLAB 8


/* Frees what lies in every other run of so many pages; what stays comes first. Returns how many. */
static size_t free_alternate(struct slab_cache *c, void **objs, size_t n, size_t run)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		void *obj = objs[i];

		if (((uintptr_t)obj >> 12) / run % 2 != 0) {
			slab_cache_free(c, obj);
			continue;
		}
		objs[kept++] = obj;
	}
	return kept;
}

static void refill(struct slab_cache *c, void **objs, size_t from, size_t n)
{
	for (size_t i = from; i < n; i++) {
		objs[i] = slab_cache_alloc(c);
		cr_assert(objs[i] != NULL, "no object %zu of %zu", i, n);
		memset(objs[i], 0x5a, SIZE);
	}
}

/* Slabs that are holes now, and lost ones. */
static size_t hole_slabs(void)
{
	struct slab_list *pos;
	size_t n = 0;

	slab_list_for_each(pos, &slab_root.spans[0])
		n += slab_bit_count(slab_container(pos, struct slab_span, all_link)->hole,
		                    SLAB_SPAN_WORDS);
	return n;
}

/* The mapping lies in a hole of one of our spans. */
static bool in_a_hole(const void *p)
{
	struct slab_list *pos;

	slab_list_for_each(pos, &slab_root.spans[0]) {
		struct slab_span *span = slab_container(pos, struct slab_span, all_link);

		if ((uintptr_t)p - span->base < span->bytes)
			return slab_bit_test(span->hole,
			                     (uint32_t)(((uintptr_t)p - span->base) / 4096));
	}
	return false;
}

Test(holes, every_other_slab_of_many)
{
	size_t slabs = scaled(150000, 6000), n = slabs * PER_SLAB, kept, before, full, half, calls;
	size_t limit = slab_page_hole_limit(), lines = maps_lines(), mapped, held;
	void **objs = own_pages(n * sizeof *objs);
	struct slab_cache *c = new_cache("alternate", SIZE);
	struct slab_totals t;

	cr_assert(figures(c).objects_per_slab == PER_SLAB);
	before = rss_bytes();
	refill(c, objs, 0, n);
	full = rss_bytes() - before;
	mapped = totals().mapped_bytes;
	held = figures(c).slabs;
	kept = free_alternate(c, objs, n, 1);
	half = rss_bytes() - before;
	t = totals();
	cr_expect(t.unmap_failures == 0);
	cr_expect(t.holes <= limit, "%zu holes", (size_t)t.holes);
	cr_expect(maps_lines() <= lines + 2 * limit, "%zu lines in maps", maps_lines());
	if (!is_watched())
		cr_expect(half <= full * 55 / 100, "%zu KiB of %zu KiB", half / KIB, full / KIB);
	slab_reap(); /* makes as many holes as may be */
	t = totals();
	cr_log_info("%zu KiB, with every other slab empty %zu KiB; %zu holes of %zu, %zu lines",
	            full / KIB, half / KIB, (size_t)t.holes, limit, maps_lines() - lines);
	cr_expect(t.holes > 0 && t.holes <= limit, "%zu holes", (size_t)t.holes);
	cr_expect(maps_lines() <= lines + 2 * limit, "%zu lines in maps", maps_lines());
	EXPECT_SUMS(c);
	calls = page_calls();
	refill(c, objs, kept, n);
	cr_log_info("refilled with %zu calls", (size_t)page_calls() - calls);
	slab_thread_flush(); /* the magazine may have been filled with new slabs at the end */
	cr_expect(figures(c).slabs <= held, "%zu slabs, before %zu", (size_t)figures(c).slabs,
	          held);
	/* what it left in the shared spans of its youth is for others: one more of its own */
	cr_expect(totals().mapped_bytes <= mapped + SLAB_SPAN_MAX_BYTES,
	          "%zu KiB mapped, before %zu KiB", (size_t)totals().mapped_bytes / KIB,
	          mapped / KIB);
	cr_expect(totals().lost_holes == 0);
	EXPECT_SUMS(c);
	drain(c, objs, n);
	if (!is_watched())
		cr_expect(rss_bytes() <= before + totals().reserve_bytes + MIB);
	slab_cache_shrink(c);
	cr_expect(totals().holes == 0, "%zu holes without a slab", (size_t)totals().holes);
	cr_expect(totals().mapped_bytes == 0);
	cr_expect(slab_cache_destroy(c) == 0);
	munmap(objs, n * sizeof *objs);
}

/* ---- somebody else in our holes ---- */

struct foreign {
	unsigned char *p;
	size_t bytes;
};

static void paint(struct foreign *f, size_t i)
{
	memset(f->p, (int)(i % 251) + 1, f->bytes);
}

static bool is_painted(const struct foreign *f, size_t i)
{
	for (size_t k = 0; k < f->bytes; k++)
		if (f->p[k] != (unsigned char)(i % 251 + 1))
			return false;
	return true;
}

/* n mappings of 4 to 128 KiB where the kernel likes. Returns how many lie in holes of ours. */
static size_t settle_anywhere(struct foreign *f, size_t n)
{
	size_t inside = 0;

	for (size_t i = 0; i < n; i++) {
		f[i].bytes = (size_t)4096 << (i % 6);
		f[i].p = mmap(NULL, f[i].bytes, PROT_READ | PROT_WRITE,
		              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		cr_assert(f[i].p != MAP_FAILED);
		paint(&f[i], i);
		inside += in_a_hole(f[i].p);
	}
	return inside;
}

/* A page in every third hole. */
static size_t settle_exactly(struct foreign *f, size_t n)
{
	struct slab_list *pos;
	size_t at = 0, seen = 0;

	slab_list_for_each(pos, &slab_root.spans[0]) {
		struct slab_span *span = slab_container(pos, struct slab_span, all_link);

		for (uint32_t i = 0; i < span->slabs && at < n; i++) {
			if (!slab_bit_test(span->hole, i) || seen++ % 3 != 0)
				continue;
			f[at].bytes = 4096;
			f[at].p = mmap((void *)(span->base + i * 4096), 4096,
			               PROT_READ | PROT_WRITE,
			               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
			cr_assert(f[at].p != MAP_FAILED, "a hole is mapped");
			paint(&f[at], at);
			at++;
		}
	}
	return at;
}

static void foreigners(bool exactly, size_t run)
{
	size_t n = scaled(20000, 2000) * PER_SLAB, room = scaled(3000, 300);
	size_t kept, inside, intact = 0;
	void **objs = own_pages(n * sizeof *objs);
	struct foreign *f = own_pages(room * sizeof *f);
	struct slab_cache *c = new_cache("foreign", SIZE);
	size_t holes, lost;

	refill(c, objs, 0, n);
	kept = free_alternate(c, objs, n, run);
	slab_cache_shrink(c);
	holes = hole_slabs();
	cr_assert(holes > 100, "only %zu holes", holes);
	if (exactly)
		inside = room = settle_exactly(f, room);
	else
		inside = settle_anywhere(f, room);
	cr_expect(is_watched() || inside > 10, "only %zu mappings in our holes", inside);
	for (size_t i = 0; i < room; i++)
		if (in_a_hole(f[i].p))
			cr_assert(slab_cache_of(f[i].p) == NULL, "a foreign page is called ours");
	refill(c, objs, kept, n);
	lost = totals().lost_holes;
	cr_expect(inside == 0 || lost > 0, "no hole is counted as lost");
	cr_log_info("%zu holes, %zu foreign mappings in them, %zu slabs lost", holes, inside, lost);
	for (size_t i = 0; i < n; i++)
		cr_assert(*(unsigned char *)objs[i] == 0x5a, "an object is overwritten");
	EXPECT_SUMS(c);
	shuffle(objs, n, 5);
	drain(c, objs, n);
	EXPECT_SUMS(c);
	slab_cache_shrink(c);
	cr_expect(slab_cache_destroy(c) == 0);
	slab_reap();
	for (size_t i = 0; i < room; i++)
		intact += is_painted(&f[i], i);
	cr_expect(intact == room, "%zu of %zu foreign mappings are intact", intact, room);
	cr_expect(totals().lost_holes == 0, "%zu lost slabs without a span",
	          (size_t)totals().lost_holes);
	cr_expect(totals().holes == 0 && totals().mapped_bytes == 0);
	for (size_t i = 0; i < room; i++)
		munmap(f[i].p, f[i].bytes);
	munmap(objs, n * sizeof *objs);
	munmap(f, scaled(3000, 300) * sizeof *f);
}

Test(holes, foreign_pages_stay_intact) { foreigners(true, 1); }
Test(holes, foreign_pages_in_long_holes_stay_intact) { foreigners(true, 48); }
Test(holes, mappings_of_others_between_pages_stay_intact) { foreigners(false, 1); }
Test(holes, mappings_of_others_in_long_holes_stay_intact) { foreigners(false, 64); }

enum { PLUGS = 20000 };

/* Fills what the kernel would choose before a hole of ours, wherever it has put the libraries. */
static size_t plug(void **plugs)
{
	size_t n = 0;

	while (!is_watched() && n < PLUGS) {
		void *p = mmap(NULL, MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		cr_assert(p != MAP_FAILED);
		plugs[n++] = p;
		if (in_a_hole(p)) {
			munmap(plugs[--n], MIB);
			break;
		}
	}
	return n;
}

/* The kernel may put a span of ours into a hole of another, and then that one gets holes. */
Test(holes, spans_of_ours_in_holes_of_ours)
{
	static void *plugs[PLUGS];
	size_t n = scaled(20000, 1500) * PER_SLAB, m = n / 8, kept, nested = 0;
	void **objs = own_pages(n * sizeof *objs), **more = own_pages(m * sizeof *more);
	struct slab_cache *outer = new_cache("outer", SIZE), *inner = new_cache("inner", 1000);
	uint64_t state = 7;

	for (int round = 0; round < 6; round++) {
		size_t plugged;

		refill(outer, objs, 0, n);
		kept = free_alternate(outer, objs, n, 256); /* a span of a large cache fits */
		slab_reap();
		plugged = plug(plugs);
		for (size_t i = 0; i < m; i++) {
			more[i] = slab_cache_alloc(inner);
			cr_assert(more[i] != NULL);
			memset(more[i], 0x33, 1000);
			nested += in_a_hole(more[i]);
		}
		while (plugged > 0)
			munmap(plugs[--plugged], MIB);
		for (size_t i = 0; i < m; i++) /* holes in the inner spans */
			if (next_random(&state) % 8 != 0) {
				slab_cache_free(inner, more[i]);
				more[i] = NULL;
			}
		slab_reap();
		refill(outer, objs, kept, n);
		for (size_t i = 0; i < m; i++) {
			cr_assert(more[i] == NULL || *(unsigned char *)more[i] == 0x33);
			cr_assert(more[i] == NULL || slab_cache_of(more[i]) == inner);
		}
		EXPECT_SUMS(inner);
		EXPECT_SUMS(outer);
		slab_cache_free_bulk(inner, m, more);
		drain(outer, objs, n);
	}
	cr_log_info("%zu objects lay in holes of another span", nested);
	cr_expect(is_watched() || nested > 0, "no span lay in a hole of another");
	cr_expect(slab_cache_destroy(inner) == 0 && slab_cache_destroy(outer) == 0);
	munmap(objs, n * sizeof *objs);
	munmap(more, m * sizeof *more);
}

/* A mapping that goes back from between others splits one of theirs, of which a process has
 * 65,530: so beyond some thousands such blocks are in slabs. */
Test(holes, every_other_block_of_62_kb)
{
	size_t n = 28000, lines = maps_lines();
	void **blocks = own_pages(n * sizeof *blocks);

	if (is_watched()) /* they would be touched */
		return;
	for (size_t i = 0; i < n; i++) {
		blocks[i] = slab_malloc(62000);
		cr_assert(blocks[i] != NULL);
	}
	for (size_t i = 0; i < n; i += 2)
		slab_free(blocks[i]);
	cr_expect(maps_lines() < lines + 9000, "%zu more mappings", maps_lines() - lines);
	for (size_t i = 1; i < n; i += 2)
		slab_free(blocks[i]);
	slab_reap();
	munmap(blocks, n * sizeof *blocks);
}
