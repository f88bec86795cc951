/*
 * leaks.c - what is still held, grouped by who took it                                   Floor 9
 *
 * Called by destroy.c when it refuses, and by the C library at exit. The groups stand in pages of
 * their own; stacks beyond what fits there are counted as one.
 */
#include <stdlib.h>
#include <string.h>

#include "slab/leaks.h"
#include "slab/config.h"
#include "slab/page.h"
#include "slab/report.h"
#include "slab/slabpage.h"
#include "slab/track.h"

#define NAMED 8        /* live objects named when destroy is refused */
#define GROUPS 4096    /* a power of two */
#define SHOWN 64       /* groups in a report */
#define GROUP_TEXT 1600 /* room that the words of one group may take */

/* Objects that were taken by one stack. */
struct group {
	uint64_t hash, objects; /* 0 objects: nobody's yet */
	uint32_t frames;
	uintptr_t frame[SLAB_FRAMES];
};

/* What is said of one cache. */
struct leaks {
	struct slab_report report;
	struct slab_cache *cache;
	const char *what;      /* how a further report begins */
	struct group *groups;  /* NULL: the cache keeps no stacks, or there is no memory */
	uint64_t stacks, others;
	uint64_t id, live;     /* at exit: of the cache, and objects that it holds */
	unsigned named;
};

/* ---- grouping ---- */

static uint64_t hash_of(const struct slab_event *e)
{
	uint64_t hash = 0xcbf29ce484222325ULL ^ e->frames;

	for (uint32_t i = 0; i < e->frames && i < SLAB_FRAMES; i++)
		hash = (hash ^ e->frame[i]) * 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 32;
}

static int add_object(void *obj, void *ctx)
{
	struct leaks *l = ctx;
	const struct slab_event *e = &slab_track_of(l->cache, obj)->taken;
	uint64_t hash = hash_of(e);

	for (uint64_t i = 0; i < GROUPS; i++) {
		struct group *g = &l->groups[(hash + i) % GROUPS];

		if (g->objects == 0) {
			g->hash = hash;
			g->frames = e->frames < SLAB_FRAMES ? e->frames : SLAB_FRAMES;
			memcpy(g->frame, e->frame, g->frames * sizeof *g->frame);
			l->stacks++;
		} else if (g->hash != hash) {
			continue;
		}
		g->objects++;
		return 0;
	}
	l->others++;
	return 0;
}

static size_t groups_bytes(void)
{
	return slab_page_round(GROUPS * sizeof(struct group));
}

static void begin_groups(struct leaks *l)
{
	if (l->cache->mode != SLAB_MODE_DEBUG || (l->cache->flags & SLAB_STORE_USER) == 0)
		return;
	l->groups = (struct group *)slab_page_map(groups_bytes(), slab_root.page_bytes);
	if (l->groups != NULL)
		slab_cache_for_each_object(l->cache, add_object, l);
}

static void end_groups(struct leaks *l)
{
	if (l->groups != NULL)
		slab_page_unmap((uintptr_t)l->groups, groups_bytes());
	l->groups = NULL;
	l->stacks = l->others = 0;
}

/* ---- saying ---- */

static void add_count(struct slab_report *r, const struct slab_cache *c, uint64_t objects)
{
	slab_report_dec(r, objects);
	slab_report_text(r, objects == 1 ? " object, " : " objects, ");
	slab_report_dec(r, objects * c->geo.object_bytes);
	slab_report_text(r, objects * c->geo.object_bytes == 1 ? " byte" : " bytes");
}

/* What is full is sent, and another one begun. */
static void make_room(struct leaks *l)
{
	if (l->report.len + GROUP_TEXT < sizeof l->report.text)
		return;
	slab_report_send(&l->report);
	slab_report_begin(&l->report, l->what);
	slab_report_cache(&l->report, l->cache);
	slab_report_text(&l->report, ", continued:");
}

static struct group *largest(struct leaks *l)
{
	struct group *best = NULL;

	for (uint32_t i = 0; i < GROUPS; i++)
		if (l->groups[i].objects > (best != NULL ? best->objects : 0))
			best = &l->groups[i];
	return best;
}

static void add_groups(struct leaks *l)
{
	struct group *g;
	unsigned shown = 0;

	while (l->groups != NULL && shown++ < SHOWN && (g = largest(l)) != NULL) {
		make_room(l);
		slab_report_text(&l->report, "\n  ");
		add_count(&l->report, l->cache, g->objects);
		slab_report_text(&l->report, ", allocated by:");
		slab_frames_report(&l->report, g->frame, g->frames);
		g->objects = 0;
	}
	if (l->stacks > SHOWN || l->others > 0)
		slab_report_text(&l->report, "\n  and by more stacks");
}

static int name_object(void *obj, void *ctx)
{
	struct leaks *l = ctx;

	slab_report_text(&l->report, l->named == 0 ? ": " : ", ");
	slab_report_hex(&l->report, (uintptr_t)obj);
	return ++l->named == NAMED;
}

void slab_leaks_report_destroy(struct slab_cache *c, uint64_t live)
{
	struct leaks l = { .cache = c, .what = "destroy of " };

	slab_report_begin(&l.report, l.what);
	slab_report_cache(&l.report, c);
	slab_report_text(&l.report, " refused: ");
	slab_report_dec(&l.report, live);
	slab_report_text(&l.report, live == 1 ? " object is live" : " objects are live");
	slab_cache_for_each_object(c, name_object, &l);
	if (live > l.named)
		slab_report_text(&l.report, ", ...");
	begin_groups(&l);
	add_groups(&l);
	end_groups(&l);
	slab_report_send(&l.report);
}

/* Groups what the next cache behind the one with l's id holds, if it holds something. */
static int group_next(struct slab_cache *c, void *ctx)
{
	struct leaks *l = ctx;
	struct slab_cache_stats st;

	if (c->id <= l->id || slab_cache_stats(c, &st, sizeof st) != 0 || st.objects_live == 0)
		return 0;
	l->cache = c;
	l->id = st.id;
	l->live = st.objects_live;
	begin_groups(l);
	return 1;
}

/*
 * Caches are grouped under the registry's lock, and told of without it: names of functions need the
 * dynamic loader's, which another thread may hold while a library's constructor creates a cache.
 */
uint64_t slab_leaks_report_all(void)
{
	struct leaks l = { .what = "at exit " };
	uint64_t total = 0;

	while (slab_for_each_cache(group_next, &l) != 0) {
		total += l.live;
		slab_report_begin(&l.report, l.what);
		slab_report_cache(&l.report, l.cache);
		slab_report_text(&l.report, " holds ");
		add_count(&l.report, l.cache, l.live);
		add_groups(&l);
		end_groups(&l);
		slab_report_send(&l.report);
	}
	return total;
}

/*
 * Last of this object's destructors, and those come behind every function given to atexit(). The
 * status is set by calling exit() once more: the C library goes on with what is left to do, and
 * flushes its streams as it always does; fflush() here would wait for a thread that reads one.
 */
__attribute__((destructor(101))) static void at_exit(void)
{
	const struct slab_config *config = slab_config();

	if (config->leaks && slab_leaks_report_all() > 0 && config->leak_status != 0)
		exit(config->leak_status);
}
