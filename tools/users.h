/*
 * users.h - live bytes by who took them                                                  Floor t8
 */
#ifndef SLABSTAT_USERS_H
#define SLABSTAT_USERS_H

#include <stdio.h>

#include "tools/fault.h"
#include "tools/target.h"

/* Return: 0, or the code of the fault noted. */
enum fault_code users_run(FILE *out, struct target *target, const char *globs, bool json,
			  struct fault *fault);

#endif
