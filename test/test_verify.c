/*
 * test_verify.c - the validators can see: each is shown the fault that it is there for
 *
 * A fault is one field changed. It must be reported, and no longer once the field is put back.
 */
#define _GNU_SOURCE
#include <pthread.h>

#include "slab/bitmap.h"
#include "slab/depot.h"
#include "slab/list.h"
#include "slab/map.h"
#include "slab/slabpage.h"
#include "test/sees.h"

#define N 600

static void *objs[N];

static struct slab *partial, *full; /* of the cache */
static struct slab_span *span;
static struct slab__slot *slot;

/* Slabs of every fill, both magazines loaded, something in the depot. */
static void make(void)
{
	c = new_cache("checked", 40);
	cr_assert_eq(slab_cache_alloc_bulk(c, N, objs), N);
	slab_thread_flush();
	for (int i = 0; i < N; i += i < N / 2 ? 1 : 2) {
		slab_cache_free(c, objs[i]);
		objs[i] = NULL;
	}
	slot = my_slot(c);
	cr_assert(slab_slot_count(slot) > 1 && slot->prev_count > 1 && c->depot.shelf != NULL);
	for (int b = SLAB_BANDS; b-- > 0;)
		if (!slab_list_empty(&c->slabs.band[b]))
			partial = slab_container(c->slabs.band[b].next, struct slab, link);
	for (int i = 0; i < N; i++)
		if (objs[i] != NULL && slab_of(&c->geo, objs[i])->band == SLAB_BAND_NONE)
			full = slab_of(&c->geo, objs[i]);
	cr_assert(partial != NULL && full != NULL);
	span = slab_map_span(partial);
	cr_assert_eq(slab_cache_verify(c), 0);
}

static void unmake(void)
{
	slab_cache_free_bulk(c, N, objs);
	end_cache(c);
}

TestSuite(verify, .init = make, .fini = unmake);

static void sees_bit(uint64_t *map, uint32_t i, const char *words)
{
	uint64_t word = map[i / 64] ^ (uint64_t)1 << (i % 64);

	sees(&map[i / 64], &word, sizeof word, words);
}

/* ---- one slab ---- */

Test(verify, every_bit_of_a_bitmap)
{
	for (uint32_t i = 0; i < c->geo.words * 64; i++) {
		sees_bit(partial->bitmap, i,
			 i < c->geo.objects ? "a bit of a slab" : "a bit beyond");
		sees_bit(full->bitmap, i, "a bit of a full slab");
	}
}

Test(verify, fields_of_a_slab)
{
	SEES_NUMBER(partial->in_use, "in_use of a partial slab");
	SEES_NUMBER(full->in_use, "in_use of a full slab");
	SEES_NUMBER(partial->band, "band of a partial slab");
	SEES_NUMBER(full->band, "band of a full slab");
	SEES_NUMBER(partial->cookie, "cookie of a partial slab");
	SEES_NUMBER(full->cookie, "cookie of a full slab");
}

Test(verify, a_band_floor_that_hides_a_change_of_band)
{
	uint16_t high = (uint16_t)(partial->in_use + 1);

	sees(&partial->band_floor, &high, sizeof high, "band_floor above in_use");
	SEES_NUMBER(partial->band_floor, "band_floor of a partial slab");
	SEES_NUMBER(full->band_floor, "band_floor of a full slab");
}

Test(verify, links)
{
	struct slab_list *wrong[] = { NULL, &full->link, &partial->link,
				      (struct slab_list *)(void *)&span };

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		sees(&partial->link.next, &wrong[i], sizeof wrong[i], "next of a slab");
		sees(&partial->link.prev, &wrong[i], sizeof wrong[i], "prev of a slab");
	}
	for (int b = 0; b < SLAB_BANDS; b++) {
		sees(&c->slabs.band[b].next, &wrong[0], sizeof wrong[0], "head of a band");
		sees(&c->slabs.band[b].next, &wrong[1], sizeof wrong[1], "a full slab in a band");
	}
}

Test(verify, a_slab_on_the_wrong_list)
{
	struct slab_list *other = &c->slabs.band[(partial->band + 1) % SLAB_BANDS];

	slab_list_del(&partial->link);
	slab_list_add(&partial->link, other);
	listen_to_reports();
	cr_assert_gt(slab_cache_verify(c), 0);
	listen_no_more();
	slab_list_del(&partial->link);
	slab_list_add(&partial->link, &c->slabs.band[partial->band]);
	cr_assert_eq(slab_cache_verify(c), 0);
}

/* ---- the spans ---- */

Test(verify, counters_of_a_span)
{
	SEES_NUMBER(span->n_free, "n_free of a span");
	SEES_NUMBER(span->n_warm, "n_warm of a span");
	SEES_NUMBER(span->n_lost, "n_lost of a span");
}

/* It has spans of its own, which know of its slabs there. */
Test(verify, spans_of_a_large_cache)
{
	static void *many[4000];
	struct slab_cache *small = c;
	struct slab_span *own, *none = NULL;
	struct slab *home, *filled;
	uint64_t other[SLAB_SPAN_WORDS];

	c = new_cache("checked", 256);
	cr_assert_eq(slab_cache_alloc_bulk(c, 4000, many), 4000);
	home = slab_of(&c->geo, many[2000]);
	filled = slab_of(&c->geo, many[2500]);
	own = slab_map_span(home);
	slab_cache_free(c, many[2000]);
	many[2000] = NULL;
	slab_thread_flush();
	cr_assert(home->at_home && own->owner == c && own->n_partial == 1 && filled->at_home);
	SEES_NUMBER(own->n_home, "n_home of a span");
	SEES_NUMBER(own->n_partial, "n_partial of a span");
	filled->at_home = false; /* a bit-field; what is full has no band */
	listen_to_reports();
	cr_assert_eq(slab_cache_verify(c), 1, "%s", heard.all);
	listen_no_more();
	filled->at_home = true;
	sees(&c->slabs.oldest, &none, sizeof none, "no oldest span");
	for (uint32_t i = 0; i < SLAB_SPAN_SLABS; i++)
		sees_bit(own->partial, i, "a bit of a partial slab");
	for (uint32_t w = 0; w < SLAB_SPAN_WORDS; w++)
		other[w] = own->partial[w] << 1 | own->partial[w] >> 63;
	sees(own->partial, other, sizeof other, "the bit of another slab");
	slab_cache_free_bulk(c, 4000, many);
	end_cache(c);
	c = small;
}

Test(verify, every_page_of_a_slab_in_the_map)
{
	struct slab_cache *small = c, *wide = new_cache("checked", 5000);
	void *of_class = slab_malloc(100), *obj = slab_cache_alloc(wide);
	uintptr_t base = slab_base(&wide->geo, slab_of(&wide->geo, obj));
	struct slab_map_leaf *leaf = slab_map_leaves[base >> SLAB__LEAF_SHIFT];
	size_t page = (base >> SLAB__PAGE_SHIFT) % SLAB__LEAF_PAGES;

	c = wide;
	for (size_t i = 0; i < wide->geo.slab_bytes >> SLAB__PAGE_SHIFT; i++)
		SEES_NUMBER(leaf->number[page + i], "number of a page in the map");
	slab_cache_free(wide, obj);
	end_cache(wide);
	c = slab_cache_of(of_class);
	leaf = slab_map_leaves[(uintptr_t)of_class >> SLAB__LEAF_SHIFT];
	page = ((uintptr_t)of_class >> SLAB__PAGE_SHIFT) % SLAB__LEAF_PAGES;
	leaf->by_size[page]++;
	listen_to_reports();
	cr_assert_eq(slab_cache_verify(c), 1, "%s", heard.all);
	listen_no_more();
	leaf->by_size[page]--;
	slab_free(of_class);
	c = small;
}

Test(verify, every_bit_of_a_span)
{
	for (uint32_t i = 0; i < span->slabs; i++) {
		sees_bit(span->free, i, "free bit of a span");
		sees_bit(span->warm, i, "warm bit of a span");
		sees_bit(span->hole, i, "hole bit of a span"); /* of a clean slab: mapped bytes */
	}
}

Test(verify, bits_of_a_span_that_contradict_each_other)
{
	uint32_t held = (uint32_t)(((uintptr_t)partial - span->base) / c->geo.slab_bytes);

	span->n_warm++; /* so that the count agrees */
	listen_to_reports();
	slab_bit_set(span->warm, held);
	cr_assert_gt(slab_cache_verify(c), 0, "a slab that is held and warm");
	slab_bit_clear(span->warm, held);
	listen_no_more();
	span->n_warm--;
	cr_assert_eq(slab_cache_verify(c), 0);
}

/* ---- what is parked ---- */

static void sees_object(void **at, void *foreign, const char *whose)
{
	void *wrong[5];

	wrong[0] = foreign;
	wrong[1] = (char *)*at + 8;
	wrong[2] = NULL;
	wrong[3] = &foreign;
	wrong[4] = slab_object(partial, &c->geo,
			       slab_bit_next_zero(partial->bitmap, c->geo.words * 64, 0));
	for (int i = 0; i < 5; i++)
		if (wrong[i] != NULL || at != (void **)&slot->hot) /* there may be none there */
			sees(at, &wrong[i], sizeof wrong[i], whose);
}

Test(verify, parked_objects)
{
	struct slab_cache *other = new_cache("foreign", 40);
	void *foreign = slab_cache_alloc(other);
	uint32_t count = slab_slot_count(slot) - 1;

	slot->hot = (uintptr_t)slot->objs[count]; /* what was there went when other got a slot */
	slab_slot_set_count(slot, count);
	sees_object(&slot->objs[0], foreign, "the loaded magazine");
	sees_object((void **)&slot->hot, foreign, "the object outside of the magazines");
	sees_object(&slot->prev->objs[1], foreign, "the previous magazine");
	sees_object(&c->depot.shelf->objs[2], foreign, "a magazine in the depot");
	slab_cache_free(other, foreign);
	end_cache(other);
}

Test(verify, an_object_beside_a_closed_slot)
{
	slab_thread_flush();
	cr_assert_null(slot->objs);
	SEES_NUMBER(slot->hot, "hot of a closed slot");
}

Test(verify, magazines)
{
	struct slab_magazine *loaded = slab_slot_loaded(slot);
	uint64_t many = (slot->word & ~SLAB__COUNT_MASK) | (loaded->cap + 1u);

	sees(&slot->word, &many, sizeof many, "more in the loaded magazine than it holds");
	SEES_NUMBER(slot->prev_count, "prev_count");
	SEES_NUMBER(slot->prev->count, "count of the previous magazine");
	SEES_NUMBER(c->depot.shelf->count, "count of a shelved magazine");
	SEES_NUMBER(loaded->bottom, "bottom of the loaded magazine");
	SEES_NUMBER(slot->prev->bottom, "bottom of the previous magazine");
	SEES_NUMBER(c->depot.shelf->bottom, "bottom of a shelved magazine");
}

Test(verify, the_depot)
{
	struct slab_magazine *none = NULL, *loop = c->depot.shelf, *m = loop;

	SEES_NUMBER(c->depot.objects, "objects in the depot");
	SEES_NUMBER(c->depot.pin_bytes, "bytes that a depot pins");
	SEES_NUMBER(slab_root.depot_pin_bytes, "and all of them");
	sees(&c->depot.shelf, &none, sizeof none, "a shelf that was lost");
	while (m->next != NULL)
		m = m->next;
	sees(&m->next, &loop, sizeof loop, "a shelf that goes round");
}

/* ---- totals ---- */

Test(verify, totals_of_the_cache)
{
	uint64_t low = c->slabs.used - 1;

	SEES_NUMBER(c->slabs.slabs, "slabs");
	SEES_NUMBER(c->slabs.full, "full");
	SEES_NUMBER(c->slabs.empty, "empty");
	SEES_NUMBER(c->slabs.thin, "thin");
	SEES_NUMBER(c->slabs.used, "used");
	sees(&c->slabs.used_peak, &low, sizeof low, "peak below used");
}

/* ---- faults that another check sees as well: each is named ---- */

static void is_named(const char *words)
{
	listen_to_reports();
	cr_assert_gt(slab_cache_verify(c), 0);
	listen_no_more();
	cr_assert_not_null(strstr(heard.all, words), "not \"%s\" but %s", words, heard.all);
}

Test(verify, bits_beyond_the_last_slot)
{
	uint32_t i = c->geo.objects;

	cr_assert_neq(i % 64, 0);
	slab_bit_clear(partial->bitmap, i);
	is_named("bits beyond the last slot at 0x");
	slab_bit_set(partial->bitmap, i);
}

Test(verify, a_slab_that_is_on_no_list)
{
	slab_list_del(&partial->link);
	is_named("slabs on the partial lists: is ");
	slab_list_add(&partial->link, &c->slabs.band[partial->band]);
}

Test(verify, a_map_that_names_another_span)
{
	static struct slab_span other;

	other = *span;
	slab_map_enter(span->base, span->bytes, &other, (uint8_t)(span->order + 1));
	is_named("the map names another span for slab at 0x");
	slab_map_enter(span->base, span->bytes, span, (uint8_t)(span->order + 1));
}

Test(verify, more_parked_than_used)
{
	struct slab_magazine *m = c->depot.shelf;

	while (m->next != NULL)
		m = m->next;
	m->next = c->depot.shelf; /* a loop */
	is_named("objects parked, of those in use: is ");
	m->next = NULL;
}

Test(verify, words_name_the_place_and_both_numbers)
{
	char words[128];

	partial->in_use++;
	listen_to_reports();
	cr_assert_gt(slab_cache_verify(c), 0);
	listen_no_more();
	partial->in_use--;
	snprintf(words, sizeof words, "in_use of slab at %p: is %u, should be %u\n",
		 (void *)partial, partial->in_use + 1u, (unsigned)partial->in_use);
	cr_assert_not_null(strstr(heard.text, "slab: verify of cache 'checked': "));
	cr_assert(strstr(heard.text, words) != NULL || heard.reports > 1, "%s", heard.text);
}

/* ---- threads that are in the middle of something ---- */

static pthread_barrier_t in_between;

/* A new thread whose first call is a free: it has no struct of its own yet. */
static void *be_in_between(void *arg)
{
	struct slab_thread *t = slab_thread_lock_to_free();

	(void)arg;
	c->slabs.used--;
	pthread_barrier_wait(&in_between);
	usleep(50000);
	c->slabs.used++;
	slab_thread_unlock(t);
	return NULL;
}

Test(verify, waits_for_threads_without_slots_too)
{
	pthread_t id;

	pthread_barrier_init(&in_between, NULL, 2);
	cr_assert_eq(pthread_create(&id, NULL, be_in_between, NULL), 0);
	pthread_barrier_wait(&in_between);
	cr_assert_eq(slab_cache_verify(c), 0, "it looked at what was half done");
	pthread_join(id, NULL);
	pthread_barrier_destroy(&in_between);
}
