/*
 * output.c - the file that --output names                                               Floor t10
 *
 * Called by the verbs that write one.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/output.h"

/* By any names: opening would empty what is still to be read. */
static bool is_same_file(const char *path, const char *from)
{
	struct stat a, b;
	int error = strcmp(from, "-") == 0 ? fstat(STDIN_FILENO, &a) : stat(from, &a);

	return error == 0 && S_ISREG(a.st_mode) && stat(path, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

FILE *output_open(const char *path, const char *from, struct fault *fault)
{
	enum fault_code code;
	FILE *out;

	if (path && from && is_same_file(path, from)) {
		fault_set(fault, FAULT_USAGE,
			  "%.200s is the file that is read: name another one by -o.", path);
		return NULL;
	}
	out = path ? fopen(path, "we") : stdout;
	code = errno == EACCES || errno == EPERM || errno == EROFS ? FAULT_DENIED
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
