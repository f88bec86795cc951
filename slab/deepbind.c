/*
 * deepbind.c - one malloc for what dlopen() binds first to itself, too                   Floor 12
 *
 * In libslab-malloc.so alone. With RTLD_DEEPBIND a module finds the C library, of which it makes
 * use, before what was preloaded: its free() is not that of the program whose blocks it gets, and
 * so php and apache ended with their first module. Without the flag all have the same.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>

#include "slab/check.h"

/* Found here and not in the constructor: others' constructors may be earlier. */
static void *(*next(void))(const char *, int)
{
	static void *(*found)(const char *, int);

	if (slab_read(&found) == NULL)
		slab_write(&found, (void *(*)(const char *, int))dlsym(RTLD_NEXT, "dlopen"));
	return slab_read(&found);
}

/* A jump at the end, not a call: dlopen() asks who has called it, and searches that one's path. */
EXPORT void *(dlopen)(const char *file, int mode)
{
	return next()(file, mode & ~RTLD_DEEPBIND);
}
