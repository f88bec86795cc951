/*
 * target.h - "read n bytes at an address" of something that embeds the library           Floor t1
 *
 * The walkers see a target through its two functions alone, so a live process (target_live.c) and
 * a core file are the same to them. Nothing here stops, signals or writes to a process.
 */
#ifndef SLABSTAT_TARGET_H
#define SLABSTAT_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/fault.h"

/* One piece of a read: bytes at addr in the target go to a buffer of ours. */
struct target_part {
	uint64_t addr;
	void *to;
	size_t bytes;
};

struct target_mapping {
	uint64_t start, end;
	uint64_t offset; /* in the mapped file; 0 also for anonymous memory */
	bool readable, writable;
	bool anonymous;
	bool device; /* reading it may have effects: leave it alone */
};

#define TARGET_PAGES 512 /* looked at in one go */

struct target {
	/* Fills all parts in their order. Return: 0 or an errno; then the parts hold nothing. */
	int (*read)(struct target *target, const struct target_part *parts, size_t count);
	/*
	 * The next part of addr .. end (within a mapping) that may hold other bytes than zeroes, as
	 * far as can be told without reading it. Return: false: there is none.
	 */
	bool (*present)(struct target *target, uint64_t addr, uint64_t end, uint64_t *from,
			uint64_t *to);
	/* Whether it is still there; a core always is. */
	bool (*alive)(struct target *target);
	const char *source; /* "live", "core" */
	char label[240];    /* "process 12", "core file x": for sentences */
	int pid;
	struct target_mapping *mappings;
	size_t mapping_count;

	struct target_core *core; /* target_core.c: its own; NULL: a live process */
	uint64_t truncated_bytes; /* target_core.c: missing at the end of the file */
	bool foreign;             /* target_core.c: of another kind of machine than this */

	int reader;  /* target_live.c: the task whose memory is read, mostly pid itself */
	int proc_fd; /* target_live.c: /proc/PID; means this process when the PID is used again */
	int pagemap_fd; /* target_live.c: once asked for, else -1; and what was read of it */
	uint64_t page_word[TARGET_PAGES], page_first, page_count;
	int mem_fd;  /* target_live.c: its mem where process_vm_readv is not to be had, else -1 */
};

/* Opens a live process. Return: 0, or the code of the fault noted. */
enum fault_code target_open_live(struct target *target, int pid, struct fault *fault);

/* Lists the mappings of a live process anew. Return: 0 or an errno; none: its memory is gone. */
int target_list_mappings(struct target *target);

/*
 * The same before a live process is read once more: it may have run another program since, loaded
 * a library, or lost the thread whose memory was read. Return: 0, or the code of the fault noted.
 */
enum fault_code target_refresh(struct target *target, struct fault *fault);

void target_close_live(struct target *target);

/*
 * Opens a core file; fd is the target's from now on. Return: 0, or the code of the fault noted:
 * FAULT_LAYOUT for one that cannot be understood.
 */
enum fault_code target_open_core(struct target *target, int fd, const char *path,
				 struct fault *fault);

/* Reads it by way of memory from now on; only for a file that nobody else can change. */
void target_map_core(struct target *target);

/* Size of the file, and what its notes told. */
uint64_t target_core_bytes(const struct target *target);
const struct core_notes *target_core_notes(const struct target *target);

void target_close_core(struct target *target);

static inline int target_read(struct target *target, uint64_t addr, void *to, size_t bytes)
{
	const struct target_part part = { addr, to, bytes };

	return target->read(target, &part, 1);
}

#endif
