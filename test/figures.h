/*
 * figures.h - what the system tests measure: resident memory, mappings, sums that must hold
 *
 * Reads /proc with plain system calls: a measurement that allocates would measure itself. Under
 * valgrind resident memory is mostly valgrind's own, so tests do not judge it there. Include it
 * with _GNU_SOURCE defined.
 */
#ifndef TEST_FIGURES_H
#define TEST_FIGURES_H

#include <sys/mman.h>

#include "test/unit.h"
#include "slab/page.h"

#define KIB ((size_t)1024)
#define MIB ((size_t)1024 * 1024)

/* Resident bytes of this process; smaps_rollup counts exactly, statm in batches per thread. */
static inline size_t rss_bytes(void)
{
	char text[2048], *line;
	int fd = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

	cr_assert(len > 0, "no smaps_rollup");
	close(fd);
	text[len] = '\0';
	line = strstr(text, "\nRss:");
	cr_assert(line != NULL, "no Rss in smaps_rollup");
	return strtoul(line + 5, NULL, 10) * KIB;
}

/* Mappings of this process. */
static inline size_t maps_lines(void)
{
	static char text[65536];
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	size_t lines = 0;
	ssize_t len;

	cr_assert(fd >= 0, "no maps");
	while ((len = read(fd, text, sizeof text)) > 0)
		for (ssize_t i = 0; i < len; i++)
			lines += text[i] == '\n';
	close(fd);
	return lines;
}

/* Calls to the kernel's memory, all kinds together. */
static inline uint64_t page_calls(void)
{
	const struct slab_page_calls *calls = &slab_page_calls;

	return __atomic_load_n(&calls->map, __ATOMIC_RELAXED) +
	       __atomic_load_n(&calls->unmap, __ATOMIC_RELAXED) +
	       __atomic_load_n(&calls->drop, __ATOMIC_RELAXED) +
	       __atomic_load_n(&calls->populate, __ATOMIC_RELAXED);
}

/* Says in words which sum of a resting cache is wrong, NULL when all hold. */
static inline const char *wrong_sum(struct slab_cache *c)
{
	struct slab_cache_stats st;

	if (slab_cache_stats(c, &st, sizeof st) != 0)
		return "no stats";
	if (st.objects_live != st.allocs - st.frees)
		return "live is not allocs - frees";
	if (st.objects_live + st.objects_cached + st.objects_free != st.objects_capacity)
		return "live + cached + free is not capacity";
	if (st.slabs != st.slabs_full + st.slabs_partial + st.slabs_empty)
		return "full + partial + empty is not slabs";
	if (st.objects_peak < st.objects_live + st.objects_cached)
		return "the peak is below live + cached";
	return slab_cache_verify(c) == 0 ? NULL : "verify found faults";
}

#define EXPECT_SUMS(c)                                                                             \
	do {                                                                                       \
		const char *wrong_ = wrong_sum(c);                                                 \
		cr_expect(wrong_ == NULL, "%s", wrong_ ? wrong_ : "");                             \
	} while (0)

/* Pages of the test's own, present before anything is measured. */
static inline void *own_pages(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	               MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	cr_assert(p != MAP_FAILED, "no memory for the test itself");
	memset(p, 0, bytes);
	return p;
}

static inline uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static inline void shuffle(void **objs, size_t n, uint64_t seed)
{
	uint64_t state = seed * 2654435761u + 88172645463325252u;

	for (size_t i = n; i > 1; i--) {
		size_t k = next_random(&state) % i;
		void *obj = objs[i - 1];

		objs[i - 1] = objs[k];
		objs[k] = obj;
	}
}

/* Fills objs from the cache and writes into each object. */
static inline void fill(struct slab_cache *c, void **objs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		objs[i] = slab_cache_alloc(c);
		cr_assert(objs[i] != NULL, "no object %zu of %zu", i, n);
		*(char *)objs[i] = (char)i;
	}
}

static inline void drain(struct slab_cache *c, void **objs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		slab_cache_free(c, objs[i]);
}

#endif
