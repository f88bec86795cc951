/*
 * segments.c - half a million slabs, every other one released, then the others
 *
 * Run by check-all.sh under valgrind, whose table of mapped segments is full at 30,000: each hole
 * between slabs costs one. Usage: segments [SLABS]. Exit status 0: all of it was possible, and
 * everything is given back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "slab.h"

static struct slab_cache *c;

static int failed(const char *what)
{
	printf("segments: %s\n", what);
	return 1;
}

static void release(void **objs, size_t from, size_t n)
{
	for (size_t i = from; i < n; i += 2)
		slab_cache_free(c, objs[i]);
	slab_thread_flush();
	slab_reap();
}

int main(int argc, char **argv)
{
	size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 500000;
	void **objs = mmap(NULL, n * sizeof *objs, PROT_READ | PROT_WRITE,
	                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct slab_totals t;

	c = slab_cache_create("segments", 3900, NULL); /* a page, one object */
	if (objs == MAP_FAILED || c == NULL)
		return failed("no memory to begin with");
	for (size_t i = 0; i < n; i++)
		if ((objs[i] = slab_cache_alloc(c)) == NULL)
			return failed("an object is refused");
	slab_totals(&t, sizeof t);
	printf("%zu objects in %zu KiB\n", n, (size_t)t.mapped_bytes / 1024);
	release(objs, 1, n);
	slab_totals(&t, sizeof t);
	printf("every other one: %zu holes, %zu refused\n", (size_t)t.holes,
	       (size_t)t.unmap_failures);
	if (t.holes == 0 || t.unmap_failures != 0)
		return failed("no holes, or more than may be");
	release(objs, 0, n);
	slab_totals(&t, sizeof t);
	if (slab_cache_verify(c) != 0 || slab_cache_destroy(c) != 0)
		return failed("something is left");
	slab_reap();
	slab_totals(&t, sizeof t);
	printf("none: %zu KiB, %zu holes\n", (size_t)t.mapped_bytes / 1024, (size_t)t.holes);
	return t.mapped_bytes == 0 && t.holes == 0 ? 0 : failed("memory is left");
}
