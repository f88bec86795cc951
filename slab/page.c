/*
 * page.c - the only file that makes the kernel's memory calls                            Floor 2
 *
 * Called by every floor above. Faults are injected here and nowhere else. Differences between
 * kernels are settled here: no other .c file has an #if.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "slab/page.h"
#include "slab/check.h"
#include "slab/valgrind.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif
#ifndef SYS_process_madvise
#define SYS_process_madvise 440
#endif
#define PIDFD_SELF_PROCESS -10001 /* this process without a descriptor; kernels from 6.14 on */
#define DROP_VECTOR 1024 /* the kernel takes no more */

long slab_page_fail_map_at;
int slab_page_fail_unmap;
struct slab_page_calls slab_page_calls;

static bool no_vectored_drop; /* the kernel lacks it: asked once */
static bool no_populate;

static void count(uint64_t *calls)
{
	__atomic_fetch_add(calls, 1, __ATOMIC_RELAXED);
}

__attribute__((weak)) const volatile bool slab_serves_malloc = false;

/*
 * The C library's functions, which tools watch and replace; but where slab is malloc, the kernel's
 * own: a replaced one may allocate, and would wait for a lock that its caller holds.
 */
static void *sys_mmap(uintptr_t at, size_t bytes, int flags)
{
	int prot = PROT_READ | PROT_WRITE, all = MAP_PRIVATE | MAP_ANONYMOUS | flags;

	if (slab_serves_malloc)
		return (void *)syscall(SYS_mmap, at, bytes, prot, all, -1, 0);
	return mmap((void *)at, bytes, prot, all, -1, 0);
}

static int sys_munmap(uintptr_t at, size_t bytes)
{
	return slab_serves_malloc ? (int)syscall(SYS_munmap, at, bytes)
	                          : munmap((void *)at, bytes);
}

static void *sys_mremap(uintptr_t at, size_t old_bytes, size_t bytes, int flags, uintptr_t to)
{
	if (slab_serves_malloc)
		return (void *)syscall(SYS_mremap, at, old_bytes, bytes, flags, to);
	return mremap((void *)at, old_bytes, bytes, flags, (void *)to);
}

static int sys_madvise(uintptr_t at, size_t bytes, int advice)
{
	return slab_serves_malloc ? (int)syscall(SYS_madvise, at, bytes, advice)
	                          : madvise((void *)at, bytes, advice);
}

static bool map_must_fail(void)
{
	long at = slab_read(&slab_page_fail_map_at);

	if (slab_likely(at == 0))
		return false;
	if (at > 0)
		return __atomic_sub_fetch(&slab_page_fail_map_at, 1, __ATOMIC_RELAXED) == 0;
	if (at < -1) /* not yet */
		__atomic_add_fetch(&slab_page_fail_map_at, 1, __ATOMIC_RELAXED);
	return at == -1;
}

static uintptr_t map_anywhere(size_t bytes)
{
	int saved_errno = errno;
	void *p;

	count(&slab_page_calls.map);
	p = map_must_fail() ? MAP_FAILED : sys_mmap(0, bytes, 0);
	errno = saved_errno;
	return p == MAP_FAILED ? 0 : (uintptr_t)p;
}

uintptr_t slab_page_map(size_t bytes, size_t align)
{
	uintptr_t base = map_anywhere(bytes), at;
	size_t head, tail;

	if (base == 0 || (base & (align - 1)) == 0)
		return base;
	/* not aligned by luck: take more and cut both ends off */
	slab_page_unmap(base, bytes);
	if (bytes + align < bytes)
		return 0;
	base = map_anywhere(bytes + align);
	if (base == 0)
		return 0;
	/* the highest place: the kernel goes on downwards, and no gap stays behind */
	at = (base + align) & ~(align - 1);
	head = at - base;
	tail = align - head;
	slab_page_unmap(base, head);
	if (tail > 0)
		slab_page_unmap(at + bytes, tail);
	return at;
}

bool slab_page_could_map(size_t bytes)
{
	uintptr_t base = map_anywhere(bytes);

	if (base != 0)
		slab_page_unmap(base, bytes);
	return base != 0;
}

int slab_page_map_at(uintptr_t base, size_t bytes)
{
	int saved_errno = errno, error = 0;
	void *p;

	count(&slab_page_calls.map);
	if (map_must_fail())
		return ENOMEM;
	p = sys_mmap(base, bytes, MAP_FIXED_NOREPLACE);
	if (p == MAP_FAILED) {
		error = errno;
	} else if ((uintptr_t)p != base) { /* a kernel older than 4.17 takes it as a hint */
		sys_munmap((uintptr_t)p, bytes);
		error = EEXIST;
	}
	errno = saved_errno;
	return error;
}

int slab_page_unmap(uintptr_t base, size_t bytes)
{
	int saved_errno = errno, error = slab_page_fail_unmap;

	count(&slab_page_calls.unmap);
	if (error == 0 && sys_munmap(base, bytes) != 0)
		error = errno;
	if (error != 0) /* whoever asked: some cannot do anything about it */
		count(&slab_root.unmap_failures);
	errno = saved_errno;
	return error;
}

int slab_page_remap(uintptr_t base, size_t old_bytes, size_t bytes)
{
	int saved_errno = errno, error = 0;

	count(&slab_page_calls.map);
	if (map_must_fail())
		error = ENOMEM;
	else if (sys_mremap(base, old_bytes, bytes, 0, 0) == MAP_FAILED)
		error = errno;
	errno = saved_errno;
	return error;
}

int slab_page_move(uintptr_t base, size_t old_bytes, uintptr_t to, size_t bytes)
{
	int saved_errno = errno, error = 0, flags = MREMAP_MAYMOVE | MREMAP_FIXED;

	count(&slab_page_calls.map);
	if (map_must_fail())
		error = ENOMEM;
	else if (sys_mremap(base, old_bytes, bytes, flags, to) == MAP_FAILED)
		error = errno;
	errno = saved_errno;
	return error;
}

static int drop_one(const struct slab_range *range)
{
	if (sys_madvise(range->base, range->bytes, MADV_DONTNEED) == 0)
		return 0;
	/* EINVAL: the program has locked its memory */
	if (errno == EINVAL && sys_madvise(range->base, range->bytes, MADV_DONTNEED_LOCKED) == 0)
		return 0;
	return errno;
}

_Static_assert(sizeof(struct slab_range) == sizeof(struct iovec) &&
                   offsetof(struct slab_range, bytes) == offsetof(struct iovec, iov_len),
               "the kernel reads ranges as its own vector");

/* Whether a list decides which calls this process may make (seccomp). Not every list knows of
 * process_madvise, and many end the process for what they do not know. */
static bool is_filtered(void)
{
	return syscall(SYS_prctl, PR_GET_SECCOMP, 0, 0, 0, 0) > 0;
}

static int drop_some(const struct slab_range *ranges, size_t n)
{
	size_t bytes = 0;
	int error = 0;

	if (n > 1 && !no_vectored_drop && is_filtered())
		no_vectored_drop = true; /* for good: nobody gets rid of a filter */

	for (size_t i = 0; i < n; i++)
		bytes += ranges[i].bytes;
	if (n > 1 && !no_vectored_drop && !slab_valgrind_runs()) { /* it warns of the call */
		ssize_t done = syscall(SYS_process_madvise, PIDFD_SELF_PROCESS, ranges, n,
		                       MADV_DONTNEED, 0);

		if (done == (ssize_t)bytes)
			return 0;
		if (done < 0 && errno != EINVAL)
			no_vectored_drop = true;
	}
	for (size_t i = 0; i < n; i++) {
		int one = drop_one(&ranges[i]);

		if (one != 0)
			error = one;
	}
	return error;
}

int slab_page_drop(const struct slab_range *ranges, size_t n)
{
	int saved_errno = errno, error = slab_page_fail_unmap;

	for (size_t i = 0; i < n && error == 0; i += DROP_VECTOR) {
		count(&slab_page_calls.drop);
		error = drop_some(ranges + i, n - i < DROP_VECTOR ? n - i : DROP_VECTOR);
	}
	if (error != 0)
		count(&slab_root.unmap_failures);
	errno = saved_errno;
	return error;
}

void slab_page_populate(uintptr_t base, size_t bytes)
{
	int saved_errno = errno;

	if (no_populate)
		return;
	count(&slab_page_calls.populate);
	if (sys_madvise(base, bytes, MADV_POPULATE_WRITE) != 0 && errno == EINVAL)
		no_populate = true; /* a kernel older than 5.14: plain faults */
	errno = saved_errno;
}

/* Reads the start of a small file; not by open() and read(): nobody may be cancelled in malloc. */
static ssize_t read_file(const char *path, char *text, size_t room)
{
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? 0 : syscall(SYS_read, fd, text, room);

	if (fd >= 0)
		syscall(SYS_close, fd);
	return len > 0 ? len : 0;
}

/* Whether the kernel brings huge pages unasked. Asked once: the answer may be late, not wrong. */
static bool huge_unasked(void)
{
	static int answer;
	char text[64];
	ssize_t len;

	if (slab_read(&answer) == 0) {
		len = read_file("/sys/kernel/mm/transparent_hugepage/enabled", text, sizeof text);
		slab_write(&answer, len > 8 && memcmp(text, "[always]", 8) != 0 ? 1 : 2);
	}
	return slab_read(&answer) == 2;
}

void slab_page_advise_huge(uintptr_t base, size_t bytes, bool huge)
{
	int saved_errno = errno;

	if (!huge && !huge_unasked()) {
		errno = saved_errno;
		return;
	}
	(void)sys_madvise(base, bytes, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	errno = saved_errno;
}

size_t slab_page_size(void)
{
	size_t bytes = getauxval(AT_PAGESZ);

	return bytes != 0 ? bytes : 4096;
}

uint64_t slab_page_random(void)
{
	const char *bytes = (const char *)getauxval(AT_RANDOM); /* 16 from the kernel, unaligned */
	uint64_t random = 0;

	if (bytes != NULL)
		memcpy(&random, bytes + sizeof random, sizeof random);
	return random ^ (uintptr_t)&slab_root;
}

/* A quarter of vm.max_map_count, at most 16,384; valgrind's own tables end earlier. */
size_t slab_page_hole_limit(void)
{
	size_t limit = 0, most = slab_valgrind_runs() ? 4096 : 16384;
	int saved_errno = errno;
	char text[24] = ""; /* MSan does not know the call that fills it */
	ssize_t len = read_file("/proc/sys/vm/max_map_count", text, sizeof text);

	for (ssize_t i = 0; i < len && text[i] >= '0' && text[i] <= '9'; i++)
		limit = limit * 10 + (size_t)(text[i] - '0');
	errno = saved_errno;
	if (limit == 0)
		limit = 65530;
	return limit / 4 < most ? limit / 4 : most;
}

/* Of any pointer, wild ones too. */
bool slab_page_is_mapped(const void *p)
{
	uintptr_t page = (uintptr_t)p & ~(slab_page_size() - 1);
	int saved_errno = errno;
	unsigned char in_core;
	bool mapped = mincore((void *)page, 1, &in_core) == 0;

	errno = saved_errno;
	return mapped;
}
