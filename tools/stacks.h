/*
 * stacks.h - objects counted by who took them                                            Floor t7
 */
#ifndef SLABSTAT_STACKS_H
#define SLABSTAT_STACKS_H

#include "tools/tracks.h"

struct stacks_group {
	char name[SLAB_NAME_BYTES]; /* of the cache */
	uint64_t id;
	unsigned root;
	bool tracked;               /* event means something */
	struct tracks_event event;  /* of the first */
	uint64_t direct, indirect;  /* objects; users counts all as direct */
	uint64_t bytes;
	uint64_t first;             /* address of one */
	bool first_is_direct;
};

struct stacks {
	struct stacks_group *group;
	size_t groups, room;
	uint32_t *place; /* a hash of group + 1 */
	size_t places;
};

/*
 * The group of one cache and one way to it; event NULL: of the cache. Past STACKS_MAX ways those of
 * a cache are counted together. Return: NULL: no memory. stacks_free() in each case.
 */
struct stacks_group *stacks_group(struct stacks *stacks, const char *name, uint64_t id,
				  unsigned root, const struct tracks_event *event);

/* Counts one more object. */
void stacks_count(struct stacks_group *group, uint64_t obj, uint64_t bytes, bool direct);

/* Those with the most bytes first. */
void stacks_sort(struct stacks *stacks);

void stacks_free(struct stacks *stacks);

#define STACKS_MAX ((size_t)1 << 16)

#endif
