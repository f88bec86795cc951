/*
 * test_quarantine.c - freed objects of caches under debug wait, first in first out, within bytes
 */
#include "test/unit.h"

#include "slab/config.h"
#include "slab/debug.h"
#include "slab/quarantine.h"

static void again(void)
{
	slab_config_set(getenv("SLAB_DEBUG"));
	listen_no_more();
}

static void alone(void)
{
	slab_config_set(NULL);
	slab_reap(); /* what others have left to wait */
}

TestSuite(quarantine, .init = alone, .fini = again, .timeout = 60);

static struct slab_cache *waiting_cache(const char *name, size_t size)
{
	struct slab_cache_args args = { .flags = SLAB_POISON };

	return slab_cache_create(name, size, &args);
}

static bool waits(const struct slab_cache *c, const void *obj)
{
	return slab_track_of(c, obj)->state == SLAB_TRACK_WAITING;
}

Test(quarantine, first_in_first_out_within_its_bytes)
{
	struct slab_cache *c = waiting_cache("fifo", 64);
	size_t most = 4096 / c->geo.stride_bytes;
	void *objs[200];

	slab_config_set("Q=4K");
	slab_cache_alloc_bulk(c, 200, objs);
	for (size_t i = 0; i < 200; i++) {
		slab_cache_free(c, objs[i]);
		for (size_t k = 0; k <= i && i < 199; k++) /* the last one frees the slabs */
			cr_assert_eq(waits(c, objs[k]), k + most > i, "%zu of %zu", k, i);
	}
	cr_assert_eq(figures(c).objects_cached, most);
	cr_assert_eq(figures(c).objects_live, 0);
	cr_assert_leq(slab_root.quarantine.bytes, 4096);
	figures_agree(c);
	end_cache(c);
	cr_assert_eq(slab_root.quarantine.bytes, 0);
}

Test(quarantine, caches_share_it)
{
	struct slab_cache *a = waiting_cache("a", 64), *b = waiting_cache("b", 500);
	void *first = slab_cache_alloc(a), *live = slab_cache_alloc(a), *objs[20];

	slab_config_set("Q=4K");
	slab_cache_free(a, first);
	cr_assert(waits(a, first));
	slab_cache_alloc_bulk(b, 20, objs);
	slab_cache_free_bulk(b, 20, objs);
	cr_assert_not(waits(a, first));
	cr_assert_eq(figures(a).objects_cached, 0);
	cr_assert_eq(figures(b).objects_cached, 4096 / b->geo.stride_bytes);
	slab_cache_free(a, live);
	end_cache(b); /* leaves what is a's */
	cr_assert(waits(a, live));
	cr_assert_eq(figures(a).objects_cached, 1);
	end_cache(a);
}

Test(quarantine, nothing_waits_where_nothing_fits)
{
	struct slab_cache *c = waiting_cache("none", 64), *large = waiting_cache("large", 5000);
	void *stays = slab_cache_alloc(c), *obj = slab_cache_alloc(c);

	slab_config_set("Q=0");
	slab_cache_free(c, obj);
	cr_assert_not(waits(c, obj));
	cr_assert_eq(slab_cache_alloc(c), obj); /* the lowest free slot of the slab */
	slab_cache_free(c, obj);
	slab_cache_free(c, stays);
	slab_config_set("Q=4K");
	slab_cache_free(large, slab_cache_alloc(large));
	cr_assert_eq(figures(large).objects_cached, 0);
	end_cache(large);
	end_cache(c);
}

Test(quarantine, objects_are_not_used_again_while_they_wait)
{
	struct slab_cache *c = waiting_cache("again", 64);
	void *obj = slab_cache_alloc(c), *other;

	slab_cache_free(c, obj);
	for (int i = 0; i < 100; i++) {
		other = slab_cache_alloc(c);
		cr_assert_neq(other, obj);
		slab_cache_free(c, other);
	}
	end_cache(c);
}

Test(quarantine, shrink_and_reap_empty_it)
{
	struct slab_cache *a = waiting_cache("a", 64), *b = waiting_cache("b", 64);

	slab_cache_free(a, slab_cache_alloc(a));
	slab_cache_free(b, slab_cache_alloc(b));
	cr_assert_gt(slab_cache_shrink(a), 0);
	cr_assert_eq(figures(a).slabs, 0);
	cr_assert_eq(figures(b).objects_cached, 1);
	slab_reap();
	cr_assert_eq(figures(b).slabs, 0);
	end_cache(a);
	end_cache(b);
}

static void written_while_it_waits(void *arg)
{
	struct slab_cache *c = arg;
	char *obj = slab_cache_alloc(c);

	slab_config_set("Q=4K");
	slab_cache_free(c, obj);
	obj[3] = 'A';
	for (int i = 0; i < 100; i++) /* pushed out by others, it is looked at */
		slab_cache_free(c, slab_cache_alloc(c));
	_exit(7);
}

Test(quarantine, what_is_written_meanwhile_is_seen_when_it_leaves)
{
	struct slab_cache *c = waiting_cache("written", 64);

	dies_saying(written_while_it_waits, c, "poison overwritten: written after free in cache "
	                                       "'written': 1 byte from 0x");
	end_cache(c);
}

static unsigned told, told_under_registry;

static void note_locks(const char *text, size_t len, void *ctx)
{
	(void)text, (void)len, (void)ctx;
	told++;
	told_under_registry += slab_root.registry_owner == (uintptr_t)&slab__slots_v6;
}

/* A thread in dlopen() may wait for it, whose lock a report takes for the names of its stacks. */
Test(quarantine, the_registry_is_free_while_damage_is_reported)
{
	struct slab_cache *c;
	char *obj;

	slab_config_set("r");
	slab_set_reporter(note_locks, NULL);
	for (int by_reap = 0; by_reap < 2; by_reap++) {
		c = waiting_cache("written", 64);
		obj = slab_cache_alloc(c);
		slab_cache_free(c, obj);
		obj[3] = 'A';
		if (by_reap)
			slab_reap();
		cr_assert_eq(slab_cache_destroy(c), 0);
	}
	slab_set_reporter(NULL, NULL);
	cr_assert_eq(told, 2);
	cr_assert_eq(told_under_registry, 0);
}

/* More than its entries, and a limit that falls: entries go before bytes do. */
Test(quarantine, small_objects_and_lower_limits)
{
	struct slab_cache_args args = { .flags = SLAB_CONSISTENCY_CHECKS };
	struct slab_cache *c = slab_cache_create("tiny", 1, &args);
	size_t n = (size_t)rounds(100000, 20000);
	void **objs = calloc(n, sizeof *objs);

	cr_assert_eq(slab_cache_alloc_bulk(c, n, objs), n);
	slab_cache_free_bulk(c, n / 2, objs);
	figures_agree(c);
	cr_assert_leq(figures(c).objects_cached, slab_root.quarantine.room);
	slab_config_set("Q=1K");
	slab_cache_free_bulk(c, n / 2, objs + n / 2);
	figures_agree(c);
	cr_assert_leq(figures(c).objects_cached * c->geo.stride_bytes, 1024);
	end_cache(c);
	free(objs);
}

/* Written after free, into its record: nobody can tell that it waits already. */
Test(quarantine, one_that_waits_twice_is_reported_and_repaired)
{
	struct slab_cache *c;
	struct slab_cache_args args = { .flags = SLAB_RED_ZONE };
	unsigned char *obj, *other;

	slab_config_set("r");
	c = slab_cache_create("twice", 24, &args);
	obj = slab_cache_alloc(c);
	other = slab_cache_alloc(c);
	slab_cache_free(c, obj);
	memset(slab_track_of(c, obj), 0x41, 8);
	listen_to_reports();
	slab_cache_free(c, obj);
	slab_cache_free(c, other);
	slab_cache_shrink(c);
	cr_assert_not_null(strstr(heard.all, "track record overwritten"), "%s", heard.all);
	cr_assert_not_null(strstr(heard.all, "double free: "), "%s", heard.all);
	cr_assert_eq(figures(c).objects_live, 0);
	cr_assert_eq(slab_cache_destroy(c), 0);
}

Test(quarantine, one_that_does_not_fit_pushes_nobody_out)
{
	struct slab_cache *c = waiting_cache("small", 64), *large = waiting_cache("large", 5000);
	void *stays = slab_cache_alloc(c), *obj = slab_cache_alloc(c);

	slab_config_set("Q=4K");
	slab_cache_free(c, obj);
	slab_cache_free(large, slab_cache_alloc(large));
	cr_assert(waits(c, obj));
	slab_cache_free(c, stays);
	end_cache(large);
	end_cache(c);
}

/* The first wrong byte is named; the record is whole again at once, not byte by byte. */
Test(quarantine, a_damaged_record_is_one_report)
{
	struct slab_cache *c = waiting_cache("record", 24);
	void *obj = slab_cache_alloc(c);

	slab_config_set("r");
	slab_cache_free(c, obj);
	memset(&slab_track_of(c, obj)->state, 0x41, 8);
	listen_to_reports();
	slab_cache_shrink(c);
	listen_no_more();
	cr_assert_eq(heard.reports, 1, "%s", heard.all);
	end_cache(c);
}
