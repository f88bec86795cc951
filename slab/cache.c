/*
 * cache.c - creating caches                                                              Floor 10
 *
 * Called by users and by sized.c. New caches are made of what destroy.c has buried, the oldest
 * first, or of fresh descriptors.
 */
#include <errno.h>
#include <string.h>

#include "slab/cache.h"
#include "slab/bitmap.h"
#include "slab/budget.h"
#include "slab/check.h"
#include "slab/config.h"
#include "slab/depot.h"
#include "slab/direct.h"
#include "slab/list.h"
#include "slab/map.h"
#include "slab/meta.h"
#include "slab/registry.h"
#include "slab/report.h"
#include "slab/slablist.h"
#include "slab/thread.h"
#include "slab/track.h"
#include "slab/valgrind.h"

#define KNOWN_FLAGS (SLAB_PANIC | SLAB_DEBUG_FLAGS | SLAB_ONE_MALLOC)
#define DEAD_KEPT 64 /* destroyed caches that are not reused yet */

static bool name_byte_ok(char byte)
{
	return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
	       (byte >= '0' && byte <= '9') || (byte != '\0' && strchr("_.:/+-", byte) != NULL);
}

static void set_name(char to[SLAB_NAME_BYTES], const char *name)
{
	size_t i;

	for (i = 0; i < SLAB_NAME_BYTES - 1 && name[i] != '\0'; i++)
		to[i] = name_byte_ok(name[i]) ? name[i] : '_';
	memset(to + i, 0, SLAB_NAME_BYTES - i);
}

/* Reads what this library knows of the caller's struct. False: it asks for something unknown. */
static bool read_args(struct slab_cache_args *known, const struct slab_cache_args *args,
                      size_t bytes)
{
	const unsigned char *raw = (const unsigned char *)args;

	*known = (struct slab_cache_args){ 0 };
	if (args == NULL)
		return true;
	memcpy(known, args, bytes < sizeof *known ? bytes : sizeof *known);
	for (size_t i = sizeof *known; i < bytes; i++)
		if (raw[i] != 0)
			return false;
	return known->reserved == 0 && (known->flags & ~KNOWN_FLAGS) == 0;
}

static bool align_ok(size_t align)
{
	return align != 0 && (align & (align - 1)) == 0 && align <= SLAB_ALIGN_MAX;
}

static uint32_t take_number_locked(void)
{
	uint32_t i = slab_bit_next_zero(slab_root.slots_used, SLAB_SLOTS, 0);

	if (i >= SLAB_SLOTS)
		return 0; /* works without magazines */
	slab_bit_set(slab_root.slots_used, i);
	return i;
}

static struct slab_cache *take_descriptor_locked(void)
{
	struct slab_cache *c;

	if (slab_root.dead_count <= DEAD_KEPT)
		return slab_meta_get(SLAB_META_CACHE);
	c = slab_container(slab_root.dead.next, struct slab_cache, link);
	slab_list_del(&c->link);
	slab_root.dead_count--;
	return c;
}

static void enlist_locked(struct slab_cache *c)
{
	slab_seq_begin(&slab_root.generation);
	c->id = ++slab_root.next_id;
	slab_list_add_tail(&c->link, &slab_root.caches);
	slab_add(&slab_root.cache_count, 1);
	slab_seq_end(&slab_root.generation);
}

static bool is_debugged(uint32_t flags)
{
	return (flags & SLAB_DEBUG_FLAGS) != 0;
}

#define SAME_PLACE(field)                                                                         \
	_Static_assert(offsetof(struct slab_cache, field) == offsetof(struct slab__head, field),   \
	               "a cache begins with its head")
SAME_PLACE(slot_bytes);
SAME_PLACE(number);
SAME_PLACE(window);

/* What slabs need: a number for spans and threads' slots, and where headers stand. */
static void open_slabs_locked(struct slab_cache *c)
{
	c->mode = is_debugged(c->flags) ? SLAB_MODE_DEBUG : SLAB_MODE_POOL;
	c->number = take_number_locked();
	if (c->number == 0) /* then nobody could tell where its headers stand */
		c->geo.colours = c->geo.colour_bytes = 0;
	else
		slab_cache_by_slot[c->number] = c;
	if (c->mode == SLAB_MODE_POOL) /* else without a slot: each call takes the slow path */
		c->slot_bytes = c->number * sizeof(struct slab__slot);
}

/* direct: in mode M, see direct.h; sparse: of the by-size front end */
static struct slab_cache *create_locked(const char name[SLAB_NAME_BYTES],
                                        const struct slab_geometry *geo,
                                        const struct slab_cache_args *args, bool direct,
                                        bool sparse)
{
	struct slab_cache *c = take_descriptor_locked();

	if (c == NULL)
		return NULL;
	*c = (struct slab_cache){
		.window = { SLAB__NOWHERE, NULL },
		.state = SLAB_CACHE_LIVE,
		.flags = args->flags,
		.magazine_cap = slab_budget_cap(geo, sparse),
		.by_size = sparse,
		.geo = *geo,
		.ctor = args->ctor,
		.dtor = args->dtor,
		.ctx = args->ctx,
	};
	memcpy(c->name, name, sizeof c->name);
	slab_list_init(&c->own.warm);
	slab_list_init(&c->own.cold);
	slab_slablist_init(&c->slabs);
	slab_depot_init(&c->depot);
	if (direct)
		slab_direct_set(c);
	else
		open_slabs_locked(c);
	enlist_locked(c);
	return c;
}

static struct slab_cache *panic_or_null(const char *name, unsigned flags, int error)
{
	char shown[SLAB_NAME_BYTES] = "(no name)";
	struct slab_report r;

	errno = error;
	if ((flags & SLAB_PANIC) == 0)
		return NULL;
	if (name != NULL)
		set_name(shown, name);
	slab_report_begin(&r, "cannot create cache '");
	slab_report_text(&r, shown);
	slab_report_text(&r, error == EINVAL ? "': name, size, alignment or flags are not allowed"
	                                     : "': out of memory");
	slab_report_abort(&r);
}

static bool set_geometry(struct slab_geometry *geo, size_t size, size_t align, uint32_t flags,
                         bool sparse)
{
	if (!is_debugged(flags))
		return (sparse ? slab_geometry_set_sparse : slab_geometry_set)(
		    geo, size, align, slab_root.page_bytes);
	if ((flags & SLAB_STORE_USER) != 0)
		slab_track_warm();
	return slab_geometry_set_debug(geo, size, align, slab_root.page_bytes, flags);
}

static struct slab_cache *create(const char *name, size_t size, const struct slab_cache_args *args,
                                 size_t args_size, bool sparse)
{
	struct slab_cache_args known;
	char shown[SLAB_NAME_BYTES];
	struct slab_geometry geo;
	struct slab_cache *c;
	uint32_t flags;
	size_t align;
	bool direct;

	slab_init();
	if (!read_args(&known, args, args_size) || name == NULL || name[0] == '\0' || size == 0 ||
	    size > SLAB_OBJECT_MAX)
		return panic_or_null(name, known.flags, EINVAL);
	set_name(shown, name);
	flags = known.flags | slab_config_flags(shown);
	known.flags = flags & KNOWN_FLAGS;
	align = known.align != 0 ? known.align : slab_default_align(size);
	direct = slab_direct_chosen(flags);
	if (!align_ok(align) || !set_geometry(&geo, size, align, direct ? 0 : flags, sparse))
		return panic_or_null(name, known.flags, EINVAL);
	slab_registry_lock();
	c = create_locked(shown, &geo, &known, direct, sparse);
	slab_registry_unlock();
	return c != NULL ? c : panic_or_null(name, known.flags, ENOMEM);
}

EXPORT struct slab_cache *slab_cache_create_sized(const char *name, size_t size,
                                                  const struct slab_cache_args *args,
                                                  size_t args_size)
{
	return create(name, size, args, args_size, false);
}

EXPORT struct slab_cache *slab__create_type(const char *type, size_t size, size_t align,
                                            const struct slab_cache_args *args, size_t args_size)
{
	struct slab_cache_args full;

	if (strncmp(type, "struct ", 7) == 0)
		type += 7;
	if (!read_args(&full, args, args_size)) /* says what is wrong with it */
		return slab_cache_create_sized(type, size, args, args_size);
	if (full.align < align && (full.align & (full.align - 1)) == 0) /* else: EINVAL */
		full.align = align;
	return slab_cache_create_sized(type, size, &full, sizeof full);
}

/* made, or what another thread has put at *where meanwhile */
static struct slab_cache *enter(struct slab_cache **where, struct slab_cache *made)
{
	struct slab_cache *there = NULL;

	if (made == NULL)
		return NULL;
	slab_valgrind_ignore(where, sizeof *where);
	if (__atomic_compare_exchange_n(where, &there, made, false, __ATOMIC_ACQ_REL,
	                                __ATOMIC_ACQUIRE))
		return made;
	slab_cache_destroy(made);
	return there;
}

/* For SLAB_CACHE_DEFINE: the cache at *where, made by whichever thread comes first. */
EXPORT struct slab_cache *slab__define(struct slab_cache **where, const char *name, size_t size,
                                       const struct slab_cache_args *args, size_t args_size)
{
	struct slab_cache *there = __atomic_load_n(where, __ATOMIC_ACQUIRE);

	return there != NULL ? there : enter(where, create(name, size, args, args_size, false));
}

struct slab_cache *slab_cache_define_sparse(struct slab_cache **where, const char *name,
                                            size_t size, size_t align)
{
	struct slab_cache *there = __atomic_load_n(where, __ATOMIC_ACQUIRE);
	struct slab_cache_args args = { .align = align };

	return there != NULL ? there : enter(where, create(name, size, &args, sizeof args, true));
}
