/*
 * core.c - libFuzzer target: everything that slabstat does with a core file or a snapshot
 *
 * Called by test/fuzz/fuzz.sh. An input is one of
 *   'C' VERB BYTES...     a core file
 *   'S' VERB BYTES...     a snapshot
 *   'P' VERB PATCHES...   the core of FUZZ_CORE with eight bytes written at some of the places
 *                         where it is not zero: 4 bytes choose where, 1 how, 8 what
 * so a few bytes reach deep into the walkers, whose lists hang together in that core.
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/fuzz/look.h"

#define PATCH_BYTES 13

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t bytes);

static unsigned char *base, *whole; /* the core that is patched, and as it was */
static size_t base_bytes;
static uint32_t *set, sets; /* places / 8 of words that are not zero */
static char base_path[32];

static void load(void)
{
	const char *name = getenv("FUZZ_CORE");
	int from = name ? open(name, O_RDONLY) : -1, fd = memfd_create("core", MFD_CLOEXEC);
	struct stat st;

	if (from < 0 || fd < 0 || fstat(from, &st) != 0 || ftruncate(fd, st.st_size) != 0) {
		fprintf(stderr, "core.c: FUZZ_CORE names no core file.\n");
		exit(2);
	}
	base_bytes = (size_t)st.st_size & ~(size_t)7;
	base = mmap(NULL, base_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	whole = malloc(base_bytes);
	set = malloc(base_bytes / 8 * sizeof *set);
	if (base == MAP_FAILED || !whole || !set ||
	    pread(from, whole, base_bytes, 0) != (ssize_t)base_bytes)
		exit(2);
	memcpy(base, whole, base_bytes);
	close(from);
	for (size_t i = 0; i < base_bytes / 8; i++) {
		uint64_t word;

		memcpy(&word, whole + 8 * i, sizeof word);
		if (word)
			set[sets++] = (uint32_t)i;
	}
	snprintf(base_path, sizeof base_path, "/proc/self/fd/%d", fd);
}

static void patch(const unsigned char *at, size_t *where)
{
	uint64_t value, other;
	uint32_t place;

	memcpy(&place, at, sizeof place);
	memcpy(&value, at + 5, sizeof value);
	*where = 8 * (size_t)set[place % sets];
	memcpy(&other, whole + *where, sizeof other);
	if (at[4] % 4 == 1)
		value = other + (int8_t)value; /* near to what it was */
	else if (at[4] % 4 == 2)
		memcpy(&value, whole + 8 * (size_t)set[value % sets], sizeof value);
	else if (at[4] % 4 == 3)
		value = other ^ (1ULL << value % 64);
	memcpy(base + *where, &value, sizeof value);
}

static void look_patched(const unsigned char *data, size_t bytes, size_t verb)
{
	size_t where[64], patches = 0;

	for (; patches < 64 && (patches + 1) * PATCH_BYTES <= bytes; patches++)
		patch(data + patches * PATCH_BYTES, &where[patches]);
	look(base_path, verb);
	while (patches-- > 0)
		memcpy(base + where[patches], whole + where[patches], 8);
}

static void look_file(const unsigned char *data, size_t bytes, size_t verb)
{
	int fd = memfd_create("input", MFD_CLOEXEC);
	char path[32];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (fd >= 0 && write(fd, data, bytes) == (ssize_t)bytes)
		look(path, verb);
	close(fd);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t bytes)
{
	if (!base)
		load();
	if (bytes < 2)
		return 0;
	if (data[0] == 'P')
		look_patched(data + 2, bytes - 2, data[1]);
	else
		look_file(data + 2, bytes - 2, data[1]);
	return 0;
}
