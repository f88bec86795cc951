/*
 * test_cache.c - caches come and go: what create accepts, names, destroy, use after it
 */
#include "test/unit.h"

/* A value that no compiler knows, so that it does not warn of what is wrong on purpose. */
static volatile size_t zero;

static void refused(const char *name, size_t size, const struct slab_cache_args *args,
		    size_t args_size, const char *why)
{
	uint64_t caches = totals().caches;

	errno = 0;
	cr_assert_null(slab_cache_create_sized(name, size, args, args_size), "%s", why);
	cr_assert_eq(errno, EINVAL, "%s: errno %d", why, errno);
	cr_assert_eq(totals().caches, caches);
}

Test(cache, bad_sizes_and_names_are_refused)
{
	refused("x", 0, NULL, 0, "size 0");
	refused("x", SLAB_OBJECT_MAX + 1, NULL, 0, "64 KiB and one byte");
	refused("x", SIZE_MAX, NULL, 0, "SIZE_MAX");
	refused(NULL, 8, NULL, 0, "no name");
	refused("", 8, NULL, 0, "empty name");
}

Test(cache, bad_args_are_refused)
{
	const unsigned known = SLAB_PANIC | SLAB_DEBUG_FLAGS | SLAB_ONE_MALLOC;
	struct slab_cache_args args = { .align = 3 };

	refused("x", 8, &args, sizeof args, "alignment 3");
	args.align = 8192;
	refused("x", 8, &args, sizeof args, "alignment 8192");
	args.align = SIZE_MAX;
	refused("x", 8, &args, sizeof args, "alignment SIZE_MAX");
	for (unsigned bit = 0; bit < 32; bit++) {
		args = (struct slab_cache_args){ .flags = 1u << bit };
		if ((args.flags & known) == 0)
			refused("x", 8, &args, sizeof args, "no flag of slab.h");
	}
	args = (struct slab_cache_args){ .reserved = 1 };
	refused("x", 8, &args, sizeof args, "reserved not zero");
}

Test(cache, every_size_and_alignment_in_range_is_served)
{
	static const size_t sizes[] = { 1,   2,    3,    7,    8,     16,    24,
					100, 4000, 4096, 5000, 40000, 65535, 65536 };

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		for (size_t align = 1; align <= SLAB_ALIGN_MAX; align *= 2) {
			struct slab_cache_args args = { .align = align };
			struct slab_cache *c = slab_cache_create("ranged", sizes[i], &args);
			void *obj;

			cr_assert_not_null(c);
			obj = slab_cache_alloc(c);
			cr_assert_eq((uintptr_t)obj % align, 0);
			memset(obj, 0xff, sizes[i]);
			cr_assert_eq(figures(c).align_bytes, align);
			slab_cache_free(c, obj);
			end_cache(c);
		}
	}
}

Test(cache, the_default_alignment_follows_the_size)
{
	for (size_t size = 1; size <= SLAB_OBJECT_MAX; size += size < 200 ? 1 : 1237) {
		struct slab_cache *c = new_cache("default", size);
		size_t want = size % 16 == 0  ? 16
			      : size >= 8     ? 8
			      : size % 4 == 0 ? 4
			      : size % 2      ? 1
					      : 2;

		cr_assert_eq(figures(c).align_bytes, want, "size %zu", size);
		cr_assert_eq(slab_cache_destroy(c), 0);
	}
}

/* ---- programs that were compiled with another header ---- */

struct newer_args {
	struct slab_cache_args known;
	uint64_t new_field;
};

Test(cache, a_newer_program_may_not_ask_for_what_is_unknown)
{
	struct newer_args args = { .known = { .align = 64 } };
	struct slab_cache *c = slab_cache_create_sized("newer", 8, &args.known, sizeof args);

	cr_assert_not_null(c); /* it leaves the new field at its default */
	cr_assert_eq(figures(c).align_bytes, 64);
	cr_assert_eq(slab_cache_destroy(c), 0);
	args.new_field = (uint64_t)1 << 63; /* its last byte */
	refused("newer", 8, &args.known, sizeof args, "a field that is unknown");
}

Test(cache, an_older_program_passes_fewer_fields)
{
	struct slab_cache_args args = { .align = 64, .flags = 77, .reserved = 1 };
	struct slab_cache *c =
	    slab_cache_create_sized("older", 8, &args, offsetof(struct slab_cache_args, flags));

	cr_assert_not_null(c);
	cr_assert_eq(figures(c).align_bytes, 64);
	cr_assert_eq(figures(c).flags, 0);
	cr_assert_eq(slab_cache_destroy(c), 0);
	c = slab_cache_create_sized("none", 8, &args, 0);
	cr_assert_not_null(c);
	cr_assert_eq(slab_cache_destroy(c), 0);
}

/* ---- names ---- */

static void named(const char *given, const char *kept)
{
	struct slab_cache *c = new_cache(given, 8);

	cr_assert_str_eq(figures(c).name, kept);
	cr_assert_eq(slab_cache_destroy(c), 0);
}

Test(cache, names_are_made_fit_to_be_read)
{
	char longest[200];

	named("AZaz09_.:/+-", "AZaz09_.:/+-");
	named("two\nlines\t\"and\" 'quotes'", "two_lines__and___quotes_");
	named("caf\xc3\xa9 \xff\x80\x7f", "caf______");
	named("{\"json\":1}\\", "__json_:1__");
	memset(longest, 'n', sizeof longest);
	longest[199] = '\0';
	longest[63] = 'M';
	longest[62] = 'L';
	{
		struct slab_cache *c = new_cache(longest, 8);

		cr_assert_eq(strlen(figures(c).name), 63);
		cr_assert_eq(figures(c).name[62], 'L');
		cr_assert_eq(slab_cache_destroy(c), 0);
	}
}

Test(cache, the_name_is_copied)
{
	char *name = memcpy(malloc(5), "mine", 5);
	struct slab_cache *c = new_cache(name, 8);

	memset(name, 'X', 4);
	free(name);
	cr_assert_str_eq(figures(c).name, "mine");
	cr_assert_eq(slab_cache_destroy(c), 0);
}

Test(cache, equal_names_are_told_apart_by_id)
{
	struct slab_cache *one = new_cache("twin", 8), *two = new_cache("twin", 8), *three;
	uint64_t id = figures(two).id;

	cr_assert_lt(figures(one).id, id);
	cr_assert_eq(slab_cache_destroy(one), 0);
	cr_assert_eq(slab_cache_destroy(two), 0);
	three = new_cache("twin", 8);
	cr_assert_gt(figures(three).id, id); /* never used again */
	cr_assert_eq(slab_cache_destroy(three), 0);
}

/* ---- destroy ---- */

Test(cache, destroying_none_is_fine)
{
	errno = 77;
	cr_assert_eq(slab_cache_destroy(NULL), 0);
	cr_assert_eq(errno, 77);
}

Test(cache, with_live_objects_destroy_is_refused_and_all_stays_usable)
{
	struct slab_cache *c = new_cache("busy", 48);
	char *objs[10], where[32];

	cr_assert_eq(slab_cache_alloc_bulk(c, 10, (void **)objs), 10);
	for (int i = 0; i < 10; i++)
		memset(objs[i], i, 48);
	listen_to_reports();
	errno = 0;
	cr_assert_eq(slab_cache_destroy(c), -1);
	cr_assert_eq(errno, EBUSY);
	cr_assert_not_null(
	    strstr(heard.text, "destroy of cache 'busy' refused: 10 objects are live: "));
	snprintf(where, sizeof where, "%p, ", (void *)objs[0]);
	cr_assert_not_null(strstr(heard.text, where), "%s", heard.text);
	cr_assert_not_null(strstr(heard.text, ", ...\n"));
	slab_cache_free_bulk(c, 9, (void **)objs);
	cr_assert_eq(slab_cache_destroy(c), -1);
	cr_assert_not_null(strstr(heard.text, "1 object is live: 0x"));
	cr_assert_null(strstr(heard.text, "..."));
	listen_no_more();
	for (int i = 0; i < 48; i++)
		cr_assert_eq(objs[9][i], 9);
	figures_agree(c);
	objs[0] = slab_cache_alloc(c);
	cr_assert_not_null(objs[0]);
	slab_cache_free(c, objs[0]);
	slab_cache_free(c, objs[9]);
	end_cache(c);
}

static long resident_kib(void)
{
	char line[128];
	FILE *f = fopen("/proc/self/status", "r");
	long kib = -1;

	while (f != NULL && fgets(line, sizeof line, f) != NULL)
		if (sscanf(line, "VmRSS: %ld", &kib) == 1)
			break;
	if (f != NULL)
		fclose(f);
	return kib;
}

static void create_and_destroy(long n)
{
	for (long i = 0; i < n; i++) {
		struct slab_cache *c = new_cache("fleeting", 16 + (size_t)(i % 500) * 8);
		void *obj = slab_cache_alloc(c);

		slab_cache_free(c, obj);
		cr_assert_eq(slab_cache_destroy(c), 0);
	}
}

Test(cache, a_hundred_thousand_that_come_and_go_leave_nothing)
{
	uint64_t metadata, mapped;
	long resident;

	create_and_destroy(1000);
	metadata = totals().metadata_bytes;
	mapped = totals().mapped_bytes;
	resident = resident_kib();
	create_and_destroy(rounds(100000, 1000));
	cr_assert_eq(totals().metadata_bytes, metadata);
	cr_assert_eq(totals().mapped_bytes, mapped);
	if (!under_tool())
		cr_assert_leq(resident_kib(), resident + 256);
}

/* ---- the end of the program, with words ---- */

static struct slab_cache *gone(void)
{
	struct slab_cache *c = new_cache("gone", 64);

	slab_cache_free(c, slab_cache_alloc(c));
	if (slab_cache_destroy(c) != 0)
		_exit(98);
	return c;
}

static void use_gone(void *arg)
{
	struct slab_cache *c = gone();
	void *objs[2] = { c, c };

	switch ((int)(intptr_t)arg) {
	case 0:
		(void)slab_cache_alloc(c);
		break;
	case 1:
		slab_cache_free(c, objs);
		break;
	case 2:
		slab_cache_destroy(c);
		break;
	case 3:
		slab_cache_shrink(c);
		break;
	case 4:
		slab_cache_verify(c);
		break;
	case 5:
		(void)slab_cache_zalloc(c);
		break;
	case 6:
		slab_cache_alloc_bulk(c, 2, objs);
		break;
	case 7:
		slab_cache_free_bulk(c, 2, objs);
		break;
	case 8:
		slab_cache_for_each_object(c, NULL, NULL);
		break;
	}
}

Test(cache, use_after_destroy_is_named)
{
	static const char *const calls[] = { "alloc",  "free",   "destroy",
					     "shrink", "verify", "zalloc",
					     "alloc",  "free",   "for_each_object" };
	char words[128];

	for (intptr_t i = 0; i < 9; i++) {
		snprintf(words, sizeof words,
			 "slab: use after destroy: %s with cache 'gone', which "
			 "has been destroyed\n",
			 calls[i]);
		dies_saying(use_gone, (void *)i, words);
	}
}

Test(cache, figures_of_a_destroyed_one_are_refused)
{
	struct slab_cache *c = gone();
	struct slab_cache_stats st;

	errno = 0;
	cr_assert_eq(slab_cache_stats(c, &st, sizeof st), -1);
	cr_assert_eq(errno, EINVAL);
}

static void panic_for(void *name)
{
	struct slab_cache_args args = { .flags = SLAB_PANIC };

	slab_cache_create(name, zero, &args);
}

Test(cache, panic_ends_the_program_with_a_sentence)
{
	char longest[4000];

	dies_saying(panic_for, "must",
		    "slab: cannot create cache 'must': name, size, alignment or "
		    "flags are not allowed\n");
	dies_saying(panic_for, NULL, "slab: cannot create cache '(no name)': name, size");
	dies_saying(panic_for, "two\nlines", "cache 'two_lines': name, size");
	memset(longest, 'n', sizeof longest);
	longest[3999] = '\0';
	dies_saying(panic_for, longest, "n': name, size, alignment or flags are not allowed\n");
}
