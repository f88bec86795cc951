/*
 * test_misuse.c - what is done wrong is named, in every build: each case ends in a child
 *
 * "At once" means in the call itself; "late" means when the magazine reaches the slabs.
 */
#include "test/unit.h"
#include "slab/slabpage.h"

static struct slab_cache *c, *other;
static char words[256];

static void make(void)
{
	c = new_cache("conn", 64);
	other = new_cache("other", 80);
}

static void unmake(void)
{
	end_cache(c);
	end_cache(other);
}

TestSuite(misuse, .init = make, .fini = unmake);

/* After "at once" nothing may be reached; exit status 55 says that it was. */
static void too_late(void)
{
	_exit(55);
}

static const char *slot_of(const char *format, const void *obj, const void *shown)
{
	uintptr_t slab = (uintptr_t)obj & ~(uintptr_t)4095;
	unsigned slot = slab_slot_at(slab_of(&c->geo, obj), &c->geo, obj);

	snprintf(words, sizeof words, format, shown, slot, (void *)slab);
	return words;
}

/* ---- double free ---- */

static void free_twice_in_a_row(void *obj)
{
	slab_cache_free(c, obj);
	slab_cache_free(c, obj);
	too_late();
}

Test(misuse, a_double_free_on_top_is_named_at_once)
{
	void *obj = slab_cache_alloc(c);

	dies_saying(
	    free_twice_in_a_row, obj,
	    slot_of("slab: double free: %p of cache 'conn' is free already (slot %u of slab "
		    "%p)\n",
		    obj, obj));
	slab_cache_free(c, obj);
}

static void free_twice_after_a_flush(void *obj)
{
	slab_thread_flush(); /* the first free opens the slot anew */
	free_twice_in_a_row(obj);
}

Test(misuse, a_double_free_in_a_row_is_named_by_a_thread_that_had_no_magazine)
{
	void *obj = slab_cache_alloc(c);

	dies_saying(free_twice_after_a_flush, obj, "slab: double free: 0x");
	slab_cache_free(c, obj);
}

static void free_between(void *obj)
{
	void *between = slab_cache_alloc(c);

	slab_cache_free(c, obj);
	slab_cache_free(c, between);
	slab_cache_free(c, obj);
	slab_thread_flush();
	too_late();
}

Test(misuse, a_double_free_is_named_when_both_reach_the_slabs)
{
	void *obj = slab_cache_alloc(c);

	dies_saying(
	    free_between, obj,
	    slot_of("slab: double free: %p of cache 'conn' is free already (slot %u of slab "
		    "%p)\n",
		    obj, obj));
	slab_cache_free(c, obj);
}

static void *free_in_thread(void *obj)
{
	slab_cache_free(c, obj);
	return NULL;
}

static void free_across_threads(void *obj)
{
	pthread_t id;

	slab_cache_free(c, obj);
	pthread_create(&id, NULL, free_in_thread, obj);
	pthread_join(id, NULL); /* its end has emptied its magazines */
	slab_thread_flush();
	too_late();
}

Test(misuse, a_double_free_across_threads_is_named)
{
	void *obj = slab_cache_alloc(c), *neighbour = slab_cache_alloc(c);

	dies_saying(free_across_threads, obj, "slab: double free: 0x");
	slab_cache_free(c, obj);
	slab_cache_free(c, neighbour);
}

static void free_after_its_slab_left(void *obj)
{
	slab_cache_free(c, obj);
	slab_thread_flush(); /* the slab is nobody's now, but its page is there */
	slab_cache_free(c, obj);
	too_late();
}

Test(misuse, a_free_after_the_slab_has_left_is_named_at_once)
{
	void *obj = slab_cache_alloc(c);

	snprintf(words, sizeof words,
		 "slab: bad free: %p freed to cache 'conn' is no object of any "
		 "cache\n",
		 obj);
	dies_saying(free_after_its_slab_left, obj, words);
	slab_cache_free(c, obj);
}

static void free_after_its_slab_went_back(void *obj)
{
	slab_cache_free(c, obj);
	slab_thread_flush();
	slab_reap(); /* no page is there any more */
	slab_cache_free(c, obj);
	too_late();
}

Test(misuse, so_is_one_after_the_slab_has_gone_back)
{
	void *obj = slab_cache_alloc(c);

	snprintf(words, sizeof words, "%p freed to cache 'conn' is no object of any cache\n", obj);
	dies_saying(free_after_its_slab_went_back, obj, words);
	slab_cache_free(c, obj);
}

/* ---- pointers of others ---- */

static void free_to_other(void *obj)
{
	slab_cache_free(other, obj);
	too_late();
}

Test(misuse, the_wrong_cache_is_named_at_once_and_both_are)
{
	void *obj = slab_cache_alloc(c), *warm_up;

	dies_saying(
	    free_to_other, obj,
	    slot_of("slab: bad free: %p freed to cache 'other' belongs to cache 'conn' (slot "
		    "%u of slab %p)\n",
		    obj, obj));
	warm_up = slab_cache_alloc(other); /* and by the fast path, too */
	slab_cache_free(other, warm_up);
	dies_saying(free_to_other, obj, "freed to cache 'other' belongs to cache 'conn'");
	slab_cache_free(c, obj);
}

Test(misuse, so_is_a_cache_of_another_order)
{
	struct slab_cache *wide = new_cache("wide", 5000);
	void *obj = slab_cache_alloc(wide);

	dies_saying(free_to_other, obj,
		    "freed to cache 'other' belongs to cache 'wide' (slot 0 of");
	slab_cache_free(wide, obj);
	end_cache(wide);
}

static void free_it(void *obj)
{
	slab_cache_free(c, slab_cache_alloc(c)); /* the fast path is open */
	slab_cache_free(c, obj);
	too_late();
}

static void free_it_unopened(void *obj)
{
	slab_cache_free(c, obj);
	too_late();
}

static void says_no_object(void *p)
{
	snprintf(words, sizeof words,
		 "slab: bad free: %p freed to cache 'conn' is no object of any "
		 "cache\n",
		 p);
	dies_saying(free_it, p, words);
	dies_saying(free_it_unopened, p, words);
}

Test(misuse, pointers_from_nowhere_are_named_at_once)
{
	static char in_data[3 * 4096];
	char on_stack[3 * 4096] = { 0 };
	char *heap = calloc(3, 4096); /* its page begins in it: readable for valgrind, too */

	says_no_object(in_data + 5000);
	says_no_object(on_stack + 5000);
	says_no_object(heap + 5000);
	free(heap);
}

/* ---- inside ---- */

static void free_and_flush(void *obj)
{
	slab_cache_free(c, obj);
	slab_thread_flush();
	too_late();
}

Test(misuse, an_interior_pointer_is_named_when_it_reaches_the_slabs)
{
	char *obj = slab_cache_alloc(c);

	dies_saying(
	    free_and_flush, obj + 8,
	    slot_of("slab: bad free: %p freed to cache 'conn' is an interior pointer, not the "
		    "start of an object (slot %u of slab %p)\n",
		    obj, obj + 8));
	snprintf(words, sizeof words, "(in the header of slab %p)",
		 (void *)((uintptr_t)obj & ~(uintptr_t)4095));
	dies_saying(free_and_flush, (char *)slab_of(&c->geo, obj) + 8, words);
	slab_cache_free(c, obj);
}

/* ---- damage ---- */

static void free_with_broken_header(void *obj)
{
	struct slab *s = slab_of(&c->geo, obj);

	slab_thread_flush(); /* so that no other object of the slab reaches it first */
	s->cookie ^= 1;
	free_and_flush(obj);
}

Test(misuse, a_damaged_header_is_named_when_an_object_reaches_it)
{
	void *obj = slab_cache_alloc(c);

	snprintf(words, sizeof words,
		 "slab: bad free: %p freed to cache 'conn' lies in slab %p whose "
		 "header is damaged\n",
		 obj, (void *)((uintptr_t)obj & ~(uintptr_t)4095));
	dies_saying(free_with_broken_header, obj, words);
	slab_cache_free(c, obj);
}

/* ---- what is allowed ---- */

Test(misuse, freeing_null_is_fine)
{
	void *nothing[3] = { NULL, NULL, NULL };
	void *obj = slab_cache_alloc(c);

	slab_cache_free(c, NULL);
	slab_cache_free(other, NULL); /* never used in this thread */
	slab_cache_free_bulk(c, 3, nothing);
	cr_assert_eq(figures(c).frees, 0);
	slab_cache_free(c, obj);
}

static void report_to_pipe(const char *text, size_t len, void *ctx)
{
	if (write(STDERR_FILENO, ctx, strlen(ctx)) < 0 || write(STDERR_FILENO, text, len) < 0)
		_exit(97);
}

static void free_after_destroy(void *arg)
{
	struct slab_cache *gone = new_cache("destroyed", 64);
	void *obj = slab_cache_alloc(gone);

	(void)arg;
	slab_cache_free(gone, obj);
	if (slab_cache_destroy(gone) == 0)
		slab_cache_free(gone, obj); /* whose slab may be mapped no more */
}

Test(misuse, a_free_after_destroy_is_named)
{
	dies_saying(free_after_destroy, NULL,
		    "slab: use after destroy: free with cache 'destroyed'");
}

static void free_twice_with_reporter(void *obj)
{
	slab_set_reporter(report_to_pipe, "told: ");
	free_twice_in_a_row(obj);
}

Test(misuse, the_reporter_gets_it_before_the_end)
{
	void *obj = slab_cache_alloc(c);

	dies_saying(free_twice_with_reporter, obj, "told: slab: double free: ");
	slab_cache_free(c, obj);
}
