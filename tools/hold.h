/*
 * hold.h - a process held for a while                                                    Floor t3
 */
#ifndef SLABSTAT_HOLD_H
#define SLABSTAT_HOLD_H

#include "tools/target.h"

#define HOLD_THREADS_MAX 65536

struct hold {
	const struct target *live;
	int task[HOLD_THREADS_MAX];
	int signal[HOLD_THREADS_MAX]; /* on its way when we came: handed on when we go */
	size_t tasks;
};

/*
 * Stops every thread. Return: 0; ESRCH: it has ended; ETIMEDOUT: a thread does not stop; E2BIG; or
 * the errno of ptrace(2). hold_end() in each case.
 */
int hold_begin(struct hold *hold, const struct target *live);

/* All run on as they were. */
void hold_end(struct hold *hold);

uint64_t hold_now_us(void);

#endif
