/*
 * slabpage.c - one slab: format, take, give                                              Floor 2
 *
 * Called by slablist.c, slow.c and verify.c; by cache.c for how slabs are cut.
 */
#include <string.h>

#include "slab/slabpage.h"
#include "slab/bitmap.h"
#include "slab/check.h"

#define LINE_BYTES 64
#define MOST_COLOURS 64
#define SHIFT_STRIDE 512 /* multiples of it start in an eighth of a cache's sets at most */
#define SPARSE_BYTES 4096 /* the largest that slabs of the by-size front end hold many of */
#define CLASS_ORDER_LEAST 2 /* of its slabs: each header breaks a walk through what it holds; */
#define CLASS_ORDER_END   4 /* and below that one part in 32 is what they waste, if any does */

_Static_assert(sizeof(struct slab) == 32, "252 objects of 16 bytes need a header of 64 bytes");

size_t slab_default_align(size_t size)
{
	if (size % 16 == 0)
		return 16;
	if (size >= 8)
		return 8;
	return size & -size;
}

static size_t round_up(size_t value, size_t step)
{
	return (value + step - 1) / step * step;
}

/* How many objects fit behind the header, bitmap included, in a slab of bytes. */
static uint32_t objects_in(struct slab_geometry *geo, size_t align, size_t bytes)
{
	size_t n = (bytes - sizeof(struct slab)) / geo->stride_bytes;

	if (n > UINT16_MAX)
		n = UINT16_MAX;
	for (; n > 0; n--) {
		size_t words = (n + 63) / 64;
		size_t header =
		    round_up(sizeof(struct slab) + 8 * words + geo->lead_bytes, align);

		geo->words = (uint32_t)words;
		geo->header_bytes = (uint32_t)header;
		if (header + n * geo->stride_bytes <= bytes)
			break;
	}
	return (uint32_t)n;
}

static size_t gcd(size_t a, size_t b)
{
	while (b != 0) {
		size_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* Whether the bits of an address that choose a colour are the same in the whole slab. */
static bool is_one_colour(const struct slab_geometry *geo)
{
	return geo->slab_bytes <= (size_t)1 << SLAB_COLOUR_SHIFT;
}

/*
 * As many places for the header as there are, up to a line of every 64: each before a whole object
 * and at the start of a cache line, so that no object is lost; all in the first page, so that a
 * slab of which little is used touches no other for it.
 */
static void set_colours(struct slab_geometry *geo, size_t page_bytes)
{
	size_t step = geo->stride_bytes / gcd(geo->stride_bytes, LINE_BYTES) * LINE_BYTES;
	size_t places = geo->area_bytes / step + 1, colours = 1;

	if (places > page_bytes / step)
		places = page_bytes / step;

	while (colours * 2 <= places && colours < MOST_COLOURS)
		colours *= 2;
	if (!is_one_colour(geo) || step > UINT16_MAX)
		colours = 1;
	geo->colours = (uint32_t)(colours - 1);
	geo->colour_bytes = colours > 1 ? (uint32_t)step : 0;
	geo->first_mask = -(int32_t)geo->slab_bytes;
}

/* Cuts a slab of 1 << order pages. Returns the bytes of its objects; 0: not even one fits. */
static size_t cut_order(struct slab_geometry *geo, size_t align, size_t page_bytes, uint32_t order)
{
	geo->order = order;
	geo->slab_bytes = (uint32_t)(page_bytes << order);
	geo->objects = objects_in(geo, align, geo->slab_bytes);
	geo->area_bytes = geo->objects * geo->stride_bytes;
	return geo->area_bytes;
}

/* The smallest slab of at least 1 << order pages, and less than 1 << end, of which at most one part
 * in so many is waste. */
static bool cut_to(struct slab_geometry *geo, size_t align, size_t page_bytes, uint32_t order,
                   uint32_t end, size_t part)
{
	for (; order < end && page_bytes << order <= SLAB_SLAB_MAX_BYTES; order++) {
		size_t used = cut_order(geo, align, page_bytes, order);

		if (used > 0 && (geo->slab_bytes - used) * part <= geo->slab_bytes)
			return true;
	}
	return false;
}

/*
 * At most one part in 16 is waste, else one in 8 (the kernel's rule): with objects of one byte the
 * bitmap alone is a ninth of a slab of any size. A class, whose slabs have several pages anyway,
 * wastes one part in 32 where it can.
 */
static bool cut(struct slab_geometry *geo, size_t align, size_t page_bytes, uint32_t order_least)
{
	geo->reciprocal = (((uint64_t)1 << 40) + geo->stride_bytes - 1) / geo->stride_bytes;
	return (order_least > 0 &&
	        cut_to(geo, align, page_bytes, order_least, CLASS_ORDER_END, 32)) ||
	       cut_to(geo, align, page_bytes, order_least, SLAB_ORDERS, 16) ||
	       cut_to(geo, align, page_bytes, order_least, SLAB_ORDERS, 8);
}

/*
 * What no object fills goes to the header: where the sizes are powers of two it is then as long as
 * an object, all objects stand at one stride through any number of slabs, which the processor's
 * prefetchers follow, and none lies across more cache lines than it must.
 */
static void take_slack(struct slab_geometry *geo)
{
	size_t slack = geo->slab_bytes - geo->area_bytes;

	geo->header_bytes = (uint32_t)(slack / geo->align_bytes * geo->align_bytes);
}

/*
 * Objects whose distance is a large power of two start in few of a cache's sets. There what is left
 * over in a slab comes first, a few lines or none by the slab's address (Bonwick 1994, section 4).
 */
static bool shift(struct slab_geometry *geo)
{
	size_t slack = geo->slab_bytes - geo->header_bytes - geo->area_bytes;
	size_t step = geo->align_bytes > LINE_BYTES ? geo->align_bytes : LINE_BYTES, places = 1;

	while (places * 2 <= slack / step + 1 && places < MOST_COLOURS)
		places *= 2;
	if (geo->stride_bytes % SHIFT_STRIDE != 0 || places == 1 || !is_one_colour(geo))
		return false;
	geo->colours = (uint32_t)(places - 1);
	geo->colour_bytes = (uint32_t)step;
	geo->first_mask = -1;
	return true;
}

static bool set_dense(struct slab_geometry *geo, size_t size, size_t align, size_t page_bytes,
                      uint32_t order_least)
{
	*geo = (struct slab_geometry){
		.object_bytes = (uint32_t)size,
		.align_bytes = (uint32_t)align,
		.stride_bytes = (uint32_t)round_up(size, align),
	};
	if (!cut(geo, align, page_bytes, order_least))
		return false;
	if (!shift(geo)) {
		take_slack(geo);
		set_colours(geo, page_bytes);
	}
	return true;
}

bool slab_geometry_set(struct slab_geometry *geo, size_t size, size_t align, size_t page_bytes)
{
	return set_dense(geo, size, align, page_bytes, 0);
}

/*
 * For blocks of a page and more, which programs have few of at a time: the smallest slab of whose
 * touched pages at most one part in 8 is waste. What lies behind them costs addresses, no memory;
 * few objects in a slab leave it empty soon, for any other cache of its order.
 */
static bool cut_sparse(struct slab_geometry *geo, size_t align, size_t page_bytes)
{
	for (uint32_t order = 0; page_bytes << order <= SLAB_SLAB_MAX_BYTES; order++) {
		size_t used = cut_order(geo, align, page_bytes, order);
		size_t touched = round_up(geo->header_bytes + used, page_bytes);

		if (used > 0 && (touched - used) * 8 <= touched)
			return true;
	}
	return false;
}

bool slab_geometry_set_sparse(struct slab_geometry *geo, size_t size, size_t align,
                              size_t page_bytes)
{
	if (!set_dense(geo, size, align, page_bytes, CLASS_ORDER_LEAST))
		return false;
	if (geo->stride_bytes <= SPARSE_BYTES)
		return true;
	if (!cut_sparse(geo, align, page_bytes))
		return set_dense(geo, size, align, page_bytes, CLASS_ORDER_LEAST);
	set_colours(geo, page_bytes);
	return true;
}

/* The header stays at the start: nothing is to be found fast here. */
bool slab_geometry_set_debug(struct slab_geometry *geo, size_t size, size_t align,
                             size_t page_bytes, uint32_t flags)
{
	size_t zone = (flags & SLAB_RED_ZONE) != 0 ? SLAB_ZONE_BYTES : 0;
	size_t track = round_up(size + zone, sizeof(uint64_t));
	size_t end = track + slab_track_bytes(flags);
	/* tracks are read as words */
	size_t step = align > sizeof(uint64_t) ? align : sizeof(uint64_t);

	*geo = (struct slab_geometry){
		.object_bytes = (uint32_t)size,
		.align_bytes = (uint32_t)align,
		.stride_bytes = (uint32_t)round_up(end + zone, step),
		.track_offset = (uint32_t)track,
	};
	geo->lead_bytes = geo->stride_bytes - (uint32_t)end;
	geo->first_mask = -1;
	return cut(geo, step, page_bytes, 0);
}

void slab_format(struct slab *s, const struct slab_geometry *geo)
{
	slab_write(&s->cookie, 0); /* readers look at it first: one word, whoever has the slab */
	memset((char *)s + sizeof s->cookie, 0, sizeof *s - sizeof s->cookie);
	for (uint32_t w = 0; w < geo->words; w++)
		slab_write(&s->bitmap[w], 0);
	if (geo->objects % 64 != 0)
		s->bitmap[geo->words - 1] = ~(uint64_t)0 << (geo->objects % 64);
	s->link.next = s->link.prev = &s->link;
	s->band = SLAB_BANDS - 1;
}

/* n objects from at on, downwards from end[-1]. Returns where the next would go. */
static void **take_run(void **end, uintptr_t at, size_t stride, uint32_t n)
{
	void **stop = end - n;

#pragma GCC unroll 4
	while (end != stop) {
		*--end = (void *)at;
		at += stride;
	}
	return end;
}

/* The objects of slots i .. i + n - 1; the header may lie among them. */
static void **take_slots(const struct slab *s, const struct slab_geometry *geo, uint32_t i,
                         uint32_t n, void **end)
{
	uintptr_t first = slab_first(geo, s);
	uint32_t header = slab_slot_of_offset(geo, (uintptr_t)s - first); /* were it a slot */
	uint32_t before = header <= i ? 0 : n < header - i ? n : header - i;

	end = take_run(end, first + (size_t)i * geo->stride_bytes, geo->stride_bytes, before);
	return take_run(end, (uintptr_t)slab_object(s, geo, i + before), geo->stride_bytes,
	                n - before);
}

/* slab_take() from a slab of which nothing is in use: no bit needs to be looked for. */
static uint32_t take_first(struct slab *s, const struct slab_geometry *geo, uint32_t want,
                           void **end)
{
	uint32_t n = want < geo->objects ? want : geo->objects;

	take_slots(s, geo, 0, n, end);
	for (uint32_t w = 0; w < n / 64; w++)
		slab_write(&s->bitmap[w], UINT64_MAX);
	if (n % 64 != 0)
		slab_write(&s->bitmap[n / 64], s->bitmap[n / 64] | (((uint64_t)1 << n % 64) - 1));
	s->in_use = (uint16_t)n;
	return n;
}

/* Up to most of the slots whose bits are set in a word; those that are left are set afterwards. */
static void **take_word(const struct slab *s, const struct slab_geometry *geo, uint32_t word,
                        uint64_t *free, uint32_t most, void **end)
{
	uint64_t lowest = *free & -*free;
	void **stop = end - most;

	/* four or more side by side and no others, as in a slab that is filled the first time */
	if ((*free & (*free + lowest)) == 0 && (*free & lowest << 3) != 0) {
		uint32_t i = (uint32_t)__builtin_ctzll(*free), last = 63 - __builtin_clzll(*free);
		uint32_t n = last - i < most ? last - i + 1 : most;

		*free = last - i < most ? 0 : *free & ~(uint64_t)0 << (i + n);
		return take_slots(s, geo, word * 64 + i, n, end);
	}
	for (; *free != 0 && end != stop; *free &= *free - 1) {
		uint32_t i = word * 64 + (uint32_t)__builtin_ctzll(*free);
		uintptr_t obj = slab_first(geo, s) + (size_t)i * geo->stride_bytes;

		*--end = (void *)(obj < (uintptr_t)s ? obj : obj + geo->header_bytes);
	}
	return end;
}

uint32_t slab_take(struct slab *s, const struct slab_geometry *geo, uint32_t want, void **end)
{
	void **stop = end - want, **at = end;
	uint32_t taken;

	if (s->in_use == 0)
		return take_first(s, geo, want, end);
	for (uint32_t w = 0; w < geo->words && at != stop; w++) {
		uint64_t free = ~s->bitmap[w];

		at = take_word(s, geo, w, &free, (uint32_t)(at - stop), at);
		slab_write(&s->bitmap[w], ~free);
	}
	taken = (uint32_t)(end - at);
	s->in_use = (uint16_t)(s->in_use + taken);
	SLAB_ASSERT(s->in_use <= geo->objects);
	return taken;
}

uint8_t slab_band(const struct slab *s, const struct slab_geometry *geo, uint16_t *floor)
{
	uint16_t not_thin = (uint16_t)slab_not_thin(geo);
	uint32_t quarters; /* begun quarters of the slab that are in use */

	if (s->in_use == geo->objects) {
		*floor = s->in_use;
		return SLAB_BAND_NONE;
	}
	quarters = s->in_use * SLAB_BANDS / geo->objects;
	*floor = (uint16_t)((quarters * geo->objects + SLAB_BANDS - 1) / SLAB_BANDS);
	if (s->at_home || quarters == 0)
		*floor = s->in_use >= not_thin ? not_thin : 1;
	if (s->at_home && s->in_use > 0)
		return SLAB_BAND_HOME;
	return (uint8_t)(SLAB_BANDS - 1 - quarters);
}
