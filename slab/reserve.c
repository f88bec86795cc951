/*
 * reserve.c - how much may be kept                                                       Floor 6
 *
 * Called by slot.c, budget.c, magazine.c, slow.c, release.c and stats.c. Reads counters that lower
 * floors keep; pushes nothing but the order to give back.
 */
#include "slab/reserve.h"
#include "slab/check.h"
#include "slab/depot.h"
#include "slab/return.h"

size_t slab_reserve_ceiling(void)
{
	size_t reserve = slab_read(&slab_root.reserve.reserve_bytes);
	size_t share = slab_read(&slab_root.reserve.held_bytes) /
	               slab_root.constants[SLAB_K_RESERVE_SHARE];

	return reserve > share ? reserve : share;
}

size_t slab_reserve_thread_budget(void)
{
	size_t part = slab_reserve_ceiling() / 4 * slab_read(&slab_root.reserve.parked_quarters);
	size_t most = slab_read(&slab_root.thread_bytes);

	return part < most ? part : most;
}

static size_t pins(const struct slab_thread *t)
{
	return slab_read(&slab_root.depot_pin_bytes) + slab_read(&slab_root.kept_bytes) +
	       t->fill_pin_bytes;
}

bool slab_reserve_depots_exceed(void)
{
	size_t pin = slab_read(&slab_root.depot_pin_bytes);

	return pin > slab_read(&slab_root.reserve.reserve_bytes) && pin > slab_reserve_ceiling();
}

bool slab_reserve_is_pinned(const struct slab_thread *t, const struct slab_cache *c,
                            size_t own_bytes)
{
	size_t both = own_bytes + slab_read(&c->depot.pin_bytes), all = pins(t);
	size_t held = slab_pin_bytes(c, UINT64_MAX);

	if (slab_read(&slab_root.depot_pin_bytes) == 0 ||
	    all <= slab_read(&slab_root.reserve.reserve_bytes))
		return false;
	return all - (both > held ? both - held : 0) > slab_reserve_ceiling();
}

size_t slab_reserve_settle(const struct slab_thread *t)
{
	size_t ceiling = slab_reserve_ceiling();
	size_t most = ceiling / 4 * slab_read(&slab_root.reserve.warm_quarters);

	if (pins(t) < ceiling - most)
		most = ceiling - pins(t);
	if (slab_read(&slab_root.reserve.warm_bytes) <= most)
		return 0;
	return slab_return_excess(most - most / 4); /* a call is dear: not for a page or two */
}

/* What is pinned but by c itself. */
static size_t others(const struct slab_thread *t, const struct slab_cache *c, size_t own_bytes)
{
	return pins(t) - own_bytes - slab_read(&c->depot.pin_bytes);
}

static size_t shelf_most(void)
{
	size_t reserve = slab_read(&slab_root.reserve.reserve_bytes);

	return reserve - reserve / 4;
}

bool slab_reserve_may_stay(const struct slab_thread *t, const struct slab_cache *c,
                           size_t own_bytes)
{
	return others(t, c, own_bytes) + slab_pin_bytes(c, UINT64_MAX) <= shelf_most();
}

bool slab_reserve_may_park(const struct slab_thread *t, const struct slab_cache *c,
                           size_t own_bytes, uint32_t count)
{
	uint64_t shelved = slab_read(&c->depot.objects) + count;

	return slab_reserve_may_stay(t, c, own_bytes) ||
	       others(t, c, own_bytes) + own_bytes + slab_depot_may_pin(c, shelved) <= shelf_most();
}
