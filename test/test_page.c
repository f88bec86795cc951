/* test_page.c - the kernel's memory calls: alignment, occupied addresses, faults on demand */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "test/unit.h"
#include "slab/page.h"
#include "slab/valgrind.h"

#define PAGE ((size_t)4096)

static bool all_zero(uintptr_t base, size_t bytes)
{
	const char *p = (const char *)base;

	return p[0] == 0 && memcmp(p, p + 1, bytes - 1) == 0;
}

Test(page, maps_zeroes_at_the_alignment)
{
	for (size_t align = PAGE; align <= (size_t)4 << 20; align *= 2) {
		for (size_t pages = 1; pages <= 16; pages += 5) {
			uintptr_t base = slab_page_map(pages * PAGE, align);

			cr_assert_neq(base, 0);
			cr_assert_eq(base % align, 0);
			cr_assert(all_zero(base, pages * PAGE));
			memset((void *)base, 1, pages * PAGE);
			cr_assert_eq(slab_page_unmap(base, pages * PAGE), 0);
		}
	}
}

#define CHUNK ((size_t)256 << 10)
#define GRANULE ((size_t)64 << 10)
#define CHUNKS 2000
#define IN_A_ROW 8

static uintptr_t reserve_at(uintptr_t at, size_t bytes)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | (at != 0 ? MAP_FIXED_NOREPLACE : 0);
	void *p = mmap((void *)at, bytes, PROT_NONE, flags, -1, 0);

	return p == MAP_FAILED ? 0 : (uintptr_t)p;
}

/* Fills what gaps there are with chunks, until some lie side by side at the lower end. */
static size_t fill_gaps(uintptr_t *chunk)
{
	size_t n = 0, in_a_row = 0;

	while (n < CHUNKS && in_a_row < IN_A_ROW) {
		chunk[n] = reserve_at(0, CHUNK);
		in_a_row = n > 0 && chunk[n] == chunk[n - 1] - CHUNK ? in_a_row + 1 : 0;
		n++;
	}
	return in_a_row == IN_A_ROW ? n : 0;
}

/*
 * A gap draws each first mapping, but has no room for the larger one that is aligned: that comes
 * behind everything else, and leaves nothing free in between.
 */
Test(page, aligning_leaves_no_gap_above)
{
	static uintptr_t chunk[CHUNKS];
	uintptr_t low, gap, base;
	size_t n;

	if (under_tool())
		return; /* it places mappings in its own way */
	n = fill_gaps(chunk);
	cr_assert_gt(n, 0);
	low = chunk[n - 1] & ~(GRANULE - 1);
	if (low < chunk[n - 1])
		cr_assert_eq(reserve_at(low, chunk[n - 1] - low), low);
	gap = ((chunk[n - 1] + CHUNK) & ~(GRANULE - 1)) + GRANULE + 2 * PAGE;
	munmap((void *)gap, CHUNK + 15 * PAGE);
	base = slab_page_map(CHUNK, GRANULE);
	for (size_t i = 0; i < n; i++)
		munmap((void *)chunk[i], CHUNK);
	munmap((void *)low, chunk[n - 1] - low);
	cr_assert_eq(base + CHUNK, low, "%zu bytes are free above", (size_t)(low - base) - CHUNK);
	slab_page_unmap(base, CHUNK);
}

Test(page, aligning_gives_both_ends_back)
{
	uintptr_t base;

	/* an odd page first, so that the next is not aligned by luck */
	uintptr_t odd = slab_page_map(PAGE, PAGE);

	base = slab_page_map(64 * PAGE, (size_t)2 << 20);
	cr_assert_neq(base, 0);
	if (slab_page_map_at(base - PAGE, PAGE) == 0) /* else another mapping is there */
		slab_page_unmap(base - PAGE, PAGE);
	cr_assert_eq(slab_page_map_at(base + 63 * PAGE, PAGE), EEXIST);
	slab_page_unmap(base, 64 * PAGE);
	slab_page_unmap(odd, PAGE);
}

Test(page, impossible_lengths_give_zero)
{
	cr_assert_eq(slab_page_map((size_t)1 << 62, PAGE), 0);
	cr_assert_eq(slab_page_map(PAGE, (size_t)1 << 62), 0);
	cr_assert_eq(slab_page_map(SIZE_MAX & ~(PAGE - 1), (size_t)1 << 63), 0);
}

Test(page, map_at_never_replaces)
{
	uintptr_t base = slab_page_map(4 * PAGE, PAGE);

	*(char *)(base + PAGE) = 'x';
	errno = 77;
	cr_assert_eq(slab_page_map_at(base + PAGE, PAGE), EEXIST);
	cr_assert_eq(*(char *)(base + PAGE), 'x');
	cr_assert_eq(slab_page_unmap(base + PAGE, 2 * PAGE), 0);
	cr_assert_eq(slab_page_map_at(base + PAGE, 3 * PAGE), EEXIST); /* the last is taken */
	cr_assert_eq(slab_page_map_at(base + PAGE, 2 * PAGE), 0);
	cr_assert_eq(*(char *)(base + PAGE), 0);
	cr_assert_eq(slab_page_unmap(base, 4 * PAGE), 0);
	cr_assert_eq(errno, 77);
}

Test(page, dropped_pages_read_as_zeroes)
{
	struct slab_range ranges[100]; /* more than one vector */
	uintptr_t base = slab_page_map(200 * PAGE, PAGE);

	memset((void *)base, 7, 200 * PAGE);
	for (size_t i = 0; i < 100; i++)
		ranges[i] = (struct slab_range){ base + 2 * i * PAGE, PAGE };
	errno = 77;
	cr_assert_eq(slab_page_drop(ranges, 100), 0);
	cr_assert_eq(errno, 77);
	for (size_t i = 0; i < 200; i++)
		cr_assert_eq(*(char *)(base + i * PAGE + 5), i % 2 ? 7 : 0, "page %zu", i);
	cr_assert_eq(slab_page_drop(&ranges[3], 1), 0);
	slab_page_unmap(base, 200 * PAGE);
}

Test(page, remap_grows_and_shrinks_or_says_no)
{
	uintptr_t base = slab_page_map(8 * PAGE, PAGE);

	*(char *)base = 'x';
	cr_assert_eq(slab_page_remap(base, 8 * PAGE, 4 * PAGE), 0);
	cr_assert_eq(slab_page_map_at(base + 4 * PAGE, PAGE), 0);
	cr_assert_eq(slab_page_remap(base, 4 * PAGE, 6 * PAGE), ENOMEM); /* somebody is there */
	slab_page_unmap(base + 4 * PAGE, PAGE);
	cr_assert_eq(slab_page_remap(base, 4 * PAGE, 6 * PAGE), 0);
	cr_assert_eq(*(char *)base, 'x');
	slab_page_unmap(base, 6 * PAGE);
}

Test(page, populate_changes_nothing_that_is_seen)
{
	uintptr_t base = slab_page_map(8 * PAGE, PAGE);

	*(char *)base = 'x';
	errno = 77;
	slab_page_populate(base, 8 * PAGE);
	slab_page_advise_huge(base, 8 * PAGE, false);
	cr_assert_eq(errno, 77);
	cr_assert_eq(*(char *)base, 'x');
	cr_assert(all_zero(base + PAGE, 7 * PAGE));
	slab_page_unmap(base, 8 * PAGE);
}

Test(page, the_nth_mapping_fails_on_demand)
{
	uintptr_t one, three;

	errno = 77;
	slab_page_fail_map_at = 2;
	one = slab_page_map(PAGE, PAGE);
	cr_assert_neq(one, 0);
	cr_assert_eq(slab_page_map(PAGE, PAGE), 0);
	three = slab_page_map(PAGE, PAGE);
	cr_assert_neq(three, 0);
	slab_page_fail_map_at = 1;
	cr_assert_eq(slab_page_map_at(three + 64 * PAGE, PAGE), ENOMEM);
	slab_page_fail_map_at = 1;
	cr_assert_eq(slab_page_remap(one, PAGE, 2 * PAGE), ENOMEM);
	slab_page_unmap(one, PAGE);
	slab_page_unmap(three, PAGE);
	cr_assert_eq(errno, 77);
}

Test(page, every_mapping_fails_on_demand)
{
	uintptr_t base = slab_page_map(PAGE, PAGE);

	slab_page_fail_map_at = -1;
	for (int i = 0; i < 10; i++) {
		cr_assert_eq(slab_page_map(PAGE, PAGE), 0);
		cr_assert_eq(slab_page_map_at(base, PAGE), ENOMEM);
	}
	slab_page_fail_map_at = 0;
	slab_page_unmap(base, PAGE);
}

Test(page, unmapping_fails_on_demand_and_changes_nothing)
{
	uintptr_t base = slab_page_map(2 * PAGE, PAGE);
	struct slab_range ranges[2] = { { base, PAGE }, { base + PAGE, PAGE } };

	*(char *)base = 'x';
	slab_page_fail_unmap = ENOMEM;
	cr_assert_eq(slab_page_unmap(base, 2 * PAGE), ENOMEM);
	cr_assert_eq(slab_page_drop(ranges, 2), ENOMEM);
	cr_assert_eq(*(char *)base, 'x');
	slab_page_fail_unmap = 0;
	cr_assert_eq(slab_page_unmap(base, 2 * PAGE), 0);
}

static void align_without_unmap(void *arg)
{
	uint64_t before = totals().unmap_failures;

	(void)arg;
	slab_page_fail_unmap = ENOMEM;
	if (slab_page_map(PAGE, (size_t)1 << 30) == 0)
		_exit(1);
	_exit(totals().unmap_failures == before + 3 ? 0 : 2); /* the first try, and both ends */
}

Test(page, what_cannot_be_cut_off_is_counted)
{
	cr_assert_eq(child_runs(align_without_unmap, NULL).status, 0);
}

Test(page, calls_are_counted)
{
	struct slab_page_calls before = slab_page_calls;
	uintptr_t base = slab_page_map(PAGE, PAGE);
	struct slab_range range = { base, PAGE };

	slab_page_drop(&range, 1);
	slab_page_unmap(base, PAGE);
	cr_assert_eq(slab_page_calls.map, before.map + 1);
	cr_assert_eq(slab_page_calls.drop, before.drop + 1);
	cr_assert_eq(slab_page_calls.unmap, before.unmap + 1);
}

Test(page, knows_the_system)
{
	cr_assert_eq(slab_page_size(), (size_t)sysconf(_SC_PAGESIZE));
	cr_assert_gt(slab_page_hole_limit(), 0);
	cr_assert_leq(slab_page_hole_limit(), under_valgrind() ? 4096 : 16384);
	cr_assert_eq(slab_valgrind_runs(), under_valgrind());
	cr_assert_neq(slab_page_random(), 0);
	cr_assert(slab_page_is_mapped(&slab_page_calls));
	cr_assert_not(slab_page_is_mapped((void *)8));
	cr_assert_not(slab_page_is_mapped((void *)UINTPTR_MAX));
}
