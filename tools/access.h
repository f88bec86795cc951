/*
 * access.h - why a process may not be read                                               Floor t1
 */
#ifndef SLABSTAT_ACCESS_H
#define SLABSTAT_ACCESS_H

#include <stdbool.h>

#include "tools/fault.h"

/* Notes the reason why the kernel refused, given its errno, and what helps. */
enum fault_code access_explain(int pid, int error, struct fault *fault);

/* Whether /proc is that of the processes here; if not, that is noted as FAULT_DENIED. */
bool access_proc(struct fault *fault);

/* Who traces the process, as a debugger does; 0: nobody. */
int access_tracer(int pid);

/* Whether the process belongs to a user other than the caller. */
bool access_other_user(int pid);

/* Whether /proc leaves processes of others out, as it does for some where hidepid is set. */
bool access_proc_hides(void);

#endif
