/*
 * table.c - the target's own description of its structures                               Floor t3
 *
 * Called by figures.c, each.c and leaks.c, before anything else is read from a root.
 */
#include <stdio.h>

#include "tools/table.h"

#define ENTRIES_MAX 4096 /* fields or constants of a library that is newer than we are */

/* What a field must be like for the walkers; a newer library may have made numbers wider. */
enum shape { NUMBER, LIST, BYTES, OPTIONAL /* a number, 0 where it is not */ };

struct need {
	enum slab_field_id id;
	enum table_struct in;
	enum shape shape;
};

static const struct need needs[] = {
	{ SLAB_F_ROOT_GENERATION, TABLE_ROOT, NUMBER },
	{ SLAB_F_ROOT_CACHES, TABLE_ROOT, LIST },
	{ SLAB_F_ROOT_CACHE_COUNT, TABLE_ROOT, NUMBER },
	{ SLAB_F_ROOT_THREADS, TABLE_ROOT, LIST },
	{ SLAB_F_ROOT_THREAD_COUNT, TABLE_ROOT, NUMBER },
	{ SLAB_F_ROOT_MAPPED_BYTES, TABLE_ROOT, NUMBER },
	{ SLAB_F_ROOT_METADATA_BYTES, TABLE_ROOT, NUMBER },
	{ SLAB_F_ROOT_HOLES, TABLE_ROOT, NUMBER },
	{ SLAB_F_ROOT_LOST_HOLES, TABLE_ROOT, NUMBER },
	{ SLAB_F_ROOT_UNMAP_FAILURES, TABLE_ROOT, NUMBER },
	{ SLAB_F_ROOT_RESERVE, TABLE_ROOT, BYTES },
	{ SLAB_F_CACHE_SLOT_BYTES, TABLE_CACHE, NUMBER },
	{ SLAB_F_CACHE_LINK, TABLE_CACHE, LIST },
	{ SLAB_F_CACHE_ID, TABLE_CACHE, NUMBER },
	{ SLAB_F_CACHE_STATE, TABLE_CACHE, NUMBER },
	{ SLAB_F_CACHE_FLAGS, TABLE_CACHE, NUMBER },
	{ SLAB_F_CACHE_MODE, TABLE_CACHE, NUMBER },
	{ SLAB_F_CACHE_NAME, TABLE_CACHE, BYTES },
	{ SLAB_F_CACHE_OBJECT_BYTES, TABLE_CACHE, NUMBER },
	{ SLAB_F_CACHE_STRIDE_BYTES, TABLE_CACHE, NUMBER },
	{ SLAB_F_CACHE_ALIGN_BYTES, TABLE_CACHE, NUMBER },
	{ SLAB_F_CACHE_SLAB_BYTES, TABLE_CACHE, NUMBER },
	{ SLAB_F_CACHE_OBJECTS, TABLE_CACHE, NUMBER },
	{ SLAB_F_CACHE_ALLOC_FAILURES, TABLE_CACHE, NUMBER },
	{ SLAB_F_CACHE_GENERATION, TABLE_CACHE, NUMBER },
	{ SLAB_F_CACHE_SLABS, TABLE_CACHE, NUMBER },
	{ SLAB_F_CACHE_FULL, TABLE_CACHE, NUMBER },
	{ SLAB_F_CACHE_EMPTY, TABLE_CACHE, NUMBER },
	{ SLAB_F_CACHE_USED, TABLE_CACHE, NUMBER },
	{ SLAB_F_CACHE_USED_PEAK, TABLE_CACHE, NUMBER },
	{ SLAB_F_CACHE_RELEASED_SLABS, TABLE_CACHE, NUMBER },
	{ SLAB_F_CACHE_DIRECT_ALLOCS, TABLE_CACHE, NUMBER },
	{ SLAB_F_CACHE_DIRECT_FREES, TABLE_CACHE, NUMBER },
	{ SLAB_F_CACHE_RETIRED_ALLOCS, TABLE_CACHE, NUMBER },
	{ SLAB_F_CACHE_RETIRED_NET, TABLE_CACHE, NUMBER },
	{ SLAB_F_CACHE_DEPOT_OBJECTS, TABLE_CACHE, NUMBER },
	{ SLAB_F_CACHE_DEPOT_GENERATION, TABLE_CACHE, NUMBER },
	{ SLAB_F_THREAD_LINK, TABLE_THREAD, LIST },
	{ SLAB_F_THREAD_TID, TABLE_THREAD, NUMBER },
	{ SLAB_F_THREAD_SLOTS, TABLE_THREAD, NUMBER },
	{ SLAB_F_THREAD_TOUCHED, TABLE_THREAD, BYTES },
	{ SLAB_F_SLOT_WORD, TABLE_SLOT, NUMBER },
	{ SLAB_F_SLOT_PREV_COUNT, TABLE_SLOT, NUMBER },
	{ SLAB_F_SLOT_SEQ, TABLE_SLOT, NUMBER },
	{ SLAB_F_SLOT_NET, TABLE_SLOT, NUMBER },
	{ SLAB_F_SLOT_HOT, TABLE_SLOT, OPTIONAL },
};

static const char *field_name(enum slab_field_id id)
{
#define X(name, type, field) #name,
	static const char *const names[] = { SLAB_FIELDS(X) };
#undef X

	return names[id];
}

static bool shape_fits(const struct table_field *field, enum shape shape)
{
	uint32_t size = field->size_bytes;

	if (field->offset_bytes > TABLE_IMAGE_MAX || size == 0 ||
	    size > TABLE_IMAGE_MAX - field->offset_bytes)
		return false;
	if (shape == LIST)
		return size == 2 * sizeof(uint64_t);
	return shape == BYTES || size == 1 || size == 2 || size == 4 || size == 8;
}

static enum fault_code unreadable(const struct target *target, const struct table *table,
				  const char *what, struct fault *fault)
{
	return fault_set(
	    fault, FAULT_LAYOUT,
	    "%s has an unknown layout (version %u, %s): use the slabstat that came "
	    "with its library.",
	    target->label, table->layout_version, what);
}

/* Makes the place of a field of the reserve one within the root, which contains it. */
static bool place_in_reserve(struct table *table, enum slab_field_id id)
{
	const struct table_field *reserve = &table->field[SLAB_F_ROOT_RESERVE];
	struct table_field *field = &table->field[id];

	if (!shape_fits(field, NUMBER) ||
	    field->offset_bytes + field->size_bytes > reserve->size_bytes)
		return false;
	field->offset_bytes += reserve->offset_bytes;
	return true;
}

static enum fault_code check_fields(struct table *table, const struct target *target,
				    struct fault *fault)
{
	for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++) {
		const struct table_field *field = &table->field[needs[i].id];
		size_t end = (size_t)field->offset_bytes + field->size_bytes;
		char what[64];

		if (needs[i].shape == OPTIONAL && field->size_bytes == 0)
			continue; /* an older library */
		if (!shape_fits(field, needs[i].shape)) {
			snprintf(what, sizeof what, "field %s", field_name(needs[i].id));
			return unreadable(target, table, what, fault);
		}
		if (table->image_bytes[needs[i].in] < end)
			table->image_bytes[needs[i].in] = end;
	}
	if (!place_in_reserve(table, SLAB_F_RESERVE_BYTES) ||
	    !place_in_reserve(table, SLAB_F_RESERVE_HELD_BYTES))
		return unreadable(target, table, "fields of the reserve", fault);
	return FAULT_NONE;
}

static bool constants_fit(const struct table *table)
{
	const uint64_t *k = table->constant;
	uint64_t touched_bytes = table->field[SLAB_F_THREAD_TOUCHED].size_bytes;

	return k[SLAB_K_COUNT_BITS] >= 1 && k[SLAB_K_COUNT_BITS] <= 32 &&
	       k[SLAB_K_SLOT_BYTES] >= table->image_bytes[TABLE_SLOT] &&
	       k[SLAB_K_SLOT_BYTES] <= TABLE_SLOT_MAX_BYTES && k[SLAB_K_SLOTS] >= 1 &&
	       k[SLAB_K_SLOTS] <= TABLE_SLOTS_MAX && k[SLAB_K_SLOTS_PER_PAGE] >= 1 &&
	       k[SLAB_K_SLOTS_PER_PAGE] <= TABLE_IMAGE_MAX &&
	       k[SLAB_K_SLOTS_PER_PAGE] * k[SLAB_K_SLOT_BYTES] <= TABLE_IMAGE_MAX &&
	       k[SLAB_K_SLOTS] % k[SLAB_K_SLOTS_PER_PAGE] == 0 &&
	       touched_bytes <= TABLE_TOUCHED_MAX_BYTES &&
	       k[SLAB_K_SLOTS] / k[SLAB_K_SLOTS_PER_PAGE] <= 8 * touched_bytes;
}

/* The fixed start of every root; the struct's own offsets may be used for it, and for it alone. */
struct prefix {
	uint32_t layout_version, root_bytes, fields_at, field_count, constants_at, constant_count;
};
_Static_assert(offsetof(struct slab_root, constant_count) -
		       offsetof(struct slab_root, layout_version) ==
		   offsetof(struct prefix, constant_count),
	       "the prefix of the root is fixed for ever");
_Static_assert(sizeof(struct slab_field) == sizeof(struct table_field), "two 32-bit numbers");

static bool within(uint32_t at, uint32_t count, size_t entry_bytes, uint32_t all)
{
	return count <= ENTRIES_MAX && at <= all && count * entry_bytes <= all - at;
}

/* What an older library lacks stays zero, and fails the check where it is needed. */
static int read_entries(struct table *table, struct target *target, const struct prefix *prefix)
{
	size_t fields = prefix->field_count < SLAB_F_COUNT ? prefix->field_count : SLAB_F_COUNT;
	size_t constants =
	    prefix->constant_count < SLAB_K_COUNT ? prefix->constant_count : SLAB_K_COUNT;
	const struct target_part parts[] = {
		{ table->root + prefix->fields_at, table->field, fields * sizeof table->field[0] },
		{ table->root + prefix->constants_at, table->constant,
		  constants * sizeof table->constant[0] },
	};

	return target->read(target, parts, 2);
}

enum fault_code table_load(struct table *table, struct target *target, uint64_t root,
			   struct fault *fault)
{
	struct prefix prefix = { 0 };
	enum fault_code code;

	memset(table, 0, sizeof *table);
	table->root = root;
	if (target_read(target, root + offsetof(struct slab_root, layout_version), &prefix,
			sizeof prefix) != 0)
		return fault_set(fault, FAULT_PARTIAL, "%s ended while it was being read.",
				 target->label);
	table->layout_version = prefix.layout_version;
	if (prefix.layout_version != SLAB_LAYOUT_VERSION)
		return unreadable(target, table, "this slabstat knows 1", fault);
	if (!within(prefix.fields_at, prefix.field_count, sizeof table->field[0],
		    prefix.root_bytes) ||
	    !within(prefix.constants_at, prefix.constant_count, sizeof table->constant[0],
		    prefix.root_bytes))
		return unreadable(target, table, "its field table is damaged", fault);
	if (read_entries(table, target, &prefix) != 0)
		return fault_set(fault, FAULT_PARTIAL,
				 "part of the memory of %s could not be read.",
				 target->label);
	code = check_fields(table, target, fault);
	if (code == FAULT_NONE && !constants_fit(table))
		return unreadable(target, table, "its constants are damaged", fault);
	return code;
}
