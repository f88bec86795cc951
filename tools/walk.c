/*
 * walk.c - the lists of caches and threads under a root                                  Floor t4
 *
 * Called by figures.c, each.c and leaks.c. Every number comes through the target's own table. A
 * list is followed as long as each link's back pointer names the link before it: then no loop can
 * be entered but the one back to the head, and the root's count bounds the rest.
 */
#include <errno.h>
#include <stdlib.h>

#include "tools/text.h"
#include "tools/walk.h"

#define SLACK             64                  /* links beyond the root's count: it may grow */
#define LINKS_MAX         ((uint64_t)1 << 19) /* bounds our own memory */
#define TOUCHED_MAX_BYTES ((size_t)256 << 20) /* the same, for the bitmaps of all threads */
#define RESERVE_SHARE     16 /* of libraries that do not tell: 1/16 of slabs in use is kept */

void walk_begin(struct walk *walk, struct target *target, const struct table *table)
{
	*walk = (struct walk){ .target = target,
			       .table = table,
			       .touched_bytes = table->field[SLAB_F_THREAD_TOUCHED].size_bytes };
}

void walk_end(struct walk *walk)
{
	free(walk->cache);
	free(walk->thread);
	free(walk->touched);
}

void walk_decode_cache(const struct table *table, const unsigned char *image, uint64_t addr,
		       struct walk_cache *cache)
{
	const struct table_field *name = &table->field[SLAB_F_CACHE_NAME];

#define NUMBER(id) table_number(table, image, SLAB_F_CACHE_##id)
	*cache = (struct walk_cache){
		.addr = addr,
		.slot_bytes = NUMBER(SLOT_BYTES),
		.id = NUMBER(ID),
		.state = NUMBER(STATE),
		.flags = NUMBER(FLAGS),
		.mode = NUMBER(MODE),
		.object_bytes = NUMBER(OBJECT_BYTES),
		.stride_bytes = NUMBER(STRIDE_BYTES),
		.align_bytes = NUMBER(ALIGN_BYTES),
		.slab_bytes = NUMBER(SLAB_BYTES),
		.objects_per_slab = NUMBER(OBJECTS),
		.alloc_failures = NUMBER(ALLOC_FAILURES),
		.generation = NUMBER(GENERATION),
		.slabs = NUMBER(SLABS),
		.full = NUMBER(FULL),
		.empty = NUMBER(EMPTY),
		.used = NUMBER(USED),
		.used_peak = NUMBER(USED_PEAK),
		.released_slabs = NUMBER(RELEASED_SLABS),
		.direct_allocs = NUMBER(DIRECT_ALLOCS),
		.direct_frees = NUMBER(DIRECT_FREES),
		.retired_allocs = NUMBER(RETIRED_ALLOCS),
		.retired_net = NUMBER(RETIRED_NET),
		.depot_objects = NUMBER(DEPOT_OBJECTS),
		.depot_generation = NUMBER(DEPOT_GENERATION),
	};
#undef NUMBER
	text_copy_name(cache->name, sizeof cache->name, (const char *)image + name->offset_bytes,
		       name->size_bytes);
}

int walk_number(struct walk *walk, uint64_t addr, enum slab_field_id id, uint64_t *value)
{
	const struct table_field *field = &walk->table->field[id];

	*value = 0;
	if (field->size_bytes == 0 || field->size_bytes > sizeof *value)
		return ENOTSUP;
	return target_read(walk->target, walk_place(walk, addr, id), value, field->size_bytes);
}

/* Room for one more of entry_bytes each. Return: the array, or NULL and the old one stays. */
static void *more_room(void *array, size_t count, size_t *room, size_t entry_bytes)
{
	size_t wanted = *room ? 2 * *room : 64;
	void *more;

	if (count < *room)
		return array;
	more = realloc(array, wanted * entry_bytes);
	if (more)
		*room = wanted;
	return more;
}

static int add_cache(struct walk *walk, uint64_t addr, const unsigned char *image)
{
	void *more = more_room(walk->cache, walk->caches, &walk->cache_room, sizeof *walk->cache);

	if (!more)
		return ENOMEM;
	walk->cache = more;
	walk_decode_cache(walk->table, image, addr, &walk->cache[walk->caches]);
	/* what older libraries do not have is none */
	walk_number(walk, addr, SLAB_F_CACHE_WAITING, &walk->cache[walk->caches++].waiting);
	return 0;
}

static int add_thread(struct walk *walk, uint64_t addr, const unsigned char *image)
{
	const struct table *table = walk->table;
	size_t room = walk->thread_room;
	void *more = more_room(walk->thread, walk->threads, &room, sizeof *walk->thread);

	if (!more || (walk->threads + 1) * walk->touched_bytes > TOUCHED_MAX_BYTES)
		return ENOMEM;
	walk->thread = more;
	more = more_room(walk->touched, walk->threads, &walk->thread_room, walk->touched_bytes);
	if (!more)
		return ENOMEM;
	walk->touched = more;
	walk->thread[walk->threads] = (struct walk_thread){
		.addr = addr,
		.tid = table_number(table, image, SLAB_F_THREAD_TID),
		.slots = table_number(table, image, SLAB_F_THREAD_SLOTS),
	};
	memcpy(walk->touched + walk->threads * walk->touched_bytes,
	       image + table->field[SLAB_F_THREAD_TOUCHED].offset_bytes, walk->touched_bytes);
	walk->threads++;
	return 0;
}

/* A list of structs of one kind: where it hangs, how long it should be, who takes its members. */
struct chain {
	enum slab_field_id head, link;
	enum table_struct of;
	uint64_t count;
	int (*add)(struct walk *walk, uint64_t addr, const unsigned char *image);
};

static void list_pointers(const unsigned char *at, uint64_t *next, uint64_t *prev)
{
	memcpy(next, at, sizeof *next);
	memcpy(prev, at + sizeof *next, sizeof *prev);
}

static int follow(struct walk *walk, const unsigned char *root_image, const struct chain *chain)
{
	const struct table *table = walk->table;
	uint64_t link_bytes = table->field[chain->link].offset_bytes;
	uint64_t head = walk_place(walk, table->root, chain->head);
	uint64_t limit = chain->count < LINKS_MAX ? chain->count + SLACK : LINKS_MAX;
	uint64_t before = head, at, prev, last;
	unsigned char image[TABLE_IMAGE_MAX];

	list_pointers(root_image + table->field[chain->head].offset_bytes, &at, &last);
	for (; at != head; limit--) {
		uint64_t addr = at - link_bytes, this = at;
		int error;

		if (limit == 0 || at % sizeof(uint64_t) != 0)
			return EBADMSG;
		error = target_read(walk->target, addr, image, table->image_bytes[chain->of]);
		if (error)
			return error;
		list_pointers(image + link_bytes, &at, &prev);
		if (prev != before)
			return EBADMSG;
		error = chain->add(walk, addr, image);
		if (error)
			return error;
		before = this;
	}
	return before == last ? 0 : EBADMSG;
}

static int take_root(struct walk *walk, unsigned char *image)
{
	const struct table *table = walk->table;
	int error = target_read(walk->target, table->root, image, table->image_bytes[TABLE_ROOT]);
	uint64_t share;

	if (error)
		return error;
#define NUMBER(id) table_number(table, image, SLAB_F_##id)
	walk->generation = NUMBER(ROOT_GENERATION);
	walk->cache_count = NUMBER(ROOT_CACHE_COUNT);
	walk->thread_count = NUMBER(ROOT_THREAD_COUNT);
	walk->mapped_bytes = NUMBER(ROOT_MAPPED_BYTES);
	walk->reserve_bytes = NUMBER(RESERVE_BYTES);
	share = table->constant[SLAB_K_RESERVE_SHARE] ? table->constant[SLAB_K_RESERVE_SHARE]
						      : RESERVE_SHARE;
	if (walk->reserve_bytes < NUMBER(RESERVE_HELD_BYTES) / share)
		walk->reserve_bytes = NUMBER(RESERVE_HELD_BYTES) / share;
	walk->metadata_bytes = NUMBER(ROOT_METADATA_BYTES);
	walk->holes = NUMBER(ROOT_HOLES);
	walk->lost_holes = NUMBER(ROOT_LOST_HOLES);
	walk->unmap_failures = NUMBER(ROOT_UNMAP_FAILURES);
#undef NUMBER
	return 0;
}

int walk_take(struct walk *walk)
{
	unsigned char image[TABLE_IMAGE_MAX];
	struct chain caches = { .head = SLAB_F_ROOT_CACHES,
				.link = SLAB_F_CACHE_LINK,
				.of = TABLE_CACHE,
				.add = add_cache };
	struct chain threads = { .head = SLAB_F_ROOT_THREADS,
				 .link = SLAB_F_THREAD_LINK,
				 .of = TABLE_THREAD,
				 .add = add_thread };
	int error = take_root(walk, image), thread_error;

	if (error)
		return error;
	walk->caches = 0;
	walk->threads = 0;
	walk->threads_whole = false;
	caches.count = walk->cache_count;
	threads.count = walk->thread_count;
	error = follow(walk, image, &caches);
	thread_error = follow(walk, image, &threads);
	walk->threads_whole = thread_error == 0;
	return error ? error : thread_error;
}
