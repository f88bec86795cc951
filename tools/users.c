/*
 * users.c - live bytes by who took them                                                  Floor t8
 *
 * Called by verbs.c. Caches under SLAB_DEBUG=U keep who took each object; others are told of in one
 * line.
 */
#include <errno.h>
#include <inttypes.h>

#include "tools/each.h"
#include "tools/slabs.h"
#include "tools/stacks.h"
#include "tools/text.h"
#include "tools/users.h"
#include "tools/who.h"

struct users {
	struct stacks stacks;
	struct tracks tracks;
	struct target *target;
	unsigned root;
	bool looked;        /* at a cache: there is something to show, whatever failed then */
	uint64_t untracked; /* caches that do not say */
	bool full;          /* no memory for more */
};

static void count_slab(void *ctx, const struct walk_cache *cache, const struct slabs_slab *slab)
{
	struct users *users = ctx;

	for (uint64_t i = 0; i < cache->objects_per_slab && !slab->missing && !users->full; i++) {
		uint64_t obj = slabs_object(cache, slab, i);
		struct stacks_group *group;
		struct tracks_event event;

		if (slab->state[i] != SLABS_LIVE)
			continue;
		if (tracks_event(&users->tracks, users->target, obj, false, &event) != 0)
			event = (struct tracks_event){ 0 };
		group = stacks_group(&users->stacks, cache->name, cache->id, users->root, &event);
		users->full = group == NULL;
		if (group)
			stacks_count(group, obj, cache->object_bytes, true);
	}
}

static int count_cache(void *ctx, struct walk *walk, unsigned root, struct walk_cache *cache)
{
	struct users *users = ctx;
	const struct slabs_visit visit = { count_slab, users };
	struct slabs_sum sum;
	int error;

	users->root = root;
	users->looked = true;
	if (cache->slabs == 0)
		return 0;
	tracks_of(&users->tracks, walk, cache);
	if (!users->tracks.users) {
		users->untracked++;
		return 0;
	}
	error = slabs_each(walk, cache, &visit, &sum);
	/* a process that runs on changes its lists meanwhile */
	return users->full ? ENOMEM : error == EBADMSG && !walk->target->core ? 0 : error;
}

static void print(FILE *out, const struct users *users, struct symbols *symbols)
{
	uint64_t bytes = 0, objects = 0;

	for (size_t i = 0; i < users->stacks.groups; i++) {
		const struct stacks_group *group = &users->stacks.group[i];

		fprintf(out, "%" PRIu64 " byte%s for %" PRIu64 " object%s of cache %s, the first "
			     "at %#" PRIx64 ":\n",
			group->bytes, text_plural(group->bytes), group->direct,
			text_plural(group->direct), group->name, group->first);
		who_print_frames(out, symbols, &group->event, "    ");
		bytes += group->bytes;
		objects += group->direct;
	}
	fprintf(out, "%" PRIu64 " byte%s for %" PRIu64 " object%s in all, taken in %zu way%s.\n",
		bytes, text_plural(bytes), objects, text_plural(objects), users->stacks.groups,
		text_plural(users->stacks.groups));
	if (!users->looked)
		fprintf(out, "There is no such cache.\n");
	if (users->untracked)
		fprintf(out, "Not looked at: %" PRIu64 " cache%s without a record of who took "
			     "their objects: start the program with SLAB_DEBUG=U.\n",
			users->untracked, text_plural(users->untracked));
}

static void print_json(FILE *out, const struct users *users, struct symbols *symbols)
{
	fprintf(out, "{\"schema\": 1, \"tool\": \"slabstat\", \"pid\": %d, \"source\": \"%s\", "
		     "\"caches_untracked\": %" PRIu64 ",\n \"users\": [",
		users->target->pid, users->target->source, users->untracked);
	for (size_t i = 0; i < users->stacks.groups; i++) {
		const struct stacks_group *group = &users->stacks.group[i];

		fprintf(out, "%s\n  {\"name\": \"%s\", \"id\": %" PRIu64 ", \"root\": %u, "
			     "\"objects\": %" PRIu64 ", \"bytes\": %" PRIu64,
			i ? "," : "", group->name, group->id, group->root, group->direct,
			group->bytes);
		who_json_frames(out, symbols, &group->event);
		fputc('}', out);
	}
	fputs("]}\n", out);
}

enum fault_code users_run(FILE *out, struct target *target, const char *globs, bool json,
			  struct fault *fault)
{
	struct users users = { .target = target };
	enum fault_code code = each_cache(target, globs, count_cache, &users, fault);
	struct symbols symbols;

	if (users.looked || code == FAULT_NONE) {
		stacks_sort(&users.stacks);
		symbols_open(&symbols, target);
		if (json)
			print_json(out, &users, &symbols);
		else
			print(out, &users, &symbols);
		symbols_close(&symbols);
	}
	stacks_free(&users.stacks);
	return code;
}
