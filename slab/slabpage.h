/*
 * slabpage.h - one slab: format, take, give                                              Floor 2
 *
 * Pure functions over a slab that they are handed; the caller holds the slablist's lock or owns
 * the slab alone. Objects themselves are never touched.
 */
#ifndef SLAB_SLABPAGE_H
#define SLAB_SLABPAGE_H

#include "slab/layout.h"
#include "slab/check.h"

/* Cuts objects of size bytes at align: false when no slab is good enough. */
bool slab_geometry_set(struct slab_geometry *geo, size_t size, size_t align, size_t page_bytes);

/* The same for a class of the by-size front end. Up to a page its slabs have at least four pages;
 * above that they are the smallest ones that waste little of the pages they touch. */
bool slab_geometry_set_sparse(struct slab_geometry *geo, size_t size, size_t align,
                              size_t page_bytes);

/* The same for a cache with these SLAB_DEBUG_FLAGS: see struct slab_track. */
bool slab_geometry_set_debug(struct slab_geometry *geo, size_t size, size_t align,
                             size_t page_bytes, uint32_t flags);

/* Of a track record, as far as the flags ask for one. */
static inline size_t slab_track_bytes(uint32_t flags)
{
	return (flags & SLAB_STORE_USER) != 0 ? sizeof(struct slab_track)
	                                      : offsetof(struct slab_track, taken);
}

static inline struct slab_track *slab_track_of(const struct slab_cache *c, const void *obj)
{
	return (struct slab_track *)((uintptr_t)obj + c->geo.track_offset);
}

/* How many bytes of a slot under debug are the object; those behind are zone. */
static inline size_t slab_track_asked(const struct slab_cache *c, const void *obj)
{
	const struct slab_track *track = slab_track_of(c, obj);
	uint64_t asked = __atomic_load_n(&track->asked, __ATOMIC_ACQUIRE);

	if (__atomic_load_n(&track->state, __ATOMIC_RELAXED) != SLAB_TRACK_LIVE ||
	    asked > c->geo.object_bytes) /* overwritten */
		return c->geo.object_bytes;
	return asked;
}

/* The alignment that a size gets when none is asked for. */
size_t slab_default_align(size_t size);

static inline uintptr_t slab_cookie(const struct slab_cache *c)
{
	return (uintptr_t)c ^ (uintptr_t)slab_root.secret;
}

/* The header of the slab around an address. */
static inline struct slab *slab_of(const struct slab_geometry *geo, const void *p)
{
	uintptr_t base = (uintptr_t)p & ~((uintptr_t)geo->slab_bytes - 1);
	uintptr_t colour = ((uintptr_t)p >> SLAB_COLOUR_SHIFT) & geo->colours;

	return (struct slab *)(base + colour * geo->colour_bytes);
}

/* The start of a slab. */
static inline uintptr_t slab_base(const struct slab_geometry *geo, const struct slab *s)
{
	return (uintptr_t)s & ~((uintptr_t)geo->slab_bytes - 1);
}

/* Where slot 0 lies, or would if the header did not: the start of the slab, or the header. */
static inline uintptr_t slab_first(const struct slab_geometry *geo, const struct slab *s)
{
	return (uintptr_t)s & (uintptr_t)(intptr_t)geo->first_mask;
}

/* The cache named by a header; only meaningful for a slab that a span says is held. */
static inline struct slab_cache *slab_cache_in(const struct slab *s)
{
	return (struct slab_cache *)(s->cookie ^ (uintptr_t)s ^ (uintptr_t)slab_root.secret);
}

static inline bool slab_is_of(const struct slab *s, const struct slab_cache *c)
{
	return slab_read(&s->cookie) == (slab_cookie(c) ^ (uintptr_t)s);
}

/* Has left its cache and waits for its destructors: on no list of the cache, nor counted there. */
static inline bool slab_is_leaving(const struct slab *s)
{
	return s->in_use == 0 && s->band == SLAB_BAND_NONE;
}

/* Without a branch on the side of the header, which no processor foresees: all is arithmetic. */
static inline void *slab_object(const struct slab *s, const struct slab_geometry *geo, uint32_t i)
{
	uintptr_t at = slab_first(geo, s) + (uintptr_t)i * geo->stride_bytes;
	uintptr_t behind = -(uintptr_t)(at >= (uintptr_t)s);

	return (void *)(at + (behind & geo->header_bytes));
}

/* How far an address of the slab is behind slot 0 if the header is left out. False for the header
 * itself and for what no slot covers. */
static inline bool slab_offset_at(const struct slab *s, const struct slab_geometry *geo,
                                  const void *p, uint64_t *offset)
{
	intptr_t header = (intptr_t)((uintptr_t)p - (uintptr_t)s);
	uint64_t behind = ~(uint64_t)(header >> 63);

	*offset = (uintptr_t)p - slab_first(geo, s) - (behind & geo->header_bytes);
	return slab_likely((uintptr_t)header >= geo->header_bytes) &&
	       slab_likely(*offset < geo->area_bytes);
}

static inline uint32_t slab_slot_of_offset(const struct slab_geometry *geo, uint64_t offset)
{
	return (uint32_t)((offset * geo->reciprocal) >> 40);
}

/* The slot that contains an address of the slab; geo->objects for header and slack. */
static inline uint32_t slab_slot_at(const struct slab *s, const struct slab_geometry *geo,
                                    const void *p)
{
	uint64_t offset;

	return slab_offset_at(s, geo, p, &offset) ? slab_slot_of_offset(geo, offset) : geo->objects;
}

/* An empty slab in the memory at s; it is no cache's yet. */
void slab_format(struct slab *s, const struct slab_geometry *geo);

/*
 * Takes up to want free slots, lowest address first, and stores their objects downwards from
 * end[-1]. Returns how many.
 */
uint32_t slab_take(struct slab *s, const struct slab_geometry *geo, uint32_t want, void **end);

enum slab_fault { SLAB_GOOD, SLAB_NOT_AN_OBJECT, SLAB_FREED_TWICE, SLAB_NOT_OF_CACHE };

/* Marks the slot of obj free again. Inline: done for every object that leaves a magazine. */
static inline enum slab_fault slab_give(struct slab *s, const struct slab_geometry *geo,
                                        const void *obj)
{
	uint64_t offset, i, bit, word;

	if (slab_unlikely(!slab_offset_at(s, geo, obj, &offset)))
		return SLAB_NOT_AN_OBJECT;
	i = slab_slot_of_offset(geo, offset);
	if (slab_unlikely(i * geo->stride_bytes != offset))
		return SLAB_NOT_AN_OBJECT;
	bit = (uint64_t)1 << (i % 64);
	word = s->bitmap[i / 64];
	if (slab_unlikely((word & bit) == 0))
		return SLAB_FREED_TWICE;
	slab_write(&s->bitmap[i / 64], word ^ bit); /* an iteration may look meanwhile */
	s->in_use--;
	return SLAB_GOOD;
}

/* With so many objects in use a slab is no longer thin: more than one in 16, and than one. */
static inline uint32_t slab_not_thin(const struct slab_geometry *geo)
{
	return geo->objects / 16 + 2;
}

/* The band in which a slab belongs by its fill, and the fill below which it leaves that band or
 * becomes thin; 1 for one that is. */
uint8_t slab_band(const struct slab *s, const struct slab_geometry *geo, uint16_t *floor);

#endif
