/*
 * track.c - who did something, and when                                                  Floor 2
 *
 * Called by slow.c, damage.c, leaks.c and cache.c. The stack is walked by the C library's
 * backtrace(), which needs no frame pointers; names come from dladdr1(), which takes no memory.
 * "module+offset" is what addr2line wants.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <execinfo.h>
#include <link.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "slab/track.h"
#include "slab/check.h"

#define OWN_FRAMES 8 /* of this library above the caller, at most */

enum { COLD, WARMING, WARM };
static int warmth; /* atomic */

void slab_track_warm(void)
{
	void *frame[1];
	int cold = COLD;

	if (!__atomic_compare_exchange_n(&warmth, &cold, WARMING, false, __ATOMIC_ACQ_REL,
	                                 __ATOMIC_ACQUIRE))
		return;
	(void)backtrace(frame, 1); /* what is allocated meanwhile has no frames */
	__atomic_store_n(&warmth, WARM, __ATOMIC_RELEASE);
}

void slab_event_set(struct slab_event *e, const void *caller)
{
	void *stack[SLAB_FRAMES + OWN_FRAMES];
	struct timespec now = { 0, 0 };
	int n = 0, first = 0;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (caller != NULL && __atomic_load_n(&warmth, __ATOMIC_ACQUIRE) == WARM)
		n = backtrace(stack, SLAB_FRAMES + OWN_FRAMES);
	while (first < n && first < OWN_FRAMES && stack[first] != caller)
		first++;
	if (first == n || first == OWN_FRAMES)
		first = 0; /* not there: rather too many than none */
	*e = (struct slab_event){
		.time_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec,
		.frames = (uint32_t)(n - first < SLAB_FRAMES ? n - first : SLAB_FRAMES),
	};
	memcpy(e->frame, stack + first, e->frames * sizeof *e->frame);
}

uint32_t slab_track_thread(void)
{
	return (uint32_t)syscall(SYS_gettid);
}

static void report_age(struct slab_report *r, uint64_t then_ns)
{
	struct timespec now = { 0, 0 };
	uint64_t now_ns, ms;

	clock_gettime(CLOCK_MONOTONIC, &now);
	now_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	ms = now_ns > then_ns ? (now_ns - then_ns) / 1000000 : 0;
	slab_report_dec(r, ms / 1000);
	slab_report_text(r, ms % 1000 < 10 ? ".00" : ms % 1000 < 100 ? ".0" : ".");
	slab_report_dec(r, ms % 1000);
	slab_report_text(r, " s ago");
}

/* A return address lies behind its call, which may be the last of its function. */
static void report_frame(struct slab_report *r, uintptr_t frame)
{
	const void *at = (const void *)(frame - 1);
	const char *module, *slash;
	struct link_map *map = NULL;
	Dl_info info = { 0 }; /* MSan does not know the call that fills it */

	slab_report_text(r, "\n    ");
	if (r->bare || dladdr1(at, &info, (void **)&map, RTLD_DL_LINKMAP) == 0 ||
	    info.dli_fname == NULL) {
		slab_report_hex(r, frame);
		return;
	}
	if (info.dli_sname != NULL) {
		slab_report_text(r, info.dli_sname);
		slab_report_text(r, "+");
		slab_report_hex(r, frame - (uintptr_t)info.dli_saddr);
		slab_report_text(r, " ");
	}
	slash = strrchr(info.dli_fname, '/');
	module = slash != NULL ? slash + 1 : info.dli_fname;
	slab_report_text(r, "[");
	slab_report_text(r, module);
	slab_report_text(r, "+");
	slab_report_hex(r, frame - (map != NULL ? map->l_addr : 0));
	slab_report_text(r, "]");
}

void slab_frames_report(struct slab_report *r, const uintptr_t *frame, uint32_t frames)
{
	/* the record may be damaged */
	for (uint32_t i = 0; i < frames && i < SLAB_FRAMES && frame[i] != 0; i++)
		report_frame(r, frame[i]);
}

void slab_event_report(struct slab_report *r, const char *what, const struct slab_event *e)
{
	if (e->time_ns == 0)
		return;
	slab_report_text(r, "\n  ");
	slab_report_text(r, what);
	slab_report_text(r, " by thread ");
	slab_report_dec(r, e->thread);
	slab_report_text(r, ", ");
	report_age(r, e->time_ns);
	slab_report_text(r, e->frames > 0 ? ":" : "");
	slab_frames_report(r, e->frame, e->frames);
}
