/*
 * test_debug.c - caches under debug: each misuse is named at once and shown, or repaired
 */
#define _GNU_SOURCE
#include "test/unit.h"

#include <sys/mman.h>

#include "slab/config.h"
#include "slab/debug.h"

#define FZPU (SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER)

static void again(void)
{
	slab_config_set(getenv("SLAB_DEBUG"));
	listen_no_more();
}

/* What the environment asks for is not what is tested here. */
static void alone(void)
{
	slab_config_set(NULL);
}

TestSuite(debug, .init = alone, .fini = again, .timeout = 60);

static struct slab_cache *debugged(const char *name, size_t size, unsigned flags)
{
	struct slab_cache_args args = { .flags = flags };
	struct slab_cache *c = slab_cache_create(name, size, &args);

	cr_assert_not_null(c, "%s of %zu with %x: %s", name, size, flags, strerror(errno));
	return c;
}

/* ---- misuse ends the program, with words ---- */

static void free_twice(void *arg)
{
	struct slab_cache *c = arg;
	void *obj = slab_cache_alloc(c);

	slab_cache_free(c, obj);
	slab_cache_free(c, obj);
}

static void free_twice_late(void *arg)
{
	struct slab_cache *c = arg;
	void *obj = slab_cache_alloc(c), *other = slab_cache_alloc(c);

	slab_cache_free(c, obj);
	slab_cache_free(c, other);
	slab_cache_alloc(c);
	slab_cache_shrink(c); /* it has left the quarantine, and stands in its slab */
	slab_cache_free(c, obj);
}

static void free_inside(void *arg)
{
	slab_cache_free(arg, (char *)slab_cache_alloc(arg) + 8);
}

static void free_stack(void *arg)
{
	char here[64];

	slab_cache_free(arg, here);
}

static void free_mallocs(void *arg)
{
	slab_cache_free(arg, malloc(10));
}

static void free_nowhere(void *arg)
{
	slab_cache_free(arg, (void *)0x123456789000);
}

static void free_beyond_addresses(void *arg)
{
	slab_cache_free(arg, (void *)0xffffffffffffff00);
}

static void free_unmapped(void *arg)
{
	void *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(p, 4096);
	slab_cache_free(arg, p);
}

/* Its slab has gone back to the kernel. */
static void free_of_hole(void *arg)
{
	struct slab_cache *c = arg;
	void *obj = slab_cache_alloc(c);

	slab_cache_free(c, obj);
	slab_cache_shrink(c);
	slab_cache_free(c, obj);
}

static void free_others(void *arg)
{
	slab_cache_free(arg, slab_cache_alloc(debugged("other", 48, FZPU)));
}

static void free_plain_ones(void *arg)
{
	slab_cache_free(arg, slab_cache_alloc(slab_cache_create("plain", 48, NULL)));
}

static void free_to_plain(void *arg)
{
	slab_cache_free(slab_cache_create("plain", 48, NULL), slab_cache_alloc(arg));
}

static void write_behind(void *arg)
{
	struct slab_cache *c = arg;
	char *obj = slab_cache_alloc(c);

	obj[c->geo.object_bytes] = 'A';
	slab_cache_free(c, obj);
}

static void write_before(void *arg)
{
	char *obj = slab_cache_alloc(arg);

	obj[-1] = 'A';
	slab_cache_free(arg, obj);
}

static void write_far_behind(void *arg)
{
	struct slab_cache *c = arg;
	char *obj = slab_cache_alloc(c);

	memset(obj + c->geo.object_bytes, 'A', 4096);
	slab_cache_free(c, obj);
}

static void write_over_header(void *arg)
{
	struct slab_cache *c = arg;
	char *obj = slab_cache_alloc(c);

	memset((void *)slab_of(&c->geo, obj), 'A', 16);
	slab_cache_free(c, obj);
}

static void write_after_free(void *arg)
{
	char *obj = slab_cache_alloc(arg);

	slab_cache_free(arg, obj);
	obj[5] = 'A';
	slab_cache_destroy(arg);
}

/* No quarantine: it is seen when the object is taken again. */
static void write_after_free_then_take(void *arg)
{
	char *obj = slab_cache_alloc(arg), *stays = slab_cache_alloc(arg);

	slab_config_set("Q=0");
	slab_cache_free(arg, obj);
	obj[47] = 'A';
	while (slab_cache_alloc(arg) != obj)
		;
	slab_cache_free(arg, stays);
}

/* The slab goes before the object is taken again. */
static void write_after_free_then_leave(void *arg)
{
	char *obj = slab_cache_alloc(arg), *last = slab_cache_alloc(arg);

	slab_config_set("Q=0");
	slab_cache_free(arg, obj);
	obj[0] = 'A';
	slab_cache_free(arg, last);
}

static const struct wrong {
	void (*does)(void *);
	const char *words;
} wrongs[] = {
	{ free_twice, "slab: double free: 0x" },
	{ free_twice_late, "slab: double free: 0x" },
	{ free_inside, "is an interior pointer, not the start of an object (slot " },
	{ free_stack, " freed to cache 'debugged' is no object of any cache" },
	{ free_mallocs, " freed to cache 'debugged' is no object of any cache" },
	{ free_nowhere, " freed to cache 'debugged' is no object of any cache" },
	{ free_beyond_addresses, " freed to cache 'debugged' is no object of any cache" },
	{ free_unmapped, " freed to cache 'debugged' is no object of any cache" },
	{ free_of_hole, " freed to cache 'debugged' is no object of any cache" },
	{ free_others, " freed to cache 'debugged' belongs to cache 'other' (slot " },
	{ free_plain_ones, " freed to cache 'debugged' belongs to cache 'plain'" },
	{ free_to_plain, " freed to cache 'plain' belongs to cache 'debugged'" },
	{ write_over_header, "whose header is damaged" },
};

Test(debug, wrong_frees_are_named_with_any_flag)
{
	static const unsigned flags[] = { SLAB_CONSISTENCY_CHECKS, SLAB_RED_ZONE, SLAB_POISON,
		                          SLAB_STORE_USER, FZPU };

	for (size_t f = 0; f < sizeof flags / sizeof flags[0]; f++) {
		struct slab_cache *c = debugged("debugged", 48, flags[f]);

		for (size_t i = 0; i < sizeof wrongs / sizeof wrongs[0]; i++)
			dies_saying(wrongs[i].does, c, wrongs[i].words);
		end_cache(c);
	}
}

Test(debug, damage_is_named_and_shown)
{
	struct slab_cache *c = debugged("debugged", 48, FZPU);

	dies_saying(write_behind, c,
	            "slab: red zone behind the object overwritten in cache 'debugged': 1 byte ");
	dies_saying(write_behind, c, "behind the object's end; the first is 0x41, should be 0xcc");
	dies_saying(write_behind, c, ":>41 cc cc cc cc cc cc cc cc cc cc cc cc cc cc cc  A......");
	dies_saying(write_behind, c, "  object 0x");
	dies_saying(write_behind, c, "\n  allocated by thread ");
	dies_saying(write_before, c,
	            "slab: red zone before the object overwritten in cache 'debugged': 1 byte ");
	dies_saying(write_before, c, ", 1 before the object; the first is 0x41, should be 0xcc");
	dies_saying(write_before, c, " cc cc cc cc cc cc cc cc cc cc cc cc cc>41  ......");
	dies_saying(write_far_behind, c, "slab: track record overwritten in cache 'debugged'");
	dies_saying(write_after_free, c,
	            "slab: poison overwritten: written after free in cache 'debugged': 1 byte ");
	dies_saying(write_after_free, c, " 5 of the object; the first is 0x41, should be 0x6b");
	dies_saying(write_after_free, c, ": 6b 6b 6b 6b 6b>41 6b 6b 6b 6b");
	dies_saying(write_after_free, c, "\n  freed by thread ");
	dies_saying(write_after_free_then_take, c, "at offset 47 of the object; the first is 0x41, "
	                                           "should be 0xa5");
	dies_saying(write_after_free_then_leave, c, "at offset 0 of the object; the first is 0x41");
	end_cache(c);
}

/* From the exact size on, whatever the alignment leaves behind it. */
Test(debug, zones_begin_at_the_exact_size)
{
	static const size_t sizes[] = { 1, 2, 7, 8, 13, 24, 63, 100, 1000, 4095, 4096, 65536 };
	static const size_t aligns[] = { 0, 64, 4096 };

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		for (size_t k = 0; k < sizeof aligns / sizeof aligns[0]; k++) {
			struct slab_cache_args args = { .align = aligns[k], .flags = FZPU };
			struct slab_cache *c = slab_cache_create("zones", sizes[i], &args);
			char *obj = slab_cache_alloc(c);

			cr_assert_not_null(obj);
			cr_assert_eq((uintptr_t)obj % (aligns[k] ? aligns[k] : 1), 0);
			memset(obj, 'x', sizes[i]); /* all of it is the program's */
			cr_assert_eq(slab_cache_verify(c), 0);
			listen_to_reports();
			for (int side = 0; side < 2; side++) {
				char *at = side ? obj + sizes[i] : obj - 1, was = *at;

				*at = 'x';
				cr_assert_eq(slab_cache_verify(c), 1, "%zu, %d", sizes[i], side);
				*at = was;
			}
			listen_no_more();
			slab_cache_free(c, obj);
			figures_agree(c);
			end_cache(c);
		}
	}
}

Test(debug, patterns_are_the_kernels)
{
	struct slab_cache *c = debugged("patterns", 24, SLAB_POISON | SLAB_RED_ZONE);
	unsigned char *obj = slab_cache_alloc(c);

	for (int i = 0; i < 24; i++)
		cr_assert_eq(obj[i], 0x5a);
	cr_assert_eq(obj[24], 0xcc);
	cr_assert_eq(obj[-1], 0xcc);
	slab_cache_free(c, obj);
	for (int i = 0; i < 23; i++)
		cr_assert_eq(obj[i], 0x6b);
	cr_assert_eq(obj[23], 0xa5);
	cr_assert_eq(obj[24], 0xbb);
	cr_assert_eq(obj[-1], 0xbb);
	end_cache(c);
}

/* ---- with r the program goes on ---- */

static void goes_on(struct slab_cache *c, void (*wrong)(void *), const char *words)
{
	listen_to_reports();
	wrong(c);
	listen_no_more();
	cr_assert_geq(heard.reports, 1);
	cr_assert_not_null(strstr(heard.all, words), "wanted %s in %s", words, heard.all);
	cr_assert_eq(slab_cache_verify(c), 0, "after %s: %s", words, heard.all);
}

Test(debug, repair_goes_on)
{
	struct slab_cache *c;

	slab_config_set("r");
	c = debugged("debugged", 48, FZPU);
	goes_on(c, write_behind, "red zone behind");
	goes_on(c, write_before, "red zone before");
	goes_on(c, free_twice, "double free");
	goes_on(c, free_stack, "no object of any cache");
	goes_on(c, free_nowhere, "no object of any cache");
	figures_agree(c);
	cr_assert_eq(figures(c).objects_live, 0);
	goes_on(c, free_inside, "interior pointer"); /* that object stays live */
	cr_assert_eq(figures(c).objects_live, 1);
	listen_to_reports();
	cr_assert_eq(slab_cache_destroy(c), -1);
	listen_no_more();
}

Test(debug, repair_makes_the_patterns_anew)
{
	struct slab_cache *c = debugged("repaired", 48, FZPU);
	unsigned char *obj = slab_cache_alloc(c);

	slab_config_set("r");
	slab_cache_free(c, obj);
	obj[7] = 1;
	obj[-3] = 2;
	obj[50] = 3;
	listen_to_reports();
	slab_cache_shrink(c);
	listen_no_more();
	cr_assert_eq(heard.reports, 3, "%s", heard.all);
	end_cache(c);
}

/* ---- verify ---- */

static void verify_finds(struct slab_cache *c, unsigned char *at, const char *words)
{
	unsigned char was = *at;

	*at ^= 0x55;
	listen_to_reports();
	cr_assert_eq(slab_cache_verify(c), 1, "%s", words);
	listen_no_more();
	*at = was;
	cr_assert_not_null(strstr(heard.text, words), "wanted %s in %s", words, heard.text);
	cr_assert_eq(slab_cache_verify(c), 0);
}

Test(debug, verify_looks_at_every_zone_and_poison)
{
	struct slab_cache *c = debugged("verified", 48, FZPU);
	unsigned char *live = slab_cache_alloc(c), *waits = slab_cache_alloc(c), *unused;
	struct slab *s = slab_of(&c->geo, live);

	slab_cache_free(c, waits);
	unused = slab_object(s, &c->geo, c->geo.objects - 1);
	verify_finds(c, live - 1, "red zone before");
	verify_finds(c, live - SLAB_ZONE_BYTES, "red zone before");
	verify_finds(c, live + 48, "red zone behind");
	verify_finds(c, live + 48 + SLAB_ZONE_BYTES - 1, "red zone behind");
	verify_finds(c, (unsigned char *)slab_track_of(c, live), "track record");
	verify_finds(c, waits, "poison");
	verify_finds(c, waits + 47, "poison");
	verify_finds(c, waits + 48, "red zone behind");
	verify_finds(c, unused, "poison");
	verify_finds(c, unused - 1, "red zone before");
	verify_finds(c, (unsigned char *)slab_track_of(c, unused), "track record");
	c->slabs.waiting++;
	listen_to_reports();
	cr_assert_eq(slab_cache_verify(c), 1);
	cr_assert_not_null(strstr(heard.text, "objects in the quarantine"));
	listen_no_more();
	c->slabs.waiting--;
	slab_cache_free(c, live);
	end_cache(c);
}
