/*
 * stacks.c - objects counted by who took them                                            Floor t7
 *
 * Called by users.c and leaks.c.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/stacks.h"

static uint64_t hash_of(uint64_t id, unsigned root, const struct tracks_event *event)
{
	uint64_t hash = id * 0x9e3779b97f4a7c15u + root;

	for (size_t i = 0; event && i < event->frames; i++)
		hash = (hash ^ event->frame[i]) * 0x9e3779b97f4a7c15u ^ hash >> 29;
	return hash ^ hash >> 32;
}

static bool is_it(const struct stacks_group *group, uint64_t id, unsigned root,
		  const struct tracks_event *event)
{
	return group->id == id && group->root == root && group->tracked == (event != NULL) &&
	       (!event || (group->event.frames == event->frames &&
			   memcmp(group->event.frame, event->frame,
				  event->frames * sizeof event->frame[0]) == 0));
}

static uint32_t *place_of(const struct stacks *stacks, uint64_t id, unsigned root,
			  const struct tracks_event *event)
{
	size_t mask = stacks->places - 1, at = hash_of(id, root, event) & mask;

	while (stacks->place[at] &&
	       !is_it(&stacks->group[stacks->place[at] - 1], id, root, event))
		at = (at + 1) & mask;
	return &stacks->place[at];
}

static bool grow(struct stacks *stacks)
{
	size_t room = stacks->room ? 2 * stacks->room : 64;
	struct stacks_group *more = realloc(stacks->group, room * sizeof *more);

	if (!more)
		return false;
	stacks->group = more;
	stacks->room = room;
	free(stacks->place);
	stacks->places = 4 * room;
	stacks->place = calloc(stacks->places, sizeof *stacks->place);
	for (size_t i = 0; stacks->place && i < stacks->groups; i++) {
		const struct stacks_group *group = &stacks->group[i];

		*place_of(stacks, group->id, group->root, group->tracked ? &group->event : NULL) =
		    (uint32_t)i + 1;
	}
	return stacks->place != NULL;
}

struct stacks_group *stacks_group(struct stacks *stacks, const char *name, uint64_t id,
				  unsigned root, const struct tracks_event *event)
{
	struct stacks_group *group;
	uint32_t *place;

	if (stacks->groups == stacks->room && !grow(stacks))
		return NULL;
	place = place_of(stacks, id, root, event);
	if (!*place && event && stacks->groups >= STACKS_MAX)
		return stacks_group(stacks, name, id, root, NULL);
	if (*place)
		return &stacks->group[*place - 1];
	group = &stacks->group[stacks->groups++];
	*place = (uint32_t)stacks->groups;
	*group = (struct stacks_group){ .id = id, .root = root, .tracked = event != NULL };
	memcpy(group->name, name, sizeof group->name);
	if (event)
		group->event = *event;
	return group;
}

void stacks_count(struct stacks_group *group, uint64_t obj, uint64_t bytes, bool direct)
{
	if (group->direct + group->indirect == 0 || (direct && !group->first_is_direct))
		group->first = obj;
	group->first_is_direct |= direct;
	group->direct += direct;
	group->indirect += !direct;
	group->bytes += bytes;
}

static int compare(const void *left, const void *right)
{
	const struct stacks_group *a = left, *b = right;

	if (a->bytes != b->bytes)
		return a->bytes < b->bytes ? 1 : -1;
	return a->id < b->id ? -1 : a->id > b->id;
}

void stacks_sort(struct stacks *stacks)
{
	if (stacks->groups)
		qsort(stacks->group, stacks->groups, sizeof *stacks->group, compare);
}

void stacks_free(struct stacks *stacks)
{
	free(stacks->group);
	free(stacks->place);
}
