/*
 * table.h - the target's own description of its structures                               Floor t3
 *
 * The root carries a table of offsets and sizes, numbered by enum slab_field_id. Whatever is read
 * from a target is decoded through it, so one slabstat reads every version of the library.
 */
#ifndef SLABSTAT_TABLE_H
#define SLABSTAT_TABLE_H

#include <string.h>

#include "slab/layout.h"
#include "tools/target.h"

#define TABLE_IMAGE_MAX         ((size_t)64 << 10) /* of the part of a struct that is read */
#define TABLE_SLOT_MAX_BYTES    1024
#define TABLE_SLOTS_MAX         ((uint64_t)1 << 20)
#define TABLE_TOUCHED_MAX_BYTES 4096

enum table_struct { TABLE_ROOT, TABLE_CACHE, TABLE_THREAD, TABLE_SLOT, TABLE_STRUCTS };

struct table_field {
	uint32_t offset_bytes, size_bytes;
};

struct table {
	uint64_t root; /* address of the struct slab_root that it was found in */
	uint32_t layout_version;
	struct table_field field[SLAB_F_COUNT];
	uint64_t constant[SLAB_K_COUNT];
	size_t image_bytes[TABLE_STRUCTS]; /* from the start of a struct to its last known field */
};

/*
 * Reads and checks the table of a root. Afterwards every field that walk.c uses is present, within
 * image_bytes, and of a size that table_number() takes. Return: 0 or the code of the fault noted.
 */
enum fault_code table_load(struct table *table, struct target *target, uint64_t root,
			   struct fault *fault);

/* Whether a field that not every library has is there, and of a size that makes sense. */
static inline bool table_has(const struct table *table, enum slab_field_id id, uint32_t least,
			     uint32_t most)
{
	return table->field[id].size_bytes >= least && table->field[id].size_bytes <= most &&
	       table->field[id].offset_bytes <= TABLE_IMAGE_MAX;
}

/* A number out of an image (a copy from offset 0 on) of a struct; little-endian like the host. */
static inline uint64_t table_number(const struct table *table, const unsigned char *image,
				    enum slab_field_id id)
{
	const struct table_field *field = &table->field[id];
	uint64_t value = 0;

	if (field->size_bytes == sizeof value) /* nearly all; lets the copy be one load */
		memcpy(&value, image + field->offset_bytes, sizeof value);
	else
		memcpy(&value, image + field->offset_bytes, field->size_bytes);
	return value;
}

#endif
