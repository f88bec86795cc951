/*
 * test_model.c - a random walk over every call, against an array that says what must be
 *
 * Each live object carries stamps from its first to its last byte; what the library says of a cache
 * is compared with the array. Environment: SLAB_TEST_SEED repeats a run.
 */
#define _GNU_SOURCE
#include "test/unit.h"
#include <time.h>

#define CACHES 8
#define SLOTS  3000 /* most objects of a cache */

struct object {
	unsigned char *at; /* NULL: not there */
	uint32_t stamp;
};

static struct model {
	struct slab_cache *cache;
	size_t size, align;
	bool ctor;
	long made, unmade;
	uint64_t allocs, frees;
	size_t live;
	struct object objects[SLOTS];
} models[CACHES];

static const struct {
	size_t size, align;
	bool ctor;
} kinds[] = { { 16, 0, false }, { 1, 0, false },      { 24, 8, true },    { 64, 64, false },
	      { 300, 0, true }, { 1500, 256, false }, { 5000, 0, false }, { 33, 1, false },
	      { 128, 0, true }, { 20000, 0, false },  { 7, 0, false },    { 4096, 4096, false } };
#define KINDS (sizeof kinds / sizeof *kinds)

static uint64_t state;

static uint64_t any(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 11) % below;
}

/* ---- stamps: the last bytes, the first, and some between; the constructor's byte is at 8 ---- */

static void put_stamp(const struct model *m, struct object *o)
{
	o->stamp = (uint32_t)any(UINT32_MAX);
	for (size_t i = 0; i < m->size; i += i < 8 ? 1 : 61)
		if (!m->ctor || i != 8)
			o->at[i] = (unsigned char)(o->stamp >> i % 24);
	if (m->size > 9)
		o->at[m->size - 1] = (unsigned char)~o->stamp;
}

static bool stamp_holds(const struct model *m, const struct object *o)
{
	bool ok = !m->ctor || o->at[8] == 0xc7;

	if (m->size > 9)
		ok = ok && o->at[m->size - 1] == (unsigned char)~o->stamp;
	for (size_t i = 0; i < m->size - (m->size > 9); i += i < 8 ? 1 : 61)
		ok = ok && ((m->ctor && i == 8) || o->at[i] == (unsigned char)(o->stamp >> i % 24));
	return ok;
}

static int construct(void *obj, void *ctx)
{
	((unsigned char *)obj)[8] = 0xc7;
	((struct model *)ctx)->made++;
	return 0;
}

static void destruct(void *obj, void *ctx)
{
	((struct model *)ctx)->unmade += ((unsigned char *)obj)[8] == 0xc7;
	((unsigned char *)obj)[8] = 0;
}

/* ---- one call each ---- */

static void begin(struct model *m)
{
	size_t kind = any(KINDS);
	struct slab_cache_args args = { .align = kinds[kind].align, .ctx = m };

	*m = (struct model){ .size = kinds[kind].size, .ctor = kinds[kind].ctor };
	args.ctor = m->ctor ? construct : NULL;
	args.dtor = m->ctor ? destruct : NULL;
	m->cache = slab_cache_create("model", m->size, &args);
	cr_assert_not_null(m->cache);
	m->align = figures(m->cache).align_bytes;
}

static void enter(struct model *m, struct object *o, void *at)
{
	cr_assert_not_null(at);
	cr_assert_eq((uintptr_t)at % m->align, 0);
	o->at = at;
	cr_assert(!m->ctor || o->at[8] == 0xc7, "an object that is not constructed");
	put_stamp(m, o);
	m->live++;
	m->allocs++;
}

static void *leave(struct model *m, struct object *o)
{
	void *at = o->at;

	cr_assert(stamp_holds(m, o), "an object of %zu bytes was overwritten", m->size);
	o->at = NULL;
	m->live--;
	m->frees++;
	return at;
}

static void take_or_give(struct model *m)
{
	struct object *o = &m->objects[any(SLOTS)];

	if (o->at != NULL) {
		slab_cache_free(m->cache, leave(m, o));
	} else if (!m->ctor && any(4) == 0) {
		unsigned char *at = slab_cache_zalloc(m->cache);

		for (size_t i = 0; i < m->size; i += 1 + i / 8)
			cr_assert_eq(at[i], 0);
		enter(m, o, at);
	} else {
		enter(m, o, slab_cache_alloc(m->cache));
	}
}

static void take_many(struct model *m)
{
	void *objs[200];
	size_t n = 0, want = any(200), first = any(SLOTS);

	for (size_t i = 0; i < SLOTS && n < want; i++)
		n += m->objects[(first + i) % SLOTS].at == NULL;
	cr_assert_eq(slab_cache_alloc_bulk(m->cache, n, objs), n);
	for (size_t i = 0; n > 0; i++)
		if (m->objects[(first + i) % SLOTS].at == NULL)
			enter(m, &m->objects[(first + i) % SLOTS], objs[--n]);
}

static void give_many(struct model *m)
{
	void *objs[400];
	size_t n = 0, first = any(SLOTS), most = any(400);

	for (size_t i = 0; i < SLOTS && n < most; i++) {
		struct object *o = &m->objects[(first + i * 7) % SLOTS];

		if (o->at != NULL)
			objs[n++] = leave(m, o);
		else if (any(50) == 0)
			objs[n++] = NULL;
	}
	slab_cache_free_bulk(m->cache, n, objs);
}

static void give_all(struct model *m)
{
	for (size_t i = 0; i < SLOTS; i++)
		if (m->objects[i].at != NULL)
			slab_cache_free(m->cache, leave(m, &m->objects[i]));
}

static void give_memory_back(struct model *m)
{
	switch (any(3)) {
	case 0:
		slab_cache_shrink(m->cache);
		break;
	case 1:
		slab_thread_flush();
		break;
	case 2:
		slab_reap();
		break;
	}
}

/* ---- what must be ---- */

static void compare_figures(struct model *m)
{
	struct slab_cache_stats st = figures(m->cache);

	figures_agree(m->cache);
	cr_assert_eq(st.objects_live, m->live);
	cr_assert_eq(st.allocs, m->allocs);
	cr_assert_eq(st.frees, m->frees);
	if (m->ctor)
		cr_assert_eq(m->made - m->unmade, (long)st.objects_capacity);
}

static int by_address(const void *a, const void *b)
{
	uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;

	return x < y ? -1 : x > y;
}

static uintptr_t shown[SLOTS + 1], mine[SLOTS];
static size_t n_shown;

static int show(void *obj, void *ctx)
{
	(void)ctx;
	if (n_shown <= SLOTS)
		shown[n_shown++] = (uintptr_t)obj;
	return 0;
}

static void compare_objects(struct model *m)
{
	size_t n = 0;

	n_shown = 0;
	cr_assert_eq(slab_cache_for_each_object(m->cache, show, NULL), 0);
	for (size_t i = 0; i < SLOTS; i++) {
		if (m->objects[i].at == NULL)
			continue;
		cr_assert(stamp_holds(m, &m->objects[i]));
		mine[n++] = (uintptr_t)m->objects[i].at;
	}
	cr_assert_eq(n_shown, n);
	qsort(shown, n, sizeof *shown, by_address);
	qsort(mine, n, sizeof *mine, by_address);
	cr_assert_eq(memcmp(shown, mine, n * sizeof *mine), 0);
}

static void ask_whose(struct model *m)
{
	struct object *o = &m->objects[any(SLOTS)];

	if (o->at != NULL)
		cr_assert_eq(slab_cache_of(o->at + any(m->size)), m->cache);
}

static void end(struct model *m)
{
	if (m->live > 0) {
		listen_to_reports();
		cr_assert_eq(slab_cache_destroy(m->cache), -1);
		listen_no_more();
		compare_figures(m);
		give_all(m);
	}
	end_cache(m->cache);
	cr_assert_eq(m->made, m->unmade);
}

static void step(void)
{
	struct model *m = &models[any(CACHES)];
	uint64_t dice = any(10000);

	if (dice < 9700)
		take_or_give(m);
	else if (dice < 9800)
		take_many(m);
	else if (dice < 9900)
		give_many(m);
	else if (dice < 9950)
		compare_figures(m);
	else if (dice < 9975)
		ask_whose(m);
	else if (dice < 9985)
		give_memory_back(m);
	else if (dice < 9990)
		cr_assert_eq(slab_cache_verify(m->cache), 0);
	else if (dice < 9995)
		compare_objects(m);
	else if (dice < 9997)
		give_all(m);
	else if (dice == 9999) {
		end(m);
		begin(m);
	}
}

Test(model, a_random_walk_agrees_with_the_array, .timeout = 240)
{
	const char *seed = getenv("SLAB_TEST_SEED");
	long steps = rounds(2000000, 30000);

	state = seed != NULL ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL) * 2654435761u;
	state |= 1;
	fprintf(stderr, "test_model: SLAB_TEST_SEED=%llu\n", (unsigned long long)state);
	for (int i = 0; i < CACHES; i++)
		begin(&models[i]);
	for (long i = 0; i < steps; i++)
		step();
	for (int i = 0; i < CACHES; i++) {
		compare_objects(&models[i]);
		compare_figures(&models[i]);
		end(&models[i]);
	}
}
