/*
 * test_limits.c - settings, and systems that refuse: munmap, address space, locked memory
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/resource.h>

#include "slab/map.h"
#include "test/child.h"

TestSuite(limits, .timeout = 120);

static size_t burst_bytes(void)
{
	return scaled(48 * MIB, 2 * MIB);
}

/* ---- the reserve ---- */

static void burst_with_reserve(size_t reserve)
{
	size_t n = burst_bytes() / 256, before, after;
	void **objs = own_pages(n * sizeof *objs);
	struct slab_cache *c = new_cache("reserve", 256);

	cr_assert(slab_set(SLAB_RESERVE_BYTES, reserve) == 0);
	cr_expect(totals().reserve_bytes == reserve);
	before = rss_bytes();
	fill(c, objs, n);
	shuffle(objs, n, reserve + 1);
	drain(c, objs, n);
	after = rss_bytes();
	cr_expect(totals().reserve_bytes == reserve, "a reserve that is set does not stay");
	if (!is_watched())
		cr_expect(after <= before + reserve + MIB / 2, "reserve of %zu KiB, %zu KiB kept",
		          reserve / KIB, (after - before) / KIB);
	cr_log_info("reserve of %zu KiB: +%zu KiB", reserve / KIB, (after - before) / KIB);
	EXPECT_SUMS(c);
	cr_assert(slab_set(SLAB_RESERVE_BYTES, 0) == 0); /* takes effect at once */
	after = rss_bytes();
	if (!is_watched())
		cr_expect(after <= before + MIB / 2, "reserve of 0 after %zu KiB: %zu KiB kept",
		          reserve / KIB, (after - before) / KIB);
	fill(c, objs, n);
	drain(c, objs, n);
	EXPECT_SUMS(c);
	cr_expect(slab_cache_destroy(c) == 0);
	munmap(objs, n * sizeof *objs);
}

Test(limits, any_reserve)
{
	burst_with_reserve(0);
	burst_with_reserve(4 * KIB);
	burst_with_reserve(64 * KIB);
	burst_with_reserve(2 * MIB);
	burst_with_reserve(16 * MIB);
	slab_root.reserve.min_bytes = 512 * KIB; /* as at the start, for the tests that follow */
	slab_root.reserve.max_bytes = 4 * MIB;
	slab_root.reserve.reserve_bytes = 512 * KIB;
}

Test(limits, settings_that_do_not_exist)
{
	errno = 0;
	cr_expect(slab_set((enum slab_option)0, 1) == -1 && errno == EINVAL);
	errno = 0;
	cr_expect(slab_set((enum slab_option)99, 1) == -1 && errno == EINVAL);
	errno = 0;
	cr_expect(slab_set(SLAB_HUGEPAGES, 2) == -1 && errno == EINVAL);
}

Test(limits, huge_pages_come_back_too)
{
	size_t n = burst_bytes() / 64, before, after;
	void **objs = own_pages(n * sizeof *objs);
	struct slab_cache *c = new_cache("huge", 64);

	before = rss_bytes();
	cr_assert(slab_set(SLAB_HUGEPAGES, 1) == 0);
	fill(c, objs, n);
	shuffle(objs, n, 9);
	drain(c, objs, n);
	after = rss_bytes();
	EXPECT_SUMS(c);
	cr_log_info("on huge pages: +%zu KiB", (after - before) / KIB);
	/* a huge page goes back whole or not at all: what magazines hold pins many of them */
	slab_cache_shrink(c);
	cr_expect(totals().mapped_bytes == 0 && totals().holes == 0);
	if (!is_watched())
		cr_expect(rss_bytes() <= before + MIB, "%zu KiB kept on huge pages",
		          (rss_bytes() - before) / KIB);
	fill(c, objs, n);
	cr_assert(slab_set(SLAB_HUGEPAGES, 0) == 0);
	drain(c, objs, n);
	fill(c, objs, n);
	drain(c, objs, n);
	EXPECT_SUMS(c);
	cr_expect(slab_cache_destroy(c) == 0);
	cr_expect(totals().mapped_bytes == 0);
	munmap(objs, n * sizeof *objs);
}

/* ---- munmap says no ---- */

/* The kernel's limit on mappings, for ever: nothing is lost, a figure counts it, no loop ends. */
Test(limits, munmap_fails_always)
{
	size_t n = burst_bytes() / 256, before, mapped, peak;
	void **objs = own_pages(n * sizeof *objs);
	struct slab_cache *c = new_cache("refused", 256);
	uint64_t failures = totals().unmap_failures;

	before = rss_bytes();
	slab_page_fail_unmap = ENOMEM;
	for (int round = 0; round < 4; round++) {
		fill(c, objs, n);
		peak = totals().mapped_bytes;
		if (round == 0)
			mapped = peak;
		cr_expect(peak <= mapped, "round %d: %zu KiB mapped, at first %zu KiB", round,
		          peak / KIB, mapped / KIB);
		shuffle(objs, n, (uint64_t)round + 20);
		drain(c, objs, n);
		EXPECT_SUMS(c);
		slab_cache_shrink(c);
		slab_reap();
	}
	cr_expect(totals().unmap_failures > failures, "no failure was counted");
	cr_expect(totals().holes == 0, "a hole where nothing was unmapped");
	slab_page_fail_unmap = 0;
	fill(c, objs, n);
	drain(c, objs, n);
	EXPECT_SUMS(c);
	slab_cache_shrink(c);
	cr_expect(totals().mapped_bytes == 0, "%zu KiB are never given back",
	          (size_t)totals().mapped_bytes / KIB);
	if (!is_watched())
		cr_expect(rss_bytes() <= before + MIB);
	cr_expect(slab_cache_destroy(c) == 0);
	munmap(objs, n * sizeof *objs);
}

/* As the kernel does at its limit: unmapping fails, dropping pages works. */
static int at_the_limit_on_mappings(void *arg)
{
	size_t slabs = 140000, n = slabs * 8, before, full, half;
	void **objs = own_pages(n * sizeof *objs), *pages = NULL;
	struct slab_cache *c = new_cache("many-maps", 504);

	(void)arg;
	for (size_t i = 0; i < 120000; i++) { /* foreign mappings, every other of another kind */
		void *p = mmap(NULL, 4096, i % 2 ? PROT_READ : PROT_NONE,
		               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			break;
		pages = p;
	}
	CHECK(pages != NULL && maps_lines() > 60000);
	for (int i = 0; i < 64; i++) /* some room: the cache itself needs mappings */
		munmap((char *)pages + i * 4096, 4096);
	before = rss_bytes();
	for (size_t i = 0; i < n; i++) {
		objs[i] = slab_cache_alloc(c);
		CHECK(objs[i] != NULL);
		memset(objs[i], 1, 504);
	}
	full = rss_bytes() - before;
	for (size_t i = 0; i < n; i++)
		if (((uintptr_t)objs[i] >> 18) & 1) {
			slab_cache_free(c, objs[i]);
			objs[i] = NULL;
		}
	slab_reap();
	half = rss_bytes() - before;
	fprintf(stderr, "at the limit on mappings: %zu KiB, half freed: %zu KiB; %zu failures\n",
	        full / KIB, half / KIB, (size_t)totals().unmap_failures);
	CHECK(totals().unmap_failures > 0);
	CHECK(half <= full * 55 / 100);
	CHECK_SUMS(c);
	slab_cache_free_bulk(c, n, objs);
	CHECK_SUMS(c);
	CHECK(rss_bytes() <= before + totals().reserve_bytes + 2 * MIB);
	CHECK(slab_cache_destroy(c) == 0);
	return 0;
}

Test(limits, the_kernels_limit_on_mappings)
{
	if (is_watched())
		return; /* its own tables of mappings end earlier */
	cr_expect(in_child(at_the_limit_on_mappings, NULL));
}

/* ---- no address space ---- */

static size_t address_space(void)
{
	char text[64] = "";
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	ssize_t len = read(fd, text, sizeof text - 1);

	close(fd);
	return len > 0 ? strtoul(text, NULL, 10) * 4096 : 0;
}

static int without_address_space(void *arg)
{
	size_t most = 100 * MIB / 1024, n = 0;
	void **objs = own_pages(most * sizeof *objs);
	struct slab_cache *c = new_cache("limited", 1024), *d = new_cache("other", 64);
	struct rlimit old, low;
	uint64_t failures;

	(void)arg;
	CHECK(getrlimit(RLIMIT_AS, &old) == 0);
	low = (struct rlimit){ address_space() + 20 * MIB, old.rlim_max };
	for (; n < 2000; n++)
		CHECK((objs[n] = slab_cache_alloc(c)) != NULL);
	CHECK(setrlimit(RLIMIT_AS, &low) == 0);
	for (; n < most; n++) {
		errno = 0;
		objs[n] = slab_cache_alloc(c);
		if (objs[n] == NULL)
			break;
	}
	CHECK(n < most && errno == ENOMEM);
	failures = figures(c).alloc_failures;
	CHECK(failures == 1);
	errno = 0;
	CHECK(slab_cache_alloc_bulk(c, 100, objs + n) == 0 && errno == ENOMEM);
	errno = 0;
	CHECK(slab_malloc(1000000) == NULL && errno == ENOMEM);
	CHECK_SUMS(c);
	for (size_t i = 0; i < n / 2; i++) /* what is given back can be had again */
		slab_cache_free(c, objs[i]);
	for (size_t i = 0; i < n / 4; i++)
		CHECK((objs[i] = slab_cache_alloc(c)) != NULL);
	CHECK_SUMS(c);
	CHECK(setrlimit(RLIMIT_AS, &old) == 0);
	for (size_t i = n / 4; i < n / 2; i++)
		CHECK((objs[i] = slab_cache_alloc(c)) != NULL);
	CHECK(slab_cache_alloc_bulk(c, 100, objs + n) == 100);
	n += 100;
	slab_cache_free_bulk(c, n, objs);
	CHECK_SUMS(c);
	CHECK((objs[0] = slab_cache_alloc(d)) != NULL);
	slab_cache_free(d, objs[0]);
	CHECK(slab_cache_destroy(c) == 0 && slab_cache_destroy(d) == 0);
	return 0;
}

Test(limits, no_address_space)
{
	if (is_watched())
		return; /* it shares the address space and ends for want of it; see test_oom.c */
	cr_expect(in_child(without_address_space, NULL));
}

/* ---- locked memory ---- */

/* Parts of the address map, sparse elsewhere, are resident whole: one for each 4 GiB in use. */
static size_t leaf_bytes(void)
{
	size_t n = 0;

	for (size_t i = 0; i < SLAB_LEAVES; i++)
		n += slab_map_leaves[i] != NULL;
	return n * sizeof(struct slab_map_leaf);
}

/* What the kernel maps from here on begins 2 MiB above an edge between two such parts. */
static bool go_to_edge(void)
{
	uintptr_t at = (uintptr_t)own_pages(MIB);
	size_t above = at % SLAB_LEAF_BYTES;

	munmap((void *)at, MIB);
	return above <= 2 * MIB || mmap(NULL, above - 2 * MIB, PROT_NONE,
	                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
	                                0) != MAP_FAILED;
}

/* Whether the test comes to make two such parts; the kernel maps downwards. */
static bool makes_two_leaves(void)
{
	uintptr_t at = (uintptr_t)own_pages(MIB), low = at - 128 * MIB;

	munmap((void *)at, MIB);
	return low >> SLAB__LEAF_SHIFT != at >> SLAB__LEAF_SHIFT && slab_map_leaf(at) == NULL &&
	       slab_map_leaf(low) == NULL;
}

struct locked {
	bool at_edge;
	size_t bytes; /* that may be locked, besides a second part of the map; 0: any */
};

static int set_locked_bytes(size_t bytes)
{
	struct rlimit limit = { bytes, bytes };

	CHECK(setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
	CHECK(geteuid() != 0 || setresuid(65534, 65534, 65534) == 0);
	return 0;
}

static int with_locked_memory(void *arg)
{
	const struct locked *how = arg;
	size_t n = 40 * MIB / 256, least = MIB / 256, before, got, second, bytes;
	void **objs = own_pages(n * sizeof *objs);
	struct slab_cache *c = new_cache("locked", 256);
	struct rlimit limit;

	CHECK(getrlimit(RLIMIT_MEMLOCK, &limit) == 0);
	if (how->bytes == 0 && geteuid() != 0 && limit.rlim_cur < 256 * MIB)
		return 0; /* an ordinary user's limit: the other cases */
	if ((how->at_edge && !go_to_edge()) || mlockall(MCL_FUTURE) != 0)
		return 0; /* not allowed here */
	second = makes_two_leaves() ? sizeof(struct slab_map_leaf) : 0;
	bytes = how->bytes + second;
	if (limit.rlim_max < bytes) { /* there may be room for one part only */
		bytes = limit.rlim_max;
		least = second > 0 ? 0 : least;
	}
	if (how->bytes > 0)
		CHECK(set_locked_bytes(bytes) == 0);
	before = rss_bytes() - leaf_bytes();
	for (int round = 0; round < 3; round++) {
		for (got = 0; got < n; got++) {
			objs[got] = slab_cache_alloc(c);
			if (objs[got] == NULL)
				break;
			memset(objs[got], 1, 256);
		}
		CHECK(got > least);
		CHECK(how->bytes > 0 ? got < n && errno == ENOMEM : got == n);
		shuffle(objs, got, 4);
		slab_cache_free_bulk(c, got, objs);
		CHECK_SUMS(c);
		/* the pages of a span come with it: one may be more than the reserve */
		CHECK(rss_bytes() <= before + leaf_bytes() + totals().reserve_bytes + 4 * MIB);
	}
	slab_cache_shrink(c);
	/* a thread's table is resident whole as well */
	CHECK(rss_bytes() <= before + leaf_bytes() + MIB + SLAB_SLOTS * sizeof(struct slab__slot));
	CHECK(slab_cache_destroy(c) == 0);
	return 0;
}

Test(limits, locked_memory)
{
	if (is_watched())
		return; /* it does not know mlockall's flags, and RSS is its own */
	cr_expect(in_child(with_locked_memory, &(struct locked){ false, 0 }));
	cr_expect(in_child(with_locked_memory, &(struct locked){ true, 0 }));
	cr_expect(in_child(with_locked_memory, &(struct locked){ false, 8 * MIB }));
	cr_expect(in_child(with_locked_memory, &(struct locked){ true, 8 * MIB }));
}
