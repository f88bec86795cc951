/*
 * smash.c - everything that slabstat does with a core file, on cores that are damaged on purpose
 *
 *   smash CORE [ROUNDS [SEED]]   overwrites random bytes of the core, ROUNDS times (10,000), and
 *                                reads it: no crash, no hang (10 s each), no memory without bound
 *
 * Called by test/smash.sh. The verbs take turns.
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "test/fuzz/look.h"

static uint64_t state;
static size_t changed[128]; /* where smash() wrote, up to 8 bytes each */
static unsigned changes;

static uint64_t next_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* Half of all places among the bytes that are not zero: there is what is read. */
static void smash(unsigned char *core, size_t bytes, const size_t *set, size_t sets)
{
	for (unsigned n = 1 + (unsigned)(next_random() % 64); n > 0; n--) {
		size_t at = next_random() % 2 ? set[next_random() % sets] : next_random() % bytes;
		unsigned kind = next_random() % 4;

		changed[changes++] = at;
		core[at] = kind == 0 ? 0 : kind == 1 ? 0xff : (unsigned char)next_random();
		if (kind == 3 && at + 8 <= bytes && at % 8 == 0)
			memcpy(core + at, core + set[next_random() % sets] / 8 * 8, 8);
	}
}

int main(int argc, char **argv)
{
	long rounds = argc > 2 ? atol(argv[2]) : 10000;
	struct rlimit most = { (rlim_t)4 << 30, (rlim_t)4 << 30 };
	int from = argc > 1 ? open(argv[1], O_RDONLY) : -1, fd = memfd_create("core", 0);
	size_t bytes = from < 0 ? 0 : (size_t)lseek(from, 0, SEEK_END), sets = 0;
	unsigned char *whole = malloc(bytes + 1), *core;
	size_t *set = malloc((bytes + 1) * sizeof *set);
	char path[32];
	int said;

	if (bytes == 0 || fd < 0 || !whole || !set || ftruncate(fd, (off_t)bytes) != 0 ||
	    pread(from, whole, bytes, 0) != (ssize_t)bytes)
		return 2;
	core = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (core == MAP_FAILED)
		return 2;
	memcpy(core, whole, bytes);
	for (size_t i = 0; i < bytes; i++)
		if (whole[i] != 0)
			set[sets++] = i;
	state = argc > 3 ? strtoull(argv[3], NULL, 0) : (uint64_t)getpid() * 2654435761u + 1;
	said = dup(STDOUT_FILENO);
	dprintf(said, "seed %#llx\n", (unsigned long long)state);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
		return 2;
	if (getenv("SMASH_NO_LIMIT") == NULL)
		setrlimit(RLIMIT_AS, &most);
	for (long round = 0; round < rounds; round++) {
		smash(core, bytes, set, sets);
		alarm(10);
		look(path, (size_t)round);
		for (; changes > 0; changes--)
			for (size_t at = changed[changes - 1], i = 0; i < 8 && at + i < bytes; i++)
				core[at + i] = whole[at + i];
	}
	dprintf(said, "%ld rounds\n", rounds);
	free(whole);
	free(set);
	return 0;
}
