/*
 * output.c - the file that --output names                                               Floor t10
 *
 * Called by the verbs that write one.
 */
#include <errno.h>
#include <string.h>

#include "tools/output.h"

FILE *output_open(const char *path, struct fault *fault)
{
	FILE *out = path ? fopen(path, "we") : stdout;
	enum fault_code code = errno == EACCES || errno == EPERM || errno == EROFS ? FAULT_DENIED
			       : errno == ENOENT || errno == ENOTDIR               ? FAULT_MISSING
										   : FAULT_USAGE;

	if (!out)
		fault_set(fault, code, "%.200s cannot be written (%s).", path, strerror(errno));
	return out;
}

enum fault_code output_close(FILE *out, const char *path, enum fault_code code, struct fault *fault)
{
	bool failed = fflush(out) != 0 || ferror(out);

	if (out != stdout && fclose(out) != 0)
		failed = true;
	if (failed && code == FAULT_NONE)
		code = fault_set(fault, FAULT_PARTIAL, "%.200s could not be written (%s).",
				 path ? path : "the output", strerror(errno));
	return code;
}
