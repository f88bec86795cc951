/*
 * slots.c - what the threads hold of each cache                                          Floor t5
 *
 * Called by figures.c. A thread's table of slots is mostly untouched memory, so its bitmap of
 * pages decides what is read; untouched pages would only be brought into being by looking.
 */
#include <errno.h>
#include <stdlib.h>

#include "tools/slots.h"

#define BATCH_PAGES    32
#define READ_MAX_BYTES ((uint64_t)32 << 30) /* in one pass: ten seconds or so */

/*
 * Adds a slot that was read twice. Its sequence number must be even, and it and whatever else a
 * slow path changes must be the same in both copies; word and hot alone change on the fast path
 * too, and live = net - parked however they are caught.
 */
static void add_slot(const struct table *table, const unsigned char *first,
		     const unsigned char *second, struct slots_sum *sum)
{
	uint64_t word = table_number(table, second, SLAB_F_SLOT_WORD);
	uint64_t prev = table_number(table, second, SLAB_F_SLOT_PREV_COUNT);
	uint64_t seq = table_number(table, second, SLAB_F_SLOT_SEQ);
	uint64_t net = table_number(table, second, SLAB_F_SLOT_NET);
	uint64_t bits = table->constant[SLAB_K_COUNT_BITS];
	uint64_t hot = table_number(table, second, SLAB_F_SLOT_HOT);

	sum->cached += (word & (((uint64_t)1 << bits) - 1)) + prev;
	sum->cached += hot > table->constant[SLAB_K_SLOT_VACANT];
	sum->allocs += word >> bits;
	sum->net += net;
	sum->torn |= (seq & 1) || seq != table_number(table, first, SLAB_F_SLOT_SEQ) ||
		     prev != table_number(table, first, SLAB_F_SLOT_PREV_COUNT) ||
		     net != table_number(table, first, SLAB_F_SLOT_NET);
}

/* Pages of one thread's slots that are read in one call. */
struct batch {
	size_t page[BATCH_PAGES];
	size_t pages;
	size_t page_bytes, page_slots;
	unsigned char *copy[2]; /* of all pages, read one after the other */
	uint64_t bytes_read;    /* in all batches so far */
};

static void add_pages(const struct walk *walk, const struct batch *batch, int error,
		      struct slots_sum *sums)
{
	size_t slot_bytes = walk->table->constant[SLAB_K_SLOT_BYTES];

	for (size_t i = 0; i < batch->pages * batch->page_slots; i++) {
		size_t page = batch->page[i / batch->page_slots];
		struct slots_sum *sum = &sums[page * batch->page_slots + i % batch->page_slots];

		if (error)
			sum->torn = true;
		else
			add_slot(walk->table, batch->copy[0] + i * slot_bytes,
				 batch->copy[1] + i * slot_bytes, sum);
	}
}

static int read_pages(struct walk *walk, uint64_t slots, struct batch *batch,
		      struct slots_sum *sums)
{
	struct target_part parts[2 * BATCH_PAGES];
	int error;

	for (size_t i = 0; i < 2 * batch->pages; i++) {
		size_t n = i % batch->pages;

		parts[i] = (struct target_part){
			.addr = slots + batch->page[n] * batch->page_bytes,
			.to = batch->copy[i / batch->pages] + n * batch->page_bytes,
			.bytes = batch->page_bytes,
		};
	}
	error = walk->target->read(walk->target, parts, 2 * batch->pages);
	add_pages(walk, batch, error, sums);
	batch->bytes_read += 2 * batch->pages * batch->page_bytes;
	batch->pages = 0;
	return error;
}

/* Reads and adds the touched slots of one thread. */
static int sum_thread(struct walk *walk, size_t t, struct batch *batch, struct slots_sum *sums)
{
	size_t pages = walk->table->constant[SLAB_K_SLOTS] / batch->page_slots;
	int error = 0;

	for (size_t page = 0; page < pages; page++) {
		if (walk_touched(walk, t, page))
			batch->page[batch->pages++] = page;
		if (batch->pages == BATCH_PAGES || (batch->pages > 0 && page + 1 == pages)) {
			int failed = read_pages(walk, walk->thread[t].slots, batch, sums);

			error = failed ? failed : error;
		}
	}
	return error;
}

int slots_sum_all(struct walk *walk, struct slots_sum *sums)
{
	const uint64_t *k = walk->table->constant;
	struct batch batch = { .page_slots = k[SLAB_K_SLOTS_PER_PAGE],
			       .page_bytes = k[SLAB_K_SLOTS_PER_PAGE] * k[SLAB_K_SLOT_BYTES] };
	unsigned char *copies = malloc(2 * BATCH_PAGES * batch.page_bytes);
	int error = 0;

	if (!copies)
		return ENOMEM;
	batch.copy[0] = copies;
	batch.copy[1] = copies + BATCH_PAGES * batch.page_bytes;
	for (size_t t = 0; t < walk->threads && error != ESRCH && error != E2BIG; t++) {
		int failed = sum_thread(walk, t, &batch, sums);

		error = failed ? failed : error;
		if (batch.bytes_read > READ_MAX_BYTES)
			error = E2BIG;
	}
	free(copies);
	return error;
}

/* What slots_read_cache reads, and where it puts it. */
struct row_read {
	struct target_part *part;
	size_t parts;
	unsigned char *bytes;
	size_t used;
};

/* Return: where the bytes of the part will be. */
static unsigned char *row_add(struct row_read *read, uint64_t addr, size_t bytes)
{
	unsigned char *to = read->bytes + read->used;

	read->part[read->parts++] = (struct target_part){ addr, to, bytes };
	read->used += bytes;
	return to;
}

/* Reads anew, for one page of slots, which threads have it. */
static int refresh_touched(struct walk *walk, size_t page, struct target_part *parts)
{
	for (size_t t = 0; t < walk->threads; t++) {
		uint64_t addr = walk_place(walk, walk->thread[t].addr, SLAB_F_THREAD_TOUCHED);

		parts[t] = (struct target_part){
			.addr = addr + page / 8,
			.to = walk->touched + t * walk->touched_bytes + page / 8,
			.bytes = 1,
		};
	}
	return walk->target->read(walk->target, parts, walk->threads);
}

static int read_moment(struct walk *walk, uint64_t addr, uint64_t slot, struct row_read *read,
		       struct slots_moment *moment, struct slots_sum *sum)
{
	const struct table *table = walk->table;
	size_t slot_bytes = table->constant[SLAB_K_SLOT_BYTES], root_bytes, cache_bytes, n = 0;
	uint64_t root = walk_place(walk, table->root, SLAB_F_ROOT_GENERATION);
	unsigned char *root_image[2], *cache_image[2], *slots;
	struct walk_cache *cache = &moment->cache, after;
	int error;

	root_bytes = table->field[SLAB_F_ROOT_GENERATION].size_bytes;
	cache_bytes = table->image_bytes[TABLE_CACHE];
	root_image[0] = row_add(read, root, root_bytes);
	cache_image[0] = row_add(read, addr, cache_bytes);
	slots = read->bytes + read->used;
	for (size_t i = 0; slot > 0 && i < 2 * walk->threads; i++) {
		size_t t = i % walk->threads;

		if (!walk_touched(walk, t, slot / table->constant[SLAB_K_SLOTS_PER_PAGE]))
			continue;
		row_add(read, walk->thread[t].slots + slot * slot_bytes, slot_bytes);
		n++;
	}
	cache_image[1] = row_add(read, addr, cache_bytes);
	root_image[1] = row_add(read, root, root_bytes);
	error = walk->target->read(walk->target, read->part, read->parts);
	if (error)
		return error;
	for (size_t i = 0; i < n / 2; i++)
		add_slot(table, slots + i * slot_bytes, slots + (n / 2 + i) * slot_bytes, sum);
	walk_decode_cache(table, cache_image[0], addr, cache);
	walk_decode_cache(table, cache_image[1], addr, &after);
	moment->root_generation = 0;
	memcpy(&moment->root_generation, root_image[0], root_bytes);
	moment->steady = memcmp(root_image[0], root_image[1], root_bytes) == 0 &&
			 cache->generation == after.generation &&
			 cache->depot_generation == after.depot_generation;
	return 0;
}

int slots_read_cache(struct walk *walk, uint64_t addr, uint64_t slot, size_t *parts_left,
		     struct slots_moment *moment, struct slots_sum *sum)
{
	const struct table *table = walk->table;
	size_t parts = 2 * walk->threads + 4;
	size_t bytes = 2 * (sizeof(uint64_t) + table->image_bytes[TABLE_CACHE]) +
		       2 * walk->threads * table->constant[SLAB_K_SLOT_BYTES];
	struct row_read read = { 0 };
	int error = 0;

	*sum = (struct slots_sum){ 0 };
	if (*parts_left < 2 * parts)
		return E2BIG;
	*parts_left -= 2 * parts;
	read.part = calloc(parts, sizeof *read.part);
	read.bytes = malloc(bytes);
	if (!read.part || !read.bytes)
		error = ENOMEM;
	if (!error && slot > 0)
		error =
		    refresh_touched(walk, slot / table->constant[SLAB_K_SLOTS_PER_PAGE], read.part);
	if (!error)
		error = read_moment(walk, addr, slot, &read, moment, sum);
	free(read.part);
	free(read.bytes);
	return error;
}
