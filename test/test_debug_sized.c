/*
 * test_debug_sized.c - blocks by size under debug: the zone begins at the size asked for, wrong
 * blocks are named
 */
#include "test/unit.h"

#include "slab/config.h"

/* The classes are made once in a process, at their first use: this file has them all debugged. */
static void debugged(void)
{
	slab_config_set("FZPU,size-*");
}

static void forget_settings(void)
{
	slab_config_set(getenv("SLAB_DEBUG"));
}

TestSuite(debug_sized, .init = debugged, .fini = forget_settings);

/* Every byte asked for is the program's, and the next one is seen. */
static void ends_after(unsigned char *p, size_t size)
{
	struct slab_cache *c = slab_cache_of(p);
	unsigned char was = p[size];

	cr_assert_not_null(c);
	cr_assert_eq(slab_usable_size(p), size);
	memset(p, 'x', size);
	cr_assert_eq(slab_cache_verify(c), 0, "%zu", size);
	p[size] = 'x';
	listen_to_reports();
	cr_assert_eq(slab_cache_verify(c), 1, "%zu", size);
	listen_no_more();
	p[size] = was;
	cr_assert_not_null(strstr(heard.text, ", 0 behind the object's end;"), "%s", heard.text);
}

static const size_t sizes[] = { 1, 13, 16, 17, 100, 128, 129, 1000, 4097, 60000, 65536 };

Test(debug_sized, zones_begin_at_the_size_asked_for)
{
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		for (size_t align = 16; align <= 4096; align *= 16) {
			unsigned char *p = slab_aligned_alloc(align, sizes[i]);

			cr_assert_eq((uintptr_t)p % align, 0);
			if (align > 16 && sizes[i] + align > SLAB_OBJECT_MAX) {
				slab_free(p); /* a mapping of its own */
				continue;
			}
			ends_after(p, sizes[i]);
			slab_free(p);
			p = slab_calloc(1, sizes[i]);
			cr_assert_eq(p[sizes[i] - 1], 0);
			ends_after(p, sizes[i]);
			slab_free(p);
		}
	}
	slab_free(slab_malloc(0));
	slab_reap();
}

Test(debug_sized, realloc_moves_the_zone)
{
	unsigned char *p = slab_malloc(5);

	memcpy(p, "abcd", 5);
	cr_assert_eq(slab_realloc(p, 5), p);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		p = slab_realloc(p, sizes[i]);
		cr_assert(sizes[i] == 1 || p[0] == (i < 2 ? 'a' : 'x'));
		p[0] = 'a';
		ends_after(p, sizes[i]);
		p[0] = sizes[i] == 1 ? 'a' : 'x';
	}
	slab_free(slab_realloc(p, 13));
	slab_reap();
}

static void overrun(void *size)
{
	char *p = slab_malloc((size_t)size);

	p[(size_t)size] = 'x';
	slab_free(p);
}

Test(debug_sized, one_byte_too_many_is_named)
{
	dies_saying(overrun, (void *)13, "overwritten in cache 'size-16': 1 byte from ");
	dies_saying(overrun, (void *)100, "overwritten in cache 'size-112': 1 byte from ");
	dies_saying(overrun, (void *)100, " of 100 bytes, slot ");
}

/* ---- wrong blocks ---- */

static void free_any(void *p)
{
	slab_free(p);
}

static void goes_on(void *p, const char *words)
{
	listen_to_reports();
	slab_free(p);
	cr_assert_eq(heard.reports, 1, "%s", heard.all);
	cr_assert_eq(slab_usable_size(p), 0);
	listen_no_more();
	cr_assert_not_null(strstr(heard.all, words), "wanted %s in %s", words, heard.all);
}

Test(debug_sized, wrong_blocks_are_named_and_ignored_if_so_wanted)
{
	char *p = slab_malloc(40);
	struct slab_cache *c = slab_cache_of(p);
	int local;

	dies_saying(free_any, &local, " is no block of this allocator\n");
	dies_saying(free_any, p + 8, " is an interior pointer, not the start of an object");
	dies_saying(free_any, p + 16, " is an interior pointer, not the start of an object");
	slab_config_set("FZPU,size-*;r");
	if (!under_tool()) { /* which is told of them, too */
		goes_on(&local, " is no block of this allocator\n");
		goes_on((void *)8, " is no block of this allocator\n");
		goes_on((void *)((uintptr_t)1 << 60), " is no block of this allocator\n");
	}
	listen_to_reports();
	slab_free(p + 8);
	slab_free(p + 16);
	slab_free(p);
	slab_free(p);
	listen_no_more();
	cr_assert_eq(heard.reports, 3, "%s", heard.all);
	cr_assert_eq(slab_cache_verify(c), 0);
	cr_assert_eq(figures(c).objects_live, 0);
	slab_reap();
}

static void realloc_freed(void *p)
{
	slab_free(p);
	(void)!slab_realloc(p, 100); /* to the size it had */
}

static void realloc_freed_to_all(void *p)
{
	slab_free(p);
	(void)!slab_realloc(p, slab_usable_size(p)); /* to all that its class has */
}

static void realloc_inside(void *p)
{
	(void)!slab_realloc((char *)p + 16, slab_usable_size((char *)p + 16));
}

Test(debug_sized, realloc_to_the_same_size_takes_whole_blocks_alone)
{
	char *p = slab_malloc(100);

	cr_assert_eq(slab_realloc(p, 100), p);
	dies_saying(realloc_freed, p, "slab: double free: ");
	dies_saying(realloc_freed_to_all, p, "slab: double free: ");
	dies_saying(realloc_inside, p, " is an interior pointer, not the start of an object (");
	slab_free(p);
}
