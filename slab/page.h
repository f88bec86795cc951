/*
 * page.h - what the library asks of the kernel's memory                                  Floor 2
 *
 * All lengths are bytes and multiples of the page size, all addresses page-aligned, length > 0.
 * Results are 0 or a positive errno; errno itself is left alone by every call.
 */
#ifndef SLAB_PAGE_H
#define SLAB_PAGE_H

#include "slab/layout.h"

/* Set by malloc.c alone, where slab is the program's malloc. */
extern const volatile bool slab_serves_malloc __attribute__((visibility("hidden")));

struct slab_range {
	uintptr_t base;
	size_t bytes;
};

/* Maps bytes of zeroes aligned to align (a power of two). Returns 0 when there are none. What is
 * cut off and cannot be unmapped stays without pages, nobody's, and is counted. */
uintptr_t slab_page_map(size_t bytes, size_t align);

/* Whether so many bytes could be mapped now: they are for a moment. */
bool slab_page_could_map(size_t bytes);

/* Maps at exactly base, never over another mapping: EEXIST when somebody is there. */
int slab_page_map_at(uintptr_t base, size_t bytes);

/* Unmaps. ENOMEM: the kernel's limit on mappings; everything is as before, and it is counted. */
int slab_page_unmap(uintptr_t base, size_t bytes);

/* Resizes a mapping where it is. EFAULT: it is several for the kernel, which moves none such. */
int slab_page_remap(uintptr_t base, size_t old_bytes, size_t bytes);

/*
 * Moves a mapping with its pages over the one of bytes at to. ENOMEM: the kernel's limit on
 * mappings; both stay. Any other error: it stays, but older kernels have unmapped the other one by
 * then, so that it may be anybody's.
 */
int slab_page_move(uintptr_t base, size_t old_bytes, uintptr_t to, size_t bytes);

/* Drops the pages behind n ranges, which stay mapped and read as zeroes again. Failures count. */
int slab_page_drop(const struct slab_range *ranges, size_t n);

/* Up to whole pages. */
static inline size_t slab_page_round(size_t bytes)
{
	return (bytes + slab_root.page_bytes - 1) & ~((size_t)slab_root.page_bytes - 1);
}

/* Makes pages present ahead of use; advice, no error matters. */
void slab_page_populate(uintptr_t base, size_t bytes);

/* Asks for huge pages, or for none. Advice. */
void slab_page_advise_huge(uintptr_t base, size_t bytes, bool huge);

size_t slab_page_size(void);
bool slab_page_is_mapped(const void *p);
uint64_t slab_page_random(void);   /* bits that differ from process to process */
size_t slab_page_hole_limit(void); /* how many holes spans may have altogether */

/* For tests: the n-th mapping call from now on fails (1 = the next); 0: none; -n: it and all
 * that follow. */
extern long slab_page_fail_map_at;
/* For tests: every unmapping call fails with this errno; 0: none. */
extern int slab_page_fail_unmap;

/* Calls made, for tests and figures; relaxed. */
struct slab_page_calls {
	uint64_t map, unmap, drop, populate;
};
extern struct slab_page_calls slab_page_calls;

#endif
