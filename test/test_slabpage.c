/*
 * test_slabpage.c - one slab: how it is cut for every size and alignment, take and give
 */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "test/unit.h"
#include "slab/bitmap.h"
#include "slab/slabpage.h"

#define PAGE ((size_t)4096)

static size_t up(size_t value, size_t step)
{
	return (value + step - 1) / step * step;
}

/* Waste of a slab of bytes that holds as many objects as fit, counted from nothing. */
static size_t least_waste(size_t bytes, size_t stride, size_t align)
{
	size_t n = (bytes - 40) / stride;

	n = n > UINT16_MAX ? UINT16_MAX : n;
	while (n > 0 && up(sizeof(struct slab) + 8 * ((n + 63) / 64), align) + n * stride > bytes)
		n--;
	return n == 0 ? bytes : bytes - n * stride;
}

/* No smaller slab would have done: of one part in 16, or of 8 where no slab reaches 16. */
static void is_the_smallest(const struct slab_geometry *g)
{
	size_t waste = g->slab_bytes - (size_t)g->objects * g->stride_bytes;
	bool sixteenth = waste * 16 <= g->slab_bytes;

	cr_assert(waste * 8 <= g->slab_bytes);
	for (size_t bytes = PAGE; bytes <= SLAB_SLAB_MAX_BYTES; bytes *= 2) {
		size_t smaller = least_waste(bytes, g->stride_bytes, g->align_bytes);

		if (bytes == g->slab_bytes)
			cr_assert_eq(smaller, waste, "%u bytes at %u: more objects would fit",
				     g->object_bytes, g->align_bytes);
		if (bytes < g->slab_bytes)
			cr_assert_gt(smaller * (sixteenth ? 16 : 8), bytes);
		if (!sixteenth)
			cr_assert_gt(smaller * 16, bytes);
	}
}

static void is_sound(const struct slab_geometry *g, size_t size, size_t align)
{
	size_t header = sizeof(struct slab) + 8 * (size_t)g->words;

	cr_assert_eq(g->object_bytes, size);
	cr_assert_eq(g->align_bytes, align);
	cr_assert_eq(g->stride_bytes, up(size, align));
	cr_assert_eq(g->slab_bytes, PAGE << g->order);
	cr_assert_lt(g->order, SLAB_ORDERS);
	cr_assert_gt(g->objects, 0);
	cr_assert_leq(g->objects, UINT16_MAX);
	cr_assert_eq(g->words, (g->objects + 63) / 64);
	cr_assert_geq(g->header_bytes, header); /* never at offset 0, never over the bitmap */
	cr_assert_eq(g->header_bytes % align, 0);
	cr_assert_leq(g->header_bytes + (size_t)g->objects * g->stride_bytes, g->slab_bytes);
	if (g->colours > 0 && g->first_mask == -1) { /* what is left over comes first */
		cr_assert_leq(g->colours * g->colour_bytes + g->header_bytes +
		                  (size_t)g->objects * g->stride_bytes, g->slab_bytes);
		return;
	}
	/* all that is left over, so that powers of two stand at one stride through all slabs */
	cr_assert_gt(g->header_bytes + (size_t)g->objects * g->stride_bytes + align, g->slab_bytes);
	if ((g->stride_bytes & (g->stride_bytes - 1)) == 0 && g->objects < UINT16_MAX)
		cr_assert_eq(g->header_bytes % g->stride_bytes, 0);
	cr_assert_lt(g->colours * g->colour_bytes, PAGE); /* in the first page */
	is_the_smallest(g);
}

Test(slabpage, every_size_and_alignment_is_cut_well)
{
	struct slab_geometry g;
	size_t step = (size_t)rounds(1, 61);

	for (size_t align = 1; align <= SLAB_ALIGN_MAX; align *= 2) {
		for (size_t size = 1; size <= SLAB_OBJECT_MAX; size += size < 2048 ? 1 : step) {
			cr_assert(slab_geometry_set(&g, size, align, PAGE), "%zu at %zu", size,
				  align);
			is_sound(&g, size, align);
		}
		cr_assert(slab_geometry_set(&g, SLAB_OBJECT_MAX, align, PAGE));
		is_sound(&g, SLAB_OBJECT_MAX, align);
	}
}

Test(slabpage, classes_of_many_pages_waste_at_most_an_eighth_of_what_they_touch)
{
	struct slab_geometry dense, g;
	int wasted = 0; /* sizes up to a page of whose slabs more than a part in 32 is waste */

	for (size_t size = 16; size <= SLAB_OBJECT_MAX; size += 16) {
		size_t used, touched;

		cr_assert(slab_geometry_set(&dense, size, 16, PAGE));
		cr_assert(slab_geometry_set_sparse(&g, size, 16, PAGE));
		if (size <= 4096) {
			cr_assert_geq(g.order, 2, "%zu", size);
			cr_assert_leq(g.order, dense.order > 3 ? dense.order : 3, "%zu", size);
			cr_assert_leq((g.slab_bytes - g.area_bytes) * 8, g.slab_bytes, "%zu", size);
			wasted += g.slab_bytes - g.area_bytes > g.slab_bytes / 32;
			continue;
		}
		used = g.objects * (size_t)g.stride_bytes;
		touched = (g.header_bytes + used + PAGE - 1) / PAGE * PAGE;
		cr_assert(g.objects > 0 && touched <= g.slab_bytes, "%zu", size);
		cr_assert_leq((touched - used) * 8, touched, "%zu", size);
		cr_assert_leq(g.slab_bytes, dense.slab_bytes > 2 * size ? dense.slab_bytes
		                                                        : 4 * size, "%zu", size);
	}
	cr_assert_leq(wasted, 86); /* all above 1,424: at 1,536, too, it would be one in 16 else */
	cr_assert(slab_geometry_set_sparse(&g, 1040, 16, PAGE));
	cr_assert(g.objects == 31 && g.order == 3);
}

Test(slabpage, small_objects_are_packed_as_promised)
{
	struct slab_geometry g;

	cr_assert(slab_geometry_set(&g, 16, 16, PAGE));
	cr_assert(g.objects == 252 && g.order == 0);
	cr_assert(slab_geometry_set(&g, 64, 16, PAGE));
	cr_assert(g.objects == 63 && g.order == 0);
}

/*
 * The division by multiplication is monotonous, so it is exact for every offset if it is at each
 * object's first byte and at the last byte before it.
 */
Test(slabpage, the_reciprocal_is_exact_for_every_offset)
{
	struct slab_geometry g;
	size_t step = (size_t)rounds(1, 97);

	for (size_t stride = 1; stride <= SLAB_OBJECT_MAX; stride += stride < 300 ? 1 : step) {
		cr_assert(slab_geometry_set(&g, stride, 1, PAGE));
		for (uint64_t at = stride, n = 1; at < SLAB_SLAB_MAX_BYTES; at += stride, n++)
			if ((at * g.reciprocal) >> 40 != n ||
			    ((at - 1) * g.reciprocal) >> 40 != n - 1)
				cr_assert_fail("stride %zu, offset %lu", stride, at);
	}
}

Test(slabpage, default_alignment_follows_the_rule)
{
	for (size_t size = 1; size <= SLAB_OBJECT_MAX; size++) {
		size_t want = size % 16 == 0  ? 16
			      : size >= 8     ? 8
			      : size % 4 == 0 ? 4
			      : size % 2      ? 1
					      : 2;

		cr_assert_eq(slab_default_align(size), want, "size %zu", size);
	}
}

/* ---- one slab ---- */

#define REGION_BYTES ((size_t)16 << 20) /* addresses for every place of a header, aligned */

static struct slab_geometry geo;
static struct slab *slab;
static unsigned char *region, *base;

/* Where a slab lies whose header has the given place. */
static unsigned char *colour_address(const struct slab_geometry *g, uint32_t colour)
{
	uintptr_t at;

	region = mmap(NULL, REGION_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
	              -1, 0);
	cr_assert_neq(region, MAP_FAILED);
	at = up((uintptr_t)region, g->slab_bytes);
	while (((at >> SLAB_COLOUR_SHIFT) & g->colours) != colour)
		at += g->slab_bytes;
	cr_assert_leq(at + g->slab_bytes, (uintptr_t)region + REGION_BYTES);
	return (unsigned char *)at;
}

/* Objects lie one behind the other, whole, aligned, and beside the header. */
static void check_places(const struct slab_geometry *g, uintptr_t at)
{
	const struct slab *s = slab_of(g, (void *)at);
	uintptr_t head = (uintptr_t)s, before = at;

	cr_assert_eq(head % 64, 0);
	cr_assert(head >= at && head + g->header_bytes <= at + g->slab_bytes);
	for (uint32_t i = 0; i < g->objects; i++) {
		uintptr_t obj = (uintptr_t)slab_object(s, g, i);

		cr_assert(obj >= before && obj + g->object_bytes <= at + g->slab_bytes);
		cr_assert(obj + g->object_bytes <= head || obj >= head + g->header_bytes);
		cr_assert_eq(obj % g->align_bytes, 0);
		cr_assert_eq(slab_slot_at(s, g, (void *)obj), i);
		cr_assert_eq(slab_slot_at(s, g, (void *)(obj + g->object_bytes - 1)), i);
		cr_assert_eq(slab_of(g, (void *)obj), s);
		before = obj + g->stride_bytes;
	}
	cr_assert_geq(slab_slot_at(s, g, s), g->objects);
	for (uintptr_t p = at; p < (uintptr_t)slab_object(s, g, 0); p++)
		cr_assert_geq(slab_slot_at(s, g, (void *)p), g->objects);
}

Test(slabpage, the_header_has_many_places_and_costs_no_object)
{
	static const size_t sizes[] = { 1,  2,  7,  8,   16,  24,  40,  48,
		                        64, 96, 100, 256, 600, 1024, 5000, 8192, 65536 };
	struct slab_geometry g;

	for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
		for (size_t align = 1; align <= SLAB_ALIGN_MAX; align *= 8) {
			cr_assert(slab_geometry_set(&g, sizes[k], align, PAGE));
			for (uint32_t c = 0; c <= g.colours; c++)
				check_places(&g, up((uintptr_t)0x5500000000, 1 << 24) +
				                     ((uintptr_t)c << SLAB_COLOUR_SHIFT));
		}
	}
	cr_assert(slab_geometry_set(&g, 64, 16, PAGE));
	cr_assert_eq(g.colours, 63); /* every line of the page */
}

/* Places in a page, in lines, at which the first objects of slabs of every colour start. */
static uint32_t starts(size_t size)
{
	uint64_t lines = 0;
	struct slab_geometry g;

	cr_assert(slab_geometry_set(&g, size, 16, PAGE));
	for (uint32_t c = 0; c <= g.colours; c++) {
		uintptr_t at = ((uintptr_t)1 << 40) + ((uintptr_t)c << SLAB_COLOUR_SHIFT);
		const struct slab *s = slab_of(&g, (void *)at);

		for (uint32_t i = 0; i < g.objects; i++)
			lines |= (uint64_t)1 << ((uintptr_t)slab_object(s, &g, i) / 64 % 64);
	}
	return (uint32_t)__builtin_popcountll(lines);
}

Test(slabpage, objects_of_a_large_power_of_two_start_in_many_sets)
{
	cr_assert_eq(starts(512), 64);
	cr_assert_eq(starts(1024), 64);
	cr_assert_geq(starts(2048), 32);
	cr_assert_geq(starts(4096), 16);
}

static void *objs[300], **const end = objs + 300;

/* A slab whose header is as far in as it gets: the address of the slab decides. */
static void make(void)
{
	cr_assert(slab_geometry_set(&geo, 40, 8, PAGE));
	cr_assert_gt(geo.colours, 0);
	base = colour_address(&geo, geo.colours);
	memset(base, 0xa5, geo.slab_bytes);
	slab = slab_of(&geo, base);
	slab_format(slab, &geo);
}

static void unmake(void)
{
	munmap(region, REGION_BYTES);
}

Test(slabpage, a_formatted_slab_is_empty, .init = make, .fini = unmake)
{
	cr_assert_eq(slab->in_use, 0);
	cr_assert_eq(slab->pins, 0);
	cr_assert_eq(slab_bit_count(slab->bitmap, geo.words), geo.words * 64 - geo.objects);
	cr_assert_eq(slab_bit_next_zero(slab->bitmap, geo.words * 64, 0), 0);
	/* beside the header nothing was written */
	for (unsigned char *p = base; p < base + geo.slab_bytes; p++)
		if (p < (unsigned char *)slab || p >= (unsigned char *)slab + geo.header_bytes)
			cr_assert_eq(*p, 0xa5);
}

Test(slabpage, takes_the_lowest_and_stores_downwards, .init = make, .fini = unmake)
{
	cr_assert_eq(slab_take(slab, &geo, 3, end), 3);
	for (uint32_t i = 0; i < 3; i++)
		cr_assert_eq(end[-1 - (int)i], slab_object(slab, &geo, i));
	cr_assert_eq(slab->in_use, 3);
	cr_assert_eq(slab_give(slab, &geo, slab_object(slab, &geo, 1)), SLAB_GOOD);
	cr_assert_eq(slab_take(slab, &geo, 2, end), 2);
	cr_assert_eq(end[-1], slab_object(slab, &geo, 1));
	cr_assert_eq(end[-2], slab_object(slab, &geo, 3));
}

Test(slabpage, takes_all_and_no_more, .init = make, .fini = unmake)
{
	cr_assert_eq(slab_take(slab, &geo, 1000, end), geo.objects);
	cr_assert_eq(slab->in_use, geo.objects);
	cr_assert_eq(slab_take(slab, &geo, 1, end), 0);
	for (uint32_t i = 0; i < geo.objects; i++) {
		cr_assert_eq(end[-1 - (int)i], slab_object(slab, &geo, i));
		cr_assert_eq(slab_give(slab, &geo, end[-1 - (int)i]), SLAB_GOOD);
	}
	cr_assert_eq(slab->in_use, 0);
}

/* From an empty slab, and of slots side by side, it goes another way: as if one by one. */
Test(slabpage, takes_any_number_of_an_empty_slab, .init = make, .fini = unmake)
{
	for (uint32_t colour = 0; colour <= geo.colours; colour++) {
		base = colour_address(&geo, colour);
		slab = slab_of(&geo, base);
		for (uint32_t n = 1; n <= geo.objects; n++) {
			slab_format(slab, &geo);
			cr_assert_eq(slab_take(slab, &geo, n, end), n);
			cr_assert_eq(slab->in_use, n);
			cr_assert_eq(slab_bit_count(slab->bitmap, geo.words),
			             geo.words * 64 - geo.objects + n);
			for (uint32_t at = n; at < geo.objects;)
				at += slab_take(slab, &geo, 7, end - at);
			for (uint32_t i = 0; i < geo.objects; i++)
				cr_assert_eq(end[-1 - (int)i], slab_object(slab, &geo, i));
			cr_assert_eq(slab_bit_count(slab->bitmap, geo.words), geo.words * 64);
		}
	}
}

/* Every address of the slab, of which all slots are in use. */
static void check_others_are_refused(const struct slab_geometry *g)
{
	uint32_t next = 0;

	for (unsigned char *p = base; p < base + g->slab_bytes; p++) {
		if (next < g->objects && p == slab_object(slab, g, next))
			next++;
		else
			cr_assert_eq(slab_give(slab, g, p), SLAB_NOT_AN_OBJECT);
	}
	cr_assert_eq(next, g->objects);
	cr_assert_eq(slab->in_use, g->objects);
}

/* With objects on both sides of the header, and with all behind it. */
Test(slabpage, gives_back_objects_only_wherever_the_header_is)
{
	static const size_t sizes[] = { 24, 64, 1024 };

	for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
		cr_assert(slab_geometry_set(&geo, sizes[k], 8, PAGE));
		for (uint32_t colour = 0; colour <= geo.colours; colour++) {
			base = colour_address(&geo, colour);
			slab = slab_of(&geo, base);
			slab_format(slab, &geo);
			cr_assert_eq(slab_take(slab, &geo, geo.objects, end), geo.objects);
			check_others_are_refused(&geo);
			munmap(region, REGION_BYTES);
		}
	}
}

Test(slabpage, gives_back_objects_only, .init = make, .fini = unmake)
{
	unsigned char *first = slab_object(slab, &geo, 0);

	slab_take(slab, &geo, geo.objects, end);
	check_others_are_refused(&geo);
	cr_assert_eq(slab_give(slab, &geo, first), SLAB_GOOD);
	cr_assert_eq(slab_give(slab, &geo, first), SLAB_FREED_TWICE);
	cr_assert_eq(slab->in_use, geo.objects - 1);
}

/* With floor as slab_band() gives it, a slab changes its band, or is thin, exactly when in_use
 * passes it. */
Test(slabpage, bands_are_quarters_and_floors_are_their_edges)
{
	for (size_t size = 1; size <= SLAB_OBJECT_MAX; size = size * 3 / 2 + 1) {
		struct slab_geometry g;
		struct slab s = { .in_use = 0 };
		bool thin, was_thin = true;
		uint8_t band, before;
		uint16_t floor;

		cr_assert(slab_geometry_set(&g, size, 1, PAGE));
		before = slab_band(&s, &g, &floor);
		cr_assert_eq(before, SLAB_BANDS - 1);
		for (s.in_use = 1; s.in_use < g.objects; s.in_use++) {
			band = slab_band(&s, &g, &floor);
			cr_assert_eq(band, SLAB_BANDS - 1 - s.in_use * SLAB_BANDS / g.objects);
			thin = s.in_use < g.objects / 16 + 2;
			cr_assert_eq(thin, floor == 1);
			if (s.in_use > 1) /* one less is empty: that is below every floor */
				cr_assert_eq(band == before && thin == was_thin,
					     s.in_use - 1 >= floor);
			was_thin = thin;
			before = band;
		}
		cr_assert_eq(slab_band(&s, &g, &floor), SLAB_BAND_NONE);
		cr_assert_eq(floor, g.objects);
	}
}
