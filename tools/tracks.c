/*
 * tracks.c - who took an object and gave it back, of caches under debug                  Floor t5
 *
 * Called by slabs.c, objects.c and inside.c, users.c, leaks.c. Offsets and numbers come from the
 * target: none leads further than a track may be large.
 */
#include <errno.h>

#include "tools/tracks.h"

#define TRACK_MAX ((uint64_t)SLAB_OBJECT_MAX + 4096) /* where a track may end, from its object on */

void tracks_of(struct tracks *tracks, struct walk *walk, const struct walk_cache *cache)
{
	const struct table *table = walk->table;
	const struct table_field *field = table->field;
	uint64_t at, frame_bytes = sizeof(uint64_t) * TRACKS_FRAMES;

	*tracks = (struct tracks){ 0 };
	if (!table_has(table, SLAB_F_TRACK_STATE, 8, 8) || cache->mode == 0 ||
	    cache->mode != table->constant[SLAB_K_MODE_DEBUG] ||
	    walk_number(walk, cache->addr, SLAB_F_CACHE_TRACK_OFFSET, &at) != 0 || at == 0 ||
	    at > TRACK_MAX)
		return;
	tracks->known = true;
	tracks->state = (uint32_t)at + field[SLAB_F_TRACK_STATE].offset_bytes;
	tracks->waiting = table->constant[SLAB_K_TRACK_WAITING];
	if (!table_has(table, SLAB_F_TRACK_TAKEN, 8, 4096) ||
	    !table_has(table, SLAB_F_TRACK_FREED, 8, 4096) ||
	    !table_has(table, SLAB_F_EVENT_TIME, 8, 8) ||
	    !table_has(table, SLAB_F_EVENT_THREAD, 4, 4) ||
	    !table_has(table, SLAB_F_EVENT_FRAMES, 4, 4) ||
	    !table_has(table, SLAB_F_EVENT_FRAME, 8, 8))
		return;
	tracks->users = cache->flags & table->constant[SLAB_K_FLAG_STORE_USER];
	tracks->taken = (uint32_t)at + field[SLAB_F_TRACK_TAKEN].offset_bytes;
	tracks->freed = (uint32_t)at + field[SLAB_F_TRACK_FREED].offset_bytes;
	tracks->time = field[SLAB_F_EVENT_TIME].offset_bytes;
	tracks->thread = field[SLAB_F_EVENT_THREAD].offset_bytes;
	tracks->frames = field[SLAB_F_EVENT_FRAMES].offset_bytes;
	tracks->frame = field[SLAB_F_EVENT_FRAME].offset_bytes;
	tracks->most = table->constant[SLAB_K_EVENT_FRAMES_MAX] < TRACKS_FRAMES
			   ? (uint32_t)table->constant[SLAB_K_EVENT_FRAMES_MAX]
			   : TRACKS_FRAMES;
	if (tracks->taken > TRACK_MAX || tracks->freed > TRACK_MAX ||
	    tracks->frame + frame_bytes > 4096)
		tracks->users = false;
}

bool tracks_waits(const struct tracks *tracks, struct target *target, uint64_t obj)
{
	uint64_t state = 0;

	return tracks->known &&
	       target_read(target, obj + tracks->state, &state, sizeof state) == 0 &&
	       state == tracks->waiting;
}

int tracks_event(const struct tracks *tracks, struct target *target, uint64_t obj, bool freed,
		 struct tracks_event *event)
{
	uint64_t at = obj + (freed ? tracks->freed : tracks->taken);
	const struct target_part parts[] = {
		{ at + tracks->time, &event->time_ns, sizeof event->time_ns },
		{ at + tracks->thread, &event->thread, sizeof event->thread },
		{ at + tracks->frames, &event->frames, sizeof event->frames },
		{ at + tracks->frame, event->frame, tracks->most * sizeof event->frame[0] },
	};
	int error;

	*event = (struct tracks_event){ 0 };
	if (!tracks->users)
		return ENOTSUP;
	error = target->read(target, parts, 4);
	if (error)
		*event = (struct tracks_event){ 0 };
	if (event->frames > tracks->most)
		event->frames = tracks->most;
	for (size_t i = event->frames; i < TRACKS_FRAMES; i++)
		event->frame[i] = 0;
	return error;
}
