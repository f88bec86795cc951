/*
 * nosy.c - memory calls of the C library that themselves allocate, as profilers bring them
 *
 * Preloaded before libslab-malloc.so by malloc.sh. An allocator that reached the kernel through
 * them with a lock held, or while it initialises, would wait for itself or run in circles.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static __thread int depth;
static long calls;

static void allocate(void)
{
	if (depth++ < 3) {
		free(malloc(100));
		free(malloc(3000));
		free(calloc(1, 200000));
	}
	depth--;
	__atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
}

void *mmap(void *at, size_t bytes, int prot, int flags, int fd, off_t offset)
{
	allocate();
	return (void *)syscall(SYS_mmap, at, bytes, prot, flags, fd, offset);
}

int munmap(void *at, size_t bytes)
{
	allocate();
	return (int)syscall(SYS_munmap, at, bytes);
}

int madvise(void *at, size_t bytes, int advice)
{
	allocate();
	return (int)syscall(SYS_madvise, at, bytes, advice);
}

void *mremap(void *at, size_t old, size_t bytes, int flags, ...)
{
	void *to;
	va_list args;

	va_start(args, flags);
	to = va_arg(args, void *);
	va_end(args);
	allocate();
	return (void *)syscall(SYS_mremap, at, old, bytes, flags, to);
}
