/*
 * home.c - the partial slabs of a large cache, oldest span first                         Floor 4
 *
 * Called by slablist.c. See home.h.
 */
#include "slab/home.h"
#include "slab/bitmap.h"
#include "slab/check.h"
#include "slab/list.h"
#include "slab/map.h"
#include "slab/slabpage.h"

static uint32_t index_of(const struct slab_cache *c, const struct slab_span *span,
                         const struct slab *s)
{
	return (uint32_t)(((uintptr_t)s - span->base) / c->geo.slab_bytes);
}

static struct slab_span *next_home(const struct slab_slablist *l, const struct slab_span *span)
{
	struct slab_list *next = span->home_link.next;

	return next == &l->homes ? NULL : slab_container(next, struct slab_span, home_link);
}

void slab_home_join(struct slab_cache *c, struct slab *s)
{
	struct slab_span *span = slab_map_span(s);

	/* the owner of a span that holds a slab of its owner stays */
	s->at_home = slab_read(&span->owner) == c;
	if (!s->at_home || span->n_home++ > 0)
		return;
	span->home_serial = c->slabs.next_serial++;
	slab_list_add_tail(&span->home_link, &c->slabs.homes);
}

void slab_home_leave(struct slab_cache *c, const struct slab *s)
{
	struct slab_slablist *l = &c->slabs;
	struct slab_span *span;

	if (!s->at_home)
		return;
	span = slab_map_span(s);
	if (--span->n_home > 0)
		return;
	if (l->oldest == span)
		l->oldest = next_home(l, span);
	slab_list_del(&span->home_link);
}

void slab_home_set(struct slab_cache *c, const struct slab *s)
{
	struct slab_slablist *l = &c->slabs;
	struct slab_span *span = slab_map_span(s);

	slab_bit_set(span->partial, index_of(c, span, s));
	span->n_partial++;
	if (l->oldest == NULL || span->home_serial < l->oldest->home_serial)
		l->oldest = span;
}

void slab_home_clear(struct slab_cache *c, const struct slab *s)
{
	struct slab_span *span = slab_map_span(s);

	slab_bit_clear(span->partial, index_of(c, span, s));
	span->n_partial--;
}

struct slab *slab_home_first(struct slab_cache *c)
{
	struct slab_slablist *l = &c->slabs;
	const struct slab_span *span;
	uintptr_t at;
	uint32_t i;

	while (l->oldest != NULL && l->oldest->n_partial == 0)
		l->oldest = next_home(l, l->oldest);
	span = l->oldest;
	if (span == NULL)
		return NULL;
	i = slab_bit_next(span->partial, span->slabs, 0);
	SLAB_ASSERT(i < span->slabs);
	at = span->base + (size_t)i * c->geo.slab_bytes;
	return slab_of(&c->geo, (const void *)at);
}
