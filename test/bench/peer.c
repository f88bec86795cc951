/* peer.c - set up and name the allocator under measurement */
#include "peer.h"
#include "bench.h"
#include "version.h" /* written by bench.mk */

#include <dlfcn.h>
#include <gnu/libc-version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(PEER_SLAB)

struct slab_cache *peer_cache;

void peer_open(size_t size, size_t most)
{
	struct slab_cache_args args;

	(void)most;
	memset(&args, 0, sizeof args);
	args.flags = SLAB_PANIC;
	if (getenv("BENCH_HUGEPAGES") != NULL)
		slab_set(SLAB_HUGEPAGES, 1);
	if (getenv("BENCH_REST_SECONDS") != NULL)
		sleep((unsigned)atoi(getenv("BENCH_REST_SECONDS")));
	peer_cache = slab_cache_create("bench", size, &args);
}

void peer_describe(char *text, size_t text_bytes)
{
	snprintf(text, text_bytes, "slab %s", BENCH_SLAB_VERSION);
}

#elif defined(PEER_MALLOC)

typedef int mallctl_fn(const char *name, void *old, size_t *old_len, void *value, size_t len);
typedef int mi_version_fn(void);
typedef const char *tc_version_fn(int *major, int *minor, const char **patch);

/* dlsym gives functions as objects; this is the way of POSIX to turn one into the other. */
union symbol {
	void *object;
	mallctl_fn *mallctl;
	mi_version_fn *mi_version;
	tc_version_fn *tc_version;
};

void peer_open(size_t size, size_t most)
{
	(void)size;
	(void)most;
}

void peer_describe(char *text, size_t text_bytes)
{
	const char *file = "?", *name = NULL;
	void *at = dlsym(RTLD_DEFAULT, "malloc");
	union symbol s;
	size_t len = sizeof name;
	Dl_info info;

	if (at != NULL && dladdr(at, &info) != 0 && info.dli_fname != NULL)
		file = info.dli_fname;
	if ((s.object = dlsym(RTLD_DEFAULT, "mi_version")) != NULL) {
		int v = s.mi_version();

		snprintf(text, text_bytes, "mimalloc %d.%d.%d %s", v / 100, v / 10 % 10, v % 10,
		         file);
	} else if ((s.object = dlsym(RTLD_DEFAULT, "tc_version")) != NULL) {
		snprintf(text, text_bytes, "%s %s", s.tc_version(NULL, NULL, NULL), file);
	} else if ((s.object = dlsym(RTLD_DEFAULT, "mallctl")) != NULL &&
	           s.mallctl("version", &name, &len, NULL, 0) == 0 && name != NULL) {
		snprintf(text, text_bytes, "jemalloc %.*s %s", (int)strcspn(name, "-"), name, file);
	} else if (strstr(file, "libc.so") != NULL) {
		snprintf(text, text_bytes, "glibc %s %s", gnu_get_libc_version(), file);
	} else {
		snprintf(text, text_bytes, "malloc of unknown version %s", file);
	}
}

#elif defined(PEER_GSLICE)

void peer_open(size_t size, size_t most)
{
	(void)size;
	(void)most;
}

void peer_describe(char *text, size_t text_bytes)
{
	/* from 2.76 on GSlice is the system's malloc */
	snprintf(text, text_bytes, "GLib %u.%u.%u", glib_major_version, glib_minor_version,
	         glib_micro_version);
}

#elif defined(PEER_BOOST)

#include <boost/version.hpp>

boost::pool<> *peer_pool;

void peer_open(size_t size, size_t most)
{
	(void)most;
	peer_pool = new boost::pool<>(size);
}

void peer_describe(char *text, size_t text_bytes)
{
	snprintf(text, text_bytes, "boost::pool %d.%d.%d", BOOST_VERSION / 100000,
	         BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100);
}

#else

struct peer_stack *peer_stack;

void peer_open(size_t size, size_t most)
{
	char *objects = (char *)bench_map(most * size);
	size_t i;

	peer_stack = (struct peer_stack *)bench_map(sizeof *peer_stack);
	peer_stack->top = (void **)bench_map(most * sizeof *peer_stack->top);
	for (i = most; i > 0; i--)
		*peer_stack->top++ = objects + (i - 1) * size;
}

void peer_describe(char *text, size_t text_bytes)
{
	snprintf(text, text_bytes, "an array of touched objects used as a stack");
}

#endif
