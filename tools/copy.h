/*
 * copy.h - a copy of what a process may hold of pointers                                 Floor t4
 */
#ifndef SLABSTAT_COPY_H
#define SLABSTAT_COPY_H

#include "tools/target.h"

/*
 * Copies the memory of an open live process that may contain pointers into an unlinked file, and
 * opens that: a core that is read by way of memory. stopped: the process is held meanwhile, and
 * its registers are copied as well; it runs on when this returns, and when slabstat is killed.
 * Return: 0 or the code of the fault noted. held_us: microseconds that it was held.
 */
enum fault_code copy_take(struct target *taken, struct target *live, bool stopped,
			  uint64_t *held_us, struct fault *fault);

#endif
