/*
 * parked.h - the objects of one cache that threads and depot have parked                 Floor t5
 */
#ifndef SLABSTAT_PARKED_H
#define SLABSTAT_PARKED_H

#include "tools/walk.h"

struct parked {
	struct walk *walk;
	uint64_t slot;    /* number of the cache's slot in every thread's table; 0: none */
	uint64_t *obj;    /* addresses in ascending order, as the target says */
	size_t count, room;
};

/*
 * Return: 0; EBADMSG: a magazine or the shelf is damaged; ENOMEM; ENOTSUP: the library is too old;
 * or the errno of a read. parked_free() in each case.
 */
int parked_take(struct parked *parked, struct walk *walk, const struct walk_cache *cache);
void parked_free(struct parked *parked);

#endif
