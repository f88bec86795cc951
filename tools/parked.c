/*
 * parked.c - the objects of one cache that threads and depot have parked                 Floor t5
 *
 * Called by slabs.c. Counts and lists come from the target and are bounded.
 */
#include <errno.h>
#include <stdlib.h>

#include "tools/parked.h"

#define PARKED_MAX ((size_t)1 << 24) /* of one cache; a sixteenth of its slots may be */
#define SHELF_MAX  ((size_t)1 << 22) /* magazines on one shelf */
#define PART_OBJECTS 256             /* of a magazine, read in one call */

static int room_for(struct parked *parked, uint64_t count)
{
	size_t room = 2 * (parked->room + count) + 1024;
	struct parked_object *more;

	if (count >> parked->walk->table->constant[SLAB_K_COUNT_BITS] != 0 ||
	    parked->count + count > PARKED_MAX)
		return EBADMSG;
	if (parked->count + count <= parked->room)
		return 0;
	more = realloc(parked->obj, room * sizeof *more);
	if (!more)
		return ENOMEM;
	parked->obj = more;
	parked->room = room;
	return 0;
}

/* An object outside of the magazines. */
static int add_hot(struct parked *parked, uint64_t obj, uint32_t owner)
{
	int error = room_for(parked, 1);

	if (!error)
		parked->obj[parked->count++] = (struct parked_object){ obj, owner };
	return error;
}

static int add_magazine(struct parked *parked, uint64_t objs, uint64_t count, uint32_t owner)
{
	uint64_t part[PART_OBJECTS], n;
	int error = room_for(parked, count);

	for (; !error && count > 0; count -= n, objs += n * sizeof part[0]) {
		n = count < PART_OBJECTS ? count : PART_OBJECTS;
		if (target_read(parked->walk->target, objs, part, n * sizeof part[0]) != 0)
			return EBADMSG;
		for (uint64_t i = 0; i < n; i++)
			parked->obj[parked->count++] = (struct parked_object){ part[i], owner };
	}
	return error;
}

static int take_slot(struct parked *parked, size_t t)
{
	struct walk *walk = parked->walk;
	const struct table *table = walk->table;
	unsigned char image[TABLE_SLOT_MAX_BYTES];
	size_t bytes = table->constant[SLAB_K_SLOT_BYTES];
	uint64_t mask = ((uint64_t)1 << table->constant[SLAB_K_COUNT_BITS]) - 1, prev, count, hot;
	int error;

	if (parked->slot == 0 || parked->slot >= table->constant[SLAB_K_SLOTS] ||
	    !walk_touched(walk, t, parked->slot / table->constant[SLAB_K_SLOTS_PER_PAGE]))
		return 0;
	if (table->field[SLAB_F_SLOT_OBJS].offset_bytes + 8 > bytes ||
	    !table_has(table, SLAB_F_SLOT_PREV, 8, 8) ||
	    table->field[SLAB_F_SLOT_PREV].offset_bytes + 8 > bytes)
		return ENOTSUP;
	error = target_read(walk->target, walk->thread[t].slots + parked->slot * bytes, image,
			    bytes);
	if (error)
		return error;
	error = add_magazine(parked, table_number(table, image, SLAB_F_SLOT_OBJS),
			     table_number(table, image, SLAB_F_SLOT_WORD) & mask, (uint32_t)t);
	hot = table_number(table, image, SLAB_F_SLOT_HOT);
	if (!error && hot > table->constant[SLAB_K_SLOT_VACANT])
		error = add_hot(parked, hot, (uint32_t)t);
	prev = table_number(table, image, SLAB_F_SLOT_PREV);
	count = table_number(table, image, SLAB_F_SLOT_PREV_COUNT);
	if (!error && count > 0)
		error = add_magazine(parked, walk_place(walk, prev, SLAB_F_MAGAZINE_OBJS), count,
				     (uint32_t)t);
	return error;
}

static int compare(const void *left, const void *right)
{
	const struct parked_object *a = left, *b = right;

	return a->addr < b->addr ? -1 : a->addr > b->addr;
}

int parked_take(struct parked *parked, struct walk *walk, const struct walk_cache *cache)
{
	uint64_t magazine = 0, seen = 0, count;
	int error = 0;

	*parked = (struct parked){
		.walk = walk,
		.slot = cache->slot_bytes / walk->table->constant[SLAB_K_SLOT_BYTES],
	};
	if (!table_has(walk->table, SLAB_F_MAGAZINE_OBJS, 8, 8) ||
	    !table_has(walk->table, SLAB_F_SLOT_OBJS, 8, 8))
		return ENOTSUP;

	for (size_t t = 0; t < walk->threads && !error; t++)
		error = take_slot(parked, t);
	if (!error)
		error = walk_number(walk, cache->addr, SLAB_F_CACHE_DEPOT_SHELF, &magazine);
	for (size_t n = 0; magazine && !error; n++) {
		if (n >= SHELF_MAX || magazine == seen)
			return EBADMSG;
		if ((n & (n - 1)) == 0)
			seen = magazine; /* a shelf that goes round comes by here (Brent) */
		error = walk_number(walk, magazine, SLAB_F_MAGAZINE_COUNT, &count);
		if (!error && count == 0)
			return EBADMSG; /* an empty one is never on the shelf: no endless loop */
		if (!error)
			error = add_magazine(parked,
					     walk_place(walk, magazine, SLAB_F_MAGAZINE_OBJS),
					     count, PARKED_DEPOT);
		if (!error)
			error = walk_number(walk, magazine, SLAB_F_MAGAZINE_NEXT, &magazine);
	}
	if (parked->count)
		qsort(parked->obj, parked->count, sizeof *parked->obj, compare);
	return error;
}

void parked_free(struct parked *parked)
{
	free(parked->obj);
}
