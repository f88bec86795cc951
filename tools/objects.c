/*
 * objects.c - every slot of every cache, by address                                      Floor t7
 *
 * Called by reach.c and leaks.c. A bit for each slot and 32 bytes for each slab: 1 GiB of small
 * objects takes about 16 MiB here. An address is looked up in constant time: a hash leads from
 * its 64 KiB to the first slab there.
 */
#include <errno.h>
#include <stdlib.h>

#include "tools/objects.h"
#include "tools/spans.h"

#define SLABS_MAX     ((size_t)1 << 24)
#define SLOTS_MAX     ((uint64_t)1 << 31) /* a bit each */
#define GRANULE_SHIFT 16
#define GRANULES_MAX  ((uint64_t)1 << 24) /* 1 TiB */

struct objects_granule {
	uint32_t number; /* address >> GRANULE_SHIFT */
	uint32_t slab1;  /* the first slab there, + 1; 0: none */
};

static int add_cache(struct objects *objects, const struct objects_cache *cache)
{
	if (objects->caches == objects->cache_room) {
		size_t room = objects->cache_room ? 2 * objects->cache_room : 64;
		struct objects_cache *more = realloc(objects->cache, room * sizeof *more);

		if (!more)
			return ENOMEM;
		objects->cache = more;
		objects->cache_room = room;
	}
	objects->cache[objects->caches++] = *cache;
	return 0;
}

/* Room for more slots, none of which is live. */
static int add_slots(struct objects *objects, uint64_t slots)
{
	uint64_t words = (objects->slots + slots + 63) / 64;

	if (objects->slots + slots > SLOTS_MAX)
		return E2BIG;
	if (words > objects->live_room) {
		uint64_t room = 2 * words + 1024;
		uint64_t *more = realloc(objects->live, room * sizeof *more);

		if (!more)
			return ENOMEM;
		memset(more + objects->live_room, 0, (room - objects->live_room) * sizeof *more);
		objects->live = more;
		objects->live_room = room;
	}
	objects->slots += slots;
	return 0;
}

static int add_slab(struct objects *objects, const struct objects_slab *slab, uint64_t slots)
{
	if (objects->slabs == objects->slab_room) {
		size_t room = objects->slab_room ? 2 * objects->slab_room : 256;
		struct objects_slab *more =
		    room <= SLABS_MAX ? realloc(objects->slab, room * sizeof *more) : NULL;

		if (!more)
			return room > SLABS_MAX ? E2BIG : ENOMEM;
		objects->slab = more;
		objects->slab_room = room;
	}
	objects->slab[objects->slabs] = *slab;
	objects->slab[objects->slabs++].first = objects->slots;
	return add_slots(objects, slots);
}

/* What slabs_each() hands out goes here. */
struct taking {
	struct objects *objects;
	int error;
};

static void take_slab(void *ctx, const struct walk_cache *cache, const struct slabs_slab *slab)
{
	struct taking *taking = ctx;
	struct objects *objects = taking->objects;
	const struct objects_slab entry = {
		.base = slab->base,
		.bytes = cache->slab_bytes,
		.header = (uint32_t)(slab->header - slab->base),
		.origin = (uint32_t)(slab->first - slab->base),
		.cache = (uint32_t)(objects->caches - 1),
	};
	struct objects_cache *last = &objects->cache[objects->caches - 1];
	uint64_t first = objects->slots;

	last->header_bytes = (uint32_t)cache->header_bytes;
	if (slab->missing || taking->error) {
		objects->missing_slabs++;
		return;
	}
	taking->error = add_slab(objects, &entry, cache->objects_per_slab);
	for (uint64_t i = 0; i < cache->objects_per_slab && !taking->error; i++)
		if (slab->state[i] == SLABS_LIVE)
			objects_set(objects->live, first + i);
}

static int take_cache(struct objects *objects, struct walk *walk, const struct walk_cache *cache,
		      unsigned root)
{
	struct taking taking = { .objects = objects };
	const struct slabs_visit visit = { take_slab, &taking };
	struct objects_cache entry = {
		.id = cache->id,
		.root = root,
		.object_bytes = (uint32_t)cache->object_bytes,
		.stride_bytes = (uint32_t)cache->stride_bytes,
		.slots = (uint32_t)cache->objects_per_slab,
		.step_bytes = cache->align_bytes >= 8 ? 8 : (uint32_t)cache->align_bytes,
	};
	struct slabs_sum sum;
	int error;

	if (cache->slabs == 0)
		return 0;
	if (entry.step_bytes == 0 || (entry.step_bytes & (entry.step_bytes - 1)) ||
	    cache->object_bytes == 0 || cache->object_bytes > cache->stride_bytes)
		return EBADMSG;
	memcpy(entry.name, cache->name, sizeof entry.name);
	tracks_of(&entry.tracks, walk, cache);
	error = add_cache(objects, &entry);
	if (!error)
		error = slabs_each(walk, cache, &visit, &sum);
	return error ? error : taking.error;
}

/* Blocks that are a mapping each: slabs of one slot. */
static int take_blocks(struct objects *objects, struct walk *walk, unsigned root)
{
	struct objects_cache entry = {
		.name = "large-blocks", .root = root, .slots = 1, .step_bytes = 8
	};
	struct spans spans;
	int error = spans_begin(&spans, walk);

	if (!error)
		error = spans_take(&spans, walk, SPANS_LARGE);
	if (!error && spans.count > 0)
		error = add_cache(objects, &entry);
	for (size_t i = 0; i < spans.count && !error; i++) {
		struct objects_slab slab = { .base = spans.span[i].base,
					     .bytes = spans.span[i].bytes,
					     .cache = (uint32_t)(objects->caches - 1) };

		error = slab.base + slab.bytes > slab.base ? add_slab(objects, &slab, 1) : EBADMSG;
		if (!error)
			objects_set(objects->live, objects->slots - 1);
	}
	spans_free(&spans);
	return error;
}

int objects_take(struct objects *objects, struct walk *walk, unsigned root)
{
	int error = 0;

	for (size_t i = 0; i < walk->caches && error != ENOTSUP && error != ENOMEM; i++) {
		int failed = take_cache(objects, walk, &walk->cache[i], root);

		error = error ? error : failed;
	}
	return error ? error : take_blocks(objects, walk, root);
}

static int compare(const void *left, const void *right)
{
	const struct objects_slab *a = left, *b = right;

	return a->base < b->base ? -1 : a->base > b->base;
}

/* Slabs that lie on others are the work of damaged lists: the first stays. */
static void sort(struct objects *objects)
{
	size_t kept = 0;

	if (objects->slabs == 0)
		return;
	qsort(objects->slab, objects->slabs, sizeof *objects->slab, compare);
	for (size_t i = 1; i < objects->slabs; i++) {
		const struct objects_slab *last = &objects->slab[kept];

		if (objects->slab[i].base - last->base >= last->bytes)
			objects->slab[++kept] = objects->slab[i];
		else
			objects->missing_slabs++;
	}
	objects->slabs = kept + 1;
	objects->low = objects->slab[0].base;
	objects->high = objects->slab[kept].base + objects->slab[kept].bytes;
}

static struct objects_granule *granule_of(const struct objects *objects, uint64_t number)
{
	uint64_t mask = objects->granules - 1, at = number * 0x9e3779b97f4a7c15u >> 32 & mask;

	while (objects->granule[at].slab1 && objects->granule[at].number != number)
		at = (at + 1) & mask;
	return &objects->granule[at];
}

int objects_index(struct objects *objects)
{
	uint64_t granules = 0;

	sort(objects);
	for (size_t i = 0; i < objects->slabs; i++) {
		granules += (objects->slab[i].bytes >> GRANULE_SHIFT) + 2;
		if (granules > 2 * GRANULES_MAX || objects->high >> GRANULE_SHIFT > UINT32_MAX)
			return E2BIG;
	}
	for (objects->granules = 64; objects->granules < 2 * granules;)
		objects->granules *= 2;
	objects->granule = calloc(objects->granules, sizeof *objects->granule);
	if (!objects->granule)
		return ENOMEM;
	for (size_t i = 0; i < objects->slabs; i++) {
		uint64_t last = (objects->slab[i].base + objects->slab[i].bytes - 1);

		for (uint64_t n = objects->slab[i].base >> GRANULE_SHIFT;
		     n <= last >> GRANULE_SHIFT; n++) {
			struct objects_granule *granule = granule_of(objects, n);

			if (!granule->slab1)
				*granule = (struct objects_granule){ (uint32_t)n, (uint32_t)i + 1 };
		}
	}
	return 0;
}

bool objects_find(const struct objects *objects, uint64_t addr, struct objects_slot *found)
{
	const struct objects_cache *cache;
	const struct objects_slab *slab;
	uint32_t offset;
	size_t i;

	if (addr - objects->low >= objects->high - objects->low)
		return false;
	i = granule_of(objects, addr >> GRANULE_SHIFT)->slab1;
	if (i == 0)
		return false;
	slab = &objects->slab[--i];
	/* mostly the slabs of 64 KiB are of one size and without a gap */
	if (addr - slab->base >= slab->bytes && addr > slab->base) {
		uint64_t guess = i + (addr - slab->base) / slab->bytes;

		if (guess < objects->slabs && addr - objects->slab[guess].base < slab->bytes)
			i = guess;
	}
	for (; addr - objects->slab[i].base >= objects->slab[i].bytes; i++)
		if (i + 1 == objects->slabs || objects->slab[i + 1].base > addr)
			return false;
	slab = &objects->slab[i];
	cache = &objects->cache[slab->cache];
	*found = (struct objects_slot){ slab, 0 };
	if (cache->object_bytes == 0)
		return true;
	offset = (uint32_t)(addr - slab->base);
	if (offset < slab->origin || offset - slab->header < cache->header_bytes)
		return false;
	if (offset >= slab->header)
		offset -= cache->header_bytes;
	found->slot = (offset - slab->origin) / cache->stride_bytes;
	return found->slot < cache->slots;
}

uint64_t objects_at(const struct objects *objects, const struct objects_slot *slot,
		    uint64_t *bytes)
{
	const struct objects_cache *cache = &objects->cache[slot->slab->cache];
	uint64_t offset = slot->slab->origin + (uint64_t)slot->slot * cache->stride_bytes;

	*bytes = cache->object_bytes ? cache->object_bytes : slot->slab->bytes;
	if (cache->object_bytes && offset >= slot->slab->header)
		offset += cache->header_bytes;
	return slot->slab->base + offset;
}

void objects_free(struct objects *objects)
{
	free(objects->cache);
	free(objects->slab);
	free(objects->live);
	free(objects->granule);
}
