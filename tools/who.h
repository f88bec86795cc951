/*
 * who.h - backtraces as text                                                             Floor t7
 */
#ifndef SLABSTAT_WHO_H
#define SLABSTAT_WHO_H

#include <stdio.h>

#include "tools/symbols.h"
#include "tools/tracks.h"

/* A line for each frame. */
void who_print_frames(FILE *out, struct symbols *symbols, const struct tracks_event *event,
		      const char *indent);

/* A member of a JSON object, with a comma before it. */
void who_json_frames(FILE *out, struct symbols *symbols, const struct tracks_event *event);

/* Who took an object, and who gave it back last, as far as its track tells. */
void who_print_track(FILE *out, struct target *target, const struct tracks *tracks, uint64_t obj);

#endif
