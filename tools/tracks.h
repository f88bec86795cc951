/*
 * tracks.h - who took an object and gave it back, of caches under debug                  Floor t5
 */
#ifndef SLABSTAT_TRACKS_H
#define SLABSTAT_TRACKS_H

#include "tools/walk.h"

#define TRACKS_FRAMES 16

/* Where the parts of a track are, from the object on. */
struct tracks {
	bool known;              /* the cache's slots have a state */
	bool users;              /* and say who */
	uint32_t state, taken, freed;
	uint32_t time, thread, frames, frame; /* within taken, freed */
	uint32_t most;           /* frames */
	uint64_t waiting;        /* state of an object in the quarantine */
};

struct tracks_event {
	uint64_t time_ns; /* 0: it never happened */
	uint32_t thread, frames;
	uint64_t frame[TRACKS_FRAMES]; /* return addresses, the innermost first */
};

/* What is not there, or makes no sense, is not known. */
void tracks_of(struct tracks *tracks, struct walk *walk, const struct walk_cache *cache);

/* Whether an object that counts as used waits in the quarantine. */
bool tracks_waits(const struct tracks *tracks, struct target *target, uint64_t obj);

/* Reads who took an object, or who freed it last. Return: 0 or an errno. */
int tracks_event(const struct tracks *tracks, struct target *target, uint64_t obj, bool freed,
		 struct tracks_event *event);

#endif
