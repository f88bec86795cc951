/*
 * reach.c - which objects can be reached                                                 Floor t8
 *
 * Called by leaks.c. Every aligned word counts as a pointer if it lies anywhere in a live object.
 * Roots are the program's writable memory, without what is the library's own, and registers. The
 * work stack is bounded: what does not fit is seen but not done, and found by a sweep over both
 * bitmaps. So the memory taken here does not depend on how the objects hang together.
 */
#include <errno.h>
#include <stdlib.h>

#include "tools/reach.h"

#define PAGE_BYTES    ((uint64_t)4096)
#define PAGES         1024 /* of the target that are kept: 4 MiB */
#define BUFFER_BYTES  ((size_t)64 << 10)
#define STACK_ENTRIES ((size_t)1 << 18)
#define LOOKS_PER_WORD 1024 /* said on the terminal */
#define RED_ZONE      128 /* bytes below the stack pointer that a leaf function may use */
#define ARENA_BYTES   ((uint64_t)64 << 20) /* alignment of malloc's arenas */
#define MAPPING_MAX   ((uint64_t)1 << 40)  /* address space for others' shadow: not looked at */

struct reach_page {
	uint64_t addr;  /* 0: empty */
	uint64_t asked; /* a page that was wanted once: kept when it is wanted again */
	bool there;
	unsigned char bytes[PAGE_BYTES];
};

int reach_begin(struct reach *reach, struct target *target, const struct objects *objects)
{
	uint64_t words = objects->slots / 64 + 1;

	*reach = (struct reach){
		.target = target,
		.objects = objects,
		.seen = calloc(words, sizeof *reach->seen),
		.done = calloc(words, sizeof *reach->done),
		.stack = malloc(STACK_ENTRIES * sizeof *reach->stack),
		.page = calloc(PAGES, sizeof *reach->page),
		.buffer = malloc(BUFFER_BYTES),
		.bytes_left = UINT64_MAX,
	};
	target->page_count = 0; /* what was known of its pages may be old */
	return reach->seen && reach->done && reach->stack && reach->page && reach->buffer
		   ? 0
		   : ENOMEM;
}

void reach_free(struct reach *reach)
{
	free(reach->seen);
	free(reach->done);
	free(reach->stack);
	free(reach->page);
	free(reach->buffer);
}

/* ---- what a word leads to ---- */

static void reach_word(struct reach *reach, uint64_t word)
{
	struct objects_slot found;
	uint64_t slot;

	if (!objects_find(reach->objects, word, &found))
		return;
	slot = found.slab->first + found.slot;
	if (!objects_bit(reach->objects->live, slot) || objects_bit(reach->seen, slot))
		return;
	objects_set(reach->seen, slot);
	if (reach->stacked < STACK_ENTRIES)
		reach->stack[reach->stacked++] = found;
	else
		reach->overflowed = true;
}

static void reach_words(struct reach *reach, const unsigned char *bytes, size_t count, size_t step)
{
	uint64_t low = reach->objects->low, size = reach->objects->high - low, word;

	for (size_t at = 0; at + sizeof word <= count; at += step) {
		memcpy(&word, bytes + at, sizeof word);
		if (word - low < size)
			reach_word(reach, word);
	}
}

/* ---- objects ---- */

/* Copies what an object contains, through pages that are kept: neighbours share them. */
static bool copy(struct reach *reach, uint64_t addr, unsigned char *to, size_t bytes)
{
	if (reach->mapped)
		return target_read(reach->target, addr, to, bytes) == 0;
	while (bytes > 0) {
		uint64_t start = addr & ~(PAGE_BYTES - 1), offset = addr - start;
		struct reach_page *page = &reach->page[start / PAGE_BYTES % PAGES];
		size_t n = bytes < PAGE_BYTES - offset ? bytes : PAGE_BYTES - offset;

		if (page->addr != start && page->asked != start) {
			page->asked = start; /* others may jump about: no page for one object */
			if (target_read(reach->target, addr, to, n) != 0)
				return false;
			addr += n;
			to += n;
			bytes -= n;
			continue;
		}
		if (page->addr != start) {
			page->addr = start;
			page->there = target_read(reach->target, start, page->bytes,
						  PAGE_BYTES) == 0;
		}
		if (!page->there)
			return false;
		memcpy(to, page->bytes + offset, n);
		addr += n;
		to += n;
		bytes -= n;
	}
	return true;
}

/* Whether there may be still more to look at; a core that says so is made to do harm. */
static bool spend(struct reach *reach, uint64_t bytes)
{
	if (reach->bytes_left < bytes)
		return false;
	reach->bytes_left -= bytes;
	reach->looked_bytes += bytes;
	if (++reach->looks % LOOKS_PER_WORD == 0)
		progress_tell(&reach->progress, "looking for pointers", reach->looked_bytes,
			      reach->all_bytes);
	return true;
}

static void follow(struct reach *reach, const struct objects_slot *slot)
{
	const struct objects_cache *cache = &reach->objects->cache[slot->slab->cache];
	uint64_t bytes, addr = objects_at(reach->objects, slot, &bytes), n;

	objects_set(reach->done, slot->slab->first + slot->slot);
	for (; bytes > 0; addr += n, bytes -= n) {
		n = bytes < BUFFER_BYTES ? bytes : BUFFER_BYTES;
		if (spend(reach, n) && copy(reach, addr, reach->buffer, n))
			reach_words(reach, reach->buffer, n, cache->step_bytes);
		else
			reach->unread_bytes += n;
	}
}

static void drain(struct reach *reach)
{
	while (reach->stacked > 0) {
		struct objects_slot slot = reach->stack[--reach->stacked];

		if (!objects_bit(reach->done, slot.slab->first + slot.slot))
			follow(reach, &slot);
	}
}

/* Finds by their bits those that did not fit on the stack. */
static void sweep(struct reach *reach)
{
	const struct objects *objects = reach->objects;

	while (reach->overflowed) {
		reach->overflowed = false;
		for (size_t i = 0; i < objects->slabs; i++) {
			struct objects_slot slot = { &objects->slab[i], 0 };
			uint32_t slots = objects->cache[slot.slab->cache].slots;

			for (; slot.slot < slots; slot.slot++) {
				uint64_t n = slot.slab->first + slot.slot;

				if (objects_bit(reach->seen, n) && !objects_bit(reach->done, n)) {
					follow(reach, &slot);
					drain(reach);
				}
			}
		}
	}
}

void reach_among_leaked(struct reach *reach, uint64_t *held)
{
	const struct objects *objects = reach->objects;
	uint64_t *seen = reach->seen;

	/* what is not reached may be marked once more, elsewhere; what is reached is left alone */
	memcpy(held, seen, (objects->slots / 64 + 1) * sizeof *held);
	for (size_t i = 0; i < objects->slabs; i++) {
		struct objects_slot slot = { &objects->slab[i], 0 };
		uint32_t slots = objects->cache[slot.slab->cache].slots;

		for (; slot.slot < slots; slot.slot++) {
			uint64_t n = slot.slab->first + slot.slot;
			bool was;

			if (!objects_bit(objects->live, n) || objects_bit(seen, n))
				continue;
			was = objects_bit(held, n);
			objects_set(held, n); /* itself does not count */
			reach->seen = held;
			follow(reach, &slot);
			reach->seen = seen;
			reach->stacked = 0;
			if (!was)
				held[n / 64] &= ~((uint64_t)1 << (n % 64));
		}
	}
}

/* ---- roots ---- */

static void root_block(struct reach *reach, uint64_t addr, uint64_t bytes)
{
	if (target_read(reach->target, addr, reach->buffer, bytes) == 0) {
		/* followed only once the buffer is not needed any more */
		reach_words(reach, reach->buffer, bytes, sizeof(uint64_t));
		drain(reach);
		return;
	}
	for (uint64_t n; bytes > 0; addr += n, bytes -= n) {
		n = bytes < PAGE_BYTES ? bytes : PAGE_BYTES;
		if (target_read(reach->target, addr, reach->buffer, n) == 0) {
			reach_words(reach, reach->buffer, n, sizeof(uint64_t));
			drain(reach);
		}
	}
}

static void root_range(struct reach *reach, uint64_t start, uint64_t end)
{
	uint64_t from, to, n;

	start = (start + 7) & ~(uint64_t)7;
	while (start < end && reach->target->present(reach->target, start, end, &from, &to)) {
		for (; from < to; from += n) {
			n = to - from < BUFFER_BYTES ? to - from : BUFFER_BYTES;
			if (!spend(reach, n))
				return;
			root_block(reach, from, n);
		}
		start = to;
	}
}

/* Skips what is the library's own. */
static void root_mapping(struct reach *reach, const struct own *own, uint64_t start, uint64_t end)
{
	size_t low = 0, high = own->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (own->range[mid].end <= start)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < own->count && own->range[low].start < end; low++) {
		if (own->range[low].start > start)
			root_range(reach, start, own->range[low].start);
		start = own->range[low].end;
	}
	if (start < end)
		root_range(reach, start, end);
}

/* A stack has a guard below it, or is the first thread's; what is below its pointer is dead. */
static uint64_t stack_start(const struct target *target, size_t i,
			    const struct registers *registers)
{
	const struct target_mapping *mapping = &target->mappings[i];
	uint64_t size = mapping->end - mapping->start, lowest = UINT64_MAX;
	bool is_stack = registers->random - mapping->start < size;

	for (size_t j = 0; j < registers->stacks; j++)
		if (registers->stack[j] - mapping->start < size && registers->stack[j] < lowest)
			lowest = registers->stack[j];
	if (lowest == UINT64_MAX || lowest - mapping->start < RED_ZONE)
		return mapping->start;
	for (size_t j = 0; j < target->mapping_count && !is_stack; j++)
		is_stack = target->mappings[j].end == mapping->start &&
			   !target->mappings[j].readable && mapping->start % ARENA_BYTES != 0;
	return is_stack ? lowest - RED_ZONE : mapping->start;
}

static bool is_root(const struct target_mapping *mapping)
{
	return mapping->readable && !mapping->device && (mapping->writable || mapping->anonymous) &&
	       mapping->end - mapping->start <= MAPPING_MAX;
}

void reach_mark(struct reach *reach, const struct own *own, const struct registers *registers,
		bool exact)
{
	const struct target *target = reach->target;

	for (size_t i = 0; i < registers->words; i++)
		reach_word(reach, registers->word[i]);
	for (size_t i = 0; i < own->words; i++)
		reach_word(reach, own->word[i]);
	drain(reach);
	for (size_t i = 0; i < target->mapping_count; i++)
		if (is_root(&target->mappings[i]))
			reach->all_bytes += target->mappings[i].end - target->mappings[i].start;
	for (size_t i = 0; i < target->mapping_count; i++) {
		const struct target_mapping *mapping = &target->mappings[i];

		if (is_root(mapping))
			root_mapping(reach, own,
				     exact ? stack_start(target, i, registers) : mapping->start,
				     mapping->end);
	}
	sweep(reach);
	progress_end(&reach->progress);
}
