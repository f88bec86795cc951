/*
 * parked.h - the objects of one cache that threads and depot have parked                 Floor t5
 */
#ifndef SLABSTAT_PARKED_H
#define SLABSTAT_PARKED_H

#include "tools/walk.h"

#define PARKED_DEPOT UINT32_MAX

struct parked_object {
	uint64_t addr;  /* as the target says */
	uint32_t owner; /* number of the thread in the walk, or PARKED_DEPOT */
};

struct parked {
	struct walk *walk;
	uint64_t slot;    /* number of the cache's slot in every thread's table; 0: none */
	struct parked_object *obj; /* in ascending order of addresses */
	size_t count, room;
};

/*
 * Return: 0; EBADMSG: a magazine or the shelf is damaged; ENOMEM; ENOTSUP: the library is too old;
 * or the errno of a read. parked_free() in each case.
 */
int parked_take(struct parked *parked, struct walk *walk, const struct walk_cache *cache);
void parked_free(struct parked *parked);

#endif
