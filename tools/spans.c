/*
 * spans.c - the runs of memory that slabs are cut from                                   Floor t5
 *
 * Called by slabs.c, own.c, objects.c and inside.c. A list must hang together backwards and is
 * bounded.
 */
#include <errno.h>
#include <stdlib.h>

#include "tools/spans.h"

#define FIELD_MAX ((uint32_t)TABLE_IMAGE_MAX)
#define SPANS_MAX ((size_t)1 << 20)

int spans_begin(struct spans *spans, const struct walk *walk)
{
	static const struct {
		enum slab_field_id id;
		uint32_t least, most; /* bytes */
		bool optional, of_large;
	} needed[] = {
		{ SLAB_F_SPAN_ALL_LINK, 16, 16, false, true },
		{ SLAB_F_SPAN_BASE, 8, 8, false, true },
		{ SLAB_F_SPAN_BYTES, 8, 8, false, true },
		{ SLAB_F_SPAN_SLABS, 4, 8, false, false },
		{ SLAB_F_SPAN_FREE, 8, FIELD_MAX, false, false },
		{ SLAB_F_SPAN_HOLE, 8, FIELD_MAX, false, false },
		{ SLAB_F_SPAN_SLOT, 2, FIELD_MAX, false, false },
		{ SLAB_F_SPAN_WARM, 8, FIELD_MAX, true, false },
		{ SLAB_F_SPAN_OWNER, 8, 8, true, false },
	};
	const struct table *table = walk->table;

	*spans = (struct spans){ .owners_known = true };
	for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
		const struct table_field *field = &table->field[needed[i].id];
		size_t end = (size_t)field->offset_bytes + field->size_bytes;

		if (table_has(table, needed[i].id, needed[i].least, needed[i].most))
			spans->image_bytes = spans->image_bytes < end ? end : spans->image_bytes;
		else if (needed[i].optional)
			spans->owners_known = false;
		else
			return ENOTSUP;
		if (needed[i].of_large && spans->large_bytes < end)
			spans->large_bytes = end;
	}
	return 0;
}

static int add(struct spans *spans, const struct walk *walk, const unsigned char *image,
	       size_t bytes)
{
	struct spans_span *span;

	if (spans->count == spans->room) {
		size_t room = spans->room ? 2 * spans->room : 64;
		struct spans_span *more = realloc(spans->span, room * sizeof *more);

		if (!more)
			return ENOMEM;
		spans->span = more;
		spans->room = room;
	}
	span = &spans->span[spans->count];
	span->image = malloc(bytes);
	if (!span->image)
		return ENOMEM;
	memcpy(span->image, image, bytes);
	span->base = table_number(walk->table, image, SLAB_F_SPAN_BASE);
	span->bytes = table_number(walk->table, image, SLAB_F_SPAN_BYTES);
	/* a block has none, wherever the table says that the number stands: its image is shorter */
	span->slabs = bytes < spans->image_bytes
			  ? 0 : table_number(walk->table, image, SLAB_F_SPAN_SLABS);
	spans->count++;
	return 0;
}

int spans_take(struct spans *spans, struct walk *walk, unsigned order)
{
	const struct table *table = walk->table;
	enum slab_field_id list = order == SPANS_RECENT ? SLAB_F_ROOT_RECENT :
				  order == SPANS_LARGE	? SLAB_F_ROOT_LARGE :
							  SLAB_F_ROOT_SPANS;
	uint64_t link_at = table->field[SLAB_F_SPAN_ALL_LINK].offset_bytes, pair[2], head, before;
	size_t bytes = order >= SPANS_LARGE ? spans->large_bytes : spans->image_bytes;
	unsigned char image[TABLE_IMAGE_MAX * 2] = { 0 };
	int error;

	if (order == SPANS_RECENT && !table->field[list].size_bytes)
		return 0;
	order = order >= SPANS_LARGE ? 0 : order;
	head = walk_place(walk, table->root, list) + order * sizeof pair;
	if (order >= SLAB_ORDERS || table->field[list].size_bytes < (order + 1) * sizeof pair)
		return EBADMSG;
	error = target_read(walk->target, head, pair, sizeof pair);
	for (before = head; !error && pair[0] != head;) {
		uint64_t at = pair[0];

		if (spans->count >= SPANS_MAX || at % sizeof(uint64_t))
			return EBADMSG;
		error = target_read(walk->target, at - link_at, image, bytes);
		if (error)
			break;
		memcpy(pair, image + link_at, sizeof pair);
		if (pair[1] != before)
			return EBADMSG;
		before = at;
		error = add(spans, walk, image, bytes);
	}
	return error;
}

static int compare(const void *left, const void *right)
{
	const struct spans_span *a = left, *b = right;

	return a->base < b->base ? -1 : a->base > b->base;
}

void spans_sort(struct spans *spans)
{
	if (spans->count)
		qsort(spans->span, spans->count, sizeof *spans->span, compare);
}

void spans_free(struct spans *spans)
{
	for (size_t i = 0; i < spans->count; i++)
		free(spans->span[i].image);
	free(spans->span);
}

bool spans_bit(const struct walk *walk, const struct spans_span *span, enum slab_field_id id,
	       uint64_t i)
{
	const struct table_field *field = &walk->table->field[id];

	return i < 8 * (uint64_t)field->size_bytes &&
	       (span->image[field->offset_bytes + i / 8] >> (i % 8) & 1);
}
