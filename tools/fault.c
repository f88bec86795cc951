/*
 * fault.c - the one sentence that says why                                              Floor t0
 *
 * Called by every file of the tool that can fail.
 */
#include <stdarg.h>
#include <stdio.h>

#include "tools/fault.h"

enum fault_code fault_set(struct fault *fault, enum fault_code code, const char *format, ...)
{
	va_list args;

	if (fault->code != FAULT_NONE)
		return code;
	fault->code = code;
	va_start(args, format);
	vsnprintf(fault->text, sizeof fault->text, format, args);
	va_end(args);
	return code;
}
