/*
 * contract.c - what glibc promises of its allocation functions, checked on whatever serves them
 *
 * Run by malloc.sh with libslab-malloc.so preloaded. Prints each broken promise; exit status 1.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

__attribute__((weak)) void free_sized(void *p, size_t size); /* come with the preload */
__attribute__((weak)) void free_aligned_sized(void *p, size_t align, size_t size);

static int checks, broken;
static void *early;                                       /* taken before any constructor */
static volatile size_t huge = SIZE_MAX, most = PTRDIFF_MAX; /* that no compiler sees through */

#define CHECK(holds)                                                                               \
	do {                                                                                       \
		checks++;                                                                          \
		if (!(holds)) {                                                                    \
			broken++;                                                                  \
			printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #holds);                 \
		}                                                                                  \
	} while (0)

static void before_everything(void)
{
	early = malloc(1000);
	early = realloc(early, 100000);
	free(calloc(10, 10));
}
__attribute__((section(".preinit_array"), used)) static void (*preinit)(void) = before_everything;

static void sizes_and_alignment(void)
{
	for (size_t size = 0; size < 300000; size += size < 2000 ? 1 : 977) {
		char *p = malloc(size), *q = malloc(size);

		CHECK(p != NULL && q != NULL && p != q);
		CHECK((uintptr_t)p % 16 == 0);
		CHECK(malloc_usable_size(p) >= size);
		if (size <= 65536 && size > 128)
			CHECK((malloc_usable_size(p) - size) * 8 <= malloc_usable_size(p));
		memset(p, 0x11, malloc_usable_size(p));
		memset(q, 0x22, size);
		CHECK(size == 0 || (p[0] == 0x11 && p[size - 1] == 0x11));
		free(p);
		free(q);
	}
	CHECK(malloc_usable_size(NULL) == 0);
}

#define FAILS(call)                                                                                \
	do {                                                                                       \
		errno = 0;                                                                         \
		CHECK((call) == NULL);                                                             \
		CHECK(errno == ENOMEM);                                                            \
	} while (0)

static void too_much(void)
{
	char *volatile p = malloc(100); /* no compiler knows what became of it */

	memset(p, 7, 100);
	FAILS(malloc(huge));
	FAILS(malloc(most + 1));
	FAILS(calloc(huge / 2, 3));
	FAILS(calloc(most, 2));
	FAILS(realloc(p, most + 1));
	FAILS(reallocarray(p, huge / 2, 3));
	FAILS(aligned_alloc(64, huge - 10));
	FAILS(memalign(64, most + 1));
	FAILS(valloc(huge));
	FAILS(pvalloc(huge));
	CHECK(p[0] == 7 && p[99] == 7);
	free(p);
}

static void zeroes(void)
{
	for (size_t n = 1; n < 400000; n = n * 3 / 2 + 1) {
		for (int round = 0; round < 2; round++) {
			char *p = calloc(n, 1);
			size_t i = 0;

			while (i < n && p[i] == 0)
				i++;
			CHECK(i == n);
			memset(p, 0xff, n);
			free(p);
		}
	}
}

static void resizing(void)
{
	static const size_t sizes[] = { 10,    100,    90,     5000,  4999,   70000, 300000,
					90000, 299999, 200000, 65536, 65537, 100,   1 };
	char *p = realloc(NULL, 5), *q;
	size_t have = 5;

	memset(p, 'x', have);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		size_t both = have < sizes[i] ? have : sizes[i], k = 0;

		p = realloc(p, sizes[i]);
		CHECK(p != NULL && malloc_usable_size(p) >= sizes[i]);
		while (k < both && p[k] == 'x')
			k++;
		CHECK(k == both);
		have = sizes[i];
		memset(p, 'x', have);
	}
	CHECK(realloc(p, 0) == NULL);
	p = malloc(1000);
	CHECK(realloc(p, malloc_usable_size(p)) == p); /* in place where it fits */
	q = realloc(p, 900);
	CHECK(q == p);
	free(q);
	p = reallocarray(NULL, 10, 10);
	CHECK(p != NULL && malloc_usable_size(p) >= 100);
	free(p);
}

static void alignments(void)
{
	void *p = &p;

	errno = 77;
	CHECK(posix_memalign(&p, 0, 10) == EINVAL && p == &p);
	CHECK(posix_memalign(&p, 4, 10) == EINVAL);
	CHECK(posix_memalign(&p, 24, 10) == EINVAL);
	CHECK(posix_memalign(&p, 64, most) == ENOMEM && p == &p);
	CHECK(errno == 77);
	for (size_t align = sizeof(void *); align <= (size_t)1 << 21; align *= 2) {
		for (size_t size = 0; size < 200000; size = size * 5 + 3) {
			void *q = aligned_alloc(align, size), *r = memalign(align, size);

			CHECK(posix_memalign(&p, align, size) == 0);
			CHECK((uintptr_t)p % align == 0 && (uintptr_t)q % align == 0);
			CHECK((uintptr_t)r % align == 0);
			memset(p, 1, size);
			memset(q, 1, size);
			memset(r, 1, size);
			free(p);
			free_aligned_sized(q, align, size);
			free(r);
		}
	}
	p = memalign(48, 10); /* counts as 64 */
	CHECK((uintptr_t)p % 64 == 0);
	free(p);
	p = valloc(10);
	CHECK((uintptr_t)p % 4096 == 0);
	free(p);
	p = pvalloc(5000);
	CHECK((uintptr_t)p % 4096 == 0 && malloc_usable_size(p) >= 8192);
	free(p);
}

static void frees(void)
{
	errno = 77;
	free(NULL);
	free(malloc(10));
	free(malloc(1000000));
	free_sized(NULL, 10);
	for (size_t size = 0; size < 200000; size = size * 2 + 1)
		free_sized(malloc(size), size);
	CHECK(errno == 77);
}

static void figures(void)
{
	struct mallinfo2 before = mallinfo2(), with, after;
	struct mallinfo old;
	void *blocks[1000], *large = malloc(10000000);

	for (int i = 0; i < 1000; i++)
		blocks[i] = malloc(1000);
	with = mallinfo2();
	old = mallinfo();
	CHECK(with.uordblks >= before.uordblks + 1000000);
	CHECK(with.hblkhd >= before.hblkhd + 10000000 && with.hblks == before.hblks + 1);
	CHECK((size_t)old.hblkhd == with.hblkhd);
	for (int i = 0; i < 1000; i++)
		free(blocks[i]);
	free(large);
	malloc_trim(0);
	after = mallinfo2();
	CHECK(after.uordblks + 1000000 <= with.uordblks + 1000);
	CHECK(after.hblks == before.hblks);
	for (int i = 0; i < 1000; i++)
		blocks[i] = malloc(5000);
	for (int i = 0; i < 1000; i++)
		free(blocks[i]);
	CHECK(malloc_trim(0) == 1);
}

/* ---- threads, fork, ends ---- */

static pthread_key_t key;

static void key_ends(void *p)
{
	free(p);
	free(calloc(100, 3));
	free(malloc(200000));
}

static void *churn(void *arg)
{
	char *blocks[64] = { NULL };
	unsigned long random = (uintptr_t)arg;

	pthread_setspecific(key, malloc(50));
	for (int i = 0; i < 10000; i++) {
		random = random * 6364136223846793005UL + 1;
		free(blocks[random >> 58]);
		blocks[random >> 58] = malloc((random >> 33) % (i % 50 == 0 ? 100000 : 700));
	}
	for (int i = 0; i < 64; i++)
		free(blocks[i]);
	return malloc(100); /* freed by another thread */
}

static void fork_among_threads(void)
{
	pthread_t ids[4];
	void *theirs;
	int status;

	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&ids[i], NULL, churn, (void *)(i + 1));
	for (int i = 0; i < 20; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			alarm(20);
			free(churn((void *)99));
			malloc_trim(0);
			_exit(0);
		}
		waitpid(pid, &status, 0);
		CHECK(status == 0);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(ids[i], &theirs);
		free(theirs);
	}
}

static void *last;

static void at_the_end(void)
{
	free(last);
	last = realloc(malloc(10), 100000);
}

__attribute__((destructor)) static void at_the_very_end(void)
{
	free(last);
	free(malloc(100));
}

int main(void)
{
	CHECK(early != NULL && malloc_usable_size(early) >= 100000);
	free(early);
	last = malloc(10);
	atexit(at_the_end);
	pthread_key_create(&key, key_ends);
	sizes_and_alignment();
	too_much();
	zeroes();
	resizing();
	alignments();
	frees();
	figures();
	fork_among_threads();
	printf("%d checks, %d broken\n", checks, broken);
	return broken != 0;
}
