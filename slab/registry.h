/*
 * registry.h - the outermost lock                                                        Floor 1
 *
 * Protects the lists of caches and threads. The thread that holds it may take it again, so that the
 * callback of slab_for_each_cache() can ask for figures, iterate, allocate or fork. The holder is
 * known by the address of its thread-local pointer, which a fork does not change.
 */
#ifndef SLAB_REGISTRY_H
#define SLAB_REGISTRY_H

#include "slab/layout.h"
#include "slab/check.h"

static inline void slab_registry_lock(void)
{
	uintptr_t me = (uintptr_t)&slab__slots_v6;

	if (slab_read(&slab_root.registry_owner) != me) {
		pthread_mutex_lock(&slab_root.registry_lock);
		slab_write(&slab_root.registry_owner, me);
	}
	slab_root.registry_depth++;
}

static inline void slab_registry_unlock(void)
{
	SLAB_ASSERT(slab_root.registry_owner == (uintptr_t)&slab__slots_v6);
	if (--slab_root.registry_depth > 0)
		return;
	slab_write(&slab_root.registry_owner, 0);
	pthread_mutex_unlock(&slab_root.registry_lock);
}

#endif
