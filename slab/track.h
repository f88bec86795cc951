/*
 * track.h - who did something, and when                                                  Floor 2
 */
#ifndef SLAB_TRACK_H
#define SLAB_TRACK_H

#include "slab/layout.h"
#include "slab/report.h"

/*
 * Once before the first event with frames, without a lock: the first backtrace of a process loads
 * a library and takes memory, from this library perhaps.
 */
void slab_track_warm(void);

/*
 * Now, by a thread yet to be named, called from the return address caller (NULL: not asked for)
 * and from what called that. Without a lock: the walk up the stack may take the dynamic loader's.
 */
void slab_event_set(struct slab_event *e, const void *caller);

uint32_t slab_track_thread(void); /* the number of this one, by a system call */

/* "  WHAT by thread 12, 0.004 s ago:" and a line for each frame; nothing if it never happened. */
void slab_event_report(struct slab_report *r, const char *what, const struct slab_event *e);

/* A line for each frame: its function if that is exported, and the place in its module. */
void slab_frames_report(struct slab_report *r, const uintptr_t *frame, uint32_t frames);

#endif
