/*
 * spans.h - the runs of memory that slabs are cut from                                   Floor t5
 */
#ifndef SLABSTAT_SPANS_H
#define SLABSTAT_SPANS_H

#include "tools/walk.h"

#define SPANS_BITS_MAX ((uint64_t)8 * TABLE_IMAGE_MAX)
/* Instead of an order: blocks that are a mapping of their own, and what is kept of freed ones. */
#define SPANS_LARGE SLAB_ORDERS
#define SPANS_RECENT (SLAB_ORDERS + 1)

struct spans_span {
	uint64_t base, bytes, slabs;
	unsigned char *image; /* of the struct slab_span */
};

struct spans {
	struct spans_span *span;
	size_t count, room;
	size_t image_bytes; /* of each; */
	size_t large_bytes; /* of these a large block has so many */
	bool owners_known;  /* they tell whom they serve, and what of them is kept empty */
};

/* Whether the library's table tells all that is needed. Return: 0 or ENOTSUP. */
int spans_begin(struct spans *spans, const struct walk *walk);

/*
 * Adds the spans of one order. Return: 0; EBADMSG: the list is damaged; ENOMEM; or the errno of a
 * read. spans_free() in each case.
 */
int spans_take(struct spans *spans, struct walk *walk, unsigned order);

void spans_sort(struct spans *spans); /* by address */
void spans_free(struct spans *spans);

/* Bit i of a bitmap in the image; slabs beyond it have none. */
bool spans_bit(const struct walk *walk, const struct spans_span *span, enum slab_field_id id,
	       uint64_t i);

#endif
