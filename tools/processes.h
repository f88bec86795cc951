/*
 * processes.h - the processes that embed the library                                     Floor t8
 */
#ifndef SLABSTAT_PROCESSES_H
#define SLABSTAT_PROCESSES_H

#include <stdbool.h>
#include <stdio.h>

#include "tools/fault.h"

/* Lists them as a table or as JSON. Return: 0 or the code of the fault noted. */
enum fault_code processes_list(FILE *out, bool json, struct fault *fault);

#endif
