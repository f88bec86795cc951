/*
 * copy.c - a copy of what a process may hold of pointers                                 Floor t4
 *
 * Called by leaks.c: following pointers through another process, a call each, takes microseconds
 * for each. The copy has the form of a core file, so that whatever reads cores reads it. Pages
 * that were never written are holes of it.
 */
#define _GNU_SOURCE 1
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tools/access.h"
#include "tools/copy.h"
#include "tools/core_notes.h"
#include "tools/hold.h"

#define REGISTERS_MAX ((size_t)16 << 10)
#define HEADER_BYTES  ((uint64_t)64 << 10) /* of a mapped file: its headers and notes */
#define DATA_BYTES    ((uint64_t)64 << 20) /* the most that a program file has of data */
#define BUFFER_BYTES  ((size_t)1 << 20)
#define PAGE_BYTES    ((uint64_t)4096)

struct copy {
	struct target *live;
	struct hold hold; /* no task: it runs on */
	char *notes;
	size_t note_bytes, note_room;
	int fd;
	unsigned char *buffer;
};

static bool write_at(int fd, const void *from, size_t bytes, uint64_t offset)
{
	for (size_t done = 0; done < bytes;) {
		ssize_t n = pwrite(fd, (const char *)from + done, bytes - done,
				   (off_t)(offset + done));

		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0)
			done += (size_t)n;
	}
	return true;
}

static bool add_note(struct copy *copy, uint32_t type, const void *body, size_t bytes)
{
	const Elf64_Nhdr note = { .n_namesz = 4, .n_descsz = (uint32_t)bytes, .n_type = type };
	size_t padded = (bytes + 3) & ~(size_t)3, all = sizeof note + 4 + padded;

	if (copy->note_bytes + all > copy->note_room) {
		size_t room = 2 * (copy->note_room + all);
		char *more = realloc(copy->notes, room);

		if (!more)
			return false;
		copy->notes = more;
		copy->note_room = room;
	}
	memset(copy->notes + copy->note_bytes, 0, all);
	memcpy(copy->notes + copy->note_bytes, &note, sizeof note);
	memcpy(copy->notes + copy->note_bytes + sizeof note, "SLAB", 4);
	memcpy(copy->notes + copy->note_bytes + sizeof note + 4, body, bytes);
	copy->note_bytes += all;
	return true;
}

static bool add_registers(struct copy *copy, int task)
{
	unsigned char set[REGISTERS_MAX] = { 0 };
	struct iovec general = { set + CORE_NOTES_PRSTATUS_REGS,
				 sizeof set - CORE_NOTES_PRSTATUS_REGS };
	struct iovec other = { set, sizeof set };
	bool added = true;

	memcpy(set + CORE_NOTES_PRSTATUS_PID, &copy->live->pid, sizeof copy->live->pid);
	if (ptrace(PTRACE_GETREGSET, task, (void *)NT_PRSTATUS, &general) == 0)
		added = add_note(copy, NT_PRSTATUS, set,
				 CORE_NOTES_PRSTATUS_REGS + general.iov_len);
	if (ptrace(PTRACE_GETREGSET, task, (void *)NT_X86_XSTATE, &other) == 0 ||
	    ptrace(PTRACE_GETREGSET, task, (void *)NT_FPREGSET, &other) == 0)
		added = add_note(copy, NT_FPREGSET, set, other.iov_len) && added;
	return added;
}

/*
 * A thread that runs on and waits in the kernel tells what it has passed: a number, six arguments,
 * stack, instruction. Where it waits is no fixed end of its stack.
 */
static bool add_call(struct copy *copy, int task)
{
	unsigned long long w[8];
	char path[64], text[512];
	int fd, words;
	ssize_t n;

	snprintf(path, sizeof path, "task/%d/syscall", task);
	fd = openat(copy->live->proc_fd, path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	words = sscanf(text, "%*d %llx %llx %llx %llx %llx %llx %llx %llx", &w[0], &w[1], &w[2],
		       &w[3], &w[4], &w[5], &w[6], &w[7]);
	return words <= 0 || add_note(copy, NT_FPREGSET, w, (size_t)words * sizeof w[0]);
}

static bool add_calls(struct copy *copy)
{
	int fd = openat(copy->live->proc_fd, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *tasks = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	bool added = true;

	while (tasks && added && (entry = readdir(tasks)))
		added = add_call(copy, atoi(entry->d_name));
	if (tasks)
		closedir(tasks);
	return added;
}

static bool add_notes(struct copy *copy)
{
	char auxv[4096];
	int fd = openat(copy->live->proc_fd, "auxv", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, auxv, sizeof auxv);
	bool added = true;

	if (fd >= 0)
		close(fd);
	if (n > 0)
		added = add_note(copy, NT_AUXV, auxv, (size_t)n);
	for (size_t i = 0; i < copy->hold.tasks && added; i++)
		added = add_registers(copy, copy->hold.task[i]);
	return added && (copy->hold.tasks > 0 || add_calls(copy));
}

/* How much of a mapping goes into the copy. */
static uint64_t wanted(const struct target_mapping *mapping)
{
	uint64_t size = mapping->end - mapping->start;

	if (!mapping->readable || mapping->device)
		return 0;
	if (mapping->writable || mapping->anonymous)
		return size;
	if (mapping->offset == 0)
		return size < HEADER_BYTES ? size : HEADER_BYTES;
	return 0;
}

static bool copy_range(struct copy *copy, uint64_t from, uint64_t to, uint64_t offset)
{
	for (uint64_t n; from < to; from += n, offset += n) {
		n = to - from < BUFFER_BYTES ? to - from : BUFFER_BYTES;
		if (target_read(copy->live, from, copy->buffer, n) == 0) {
			if (!write_at(copy->fd, copy->buffer, n, offset))
				return false;
			continue;
		}
		for (uint64_t at = 0; at < n; at += PAGE_BYTES) /* behind the end of a file, say */
			if (target_read(copy->live, from + at, copy->buffer, PAGE_BYTES) == 0 &&
			    !write_at(copy->fd, copy->buffer, PAGE_BYTES, offset + at))
				return false;
	}
	return true;
}

static bool copy_mapping(struct copy *copy, const struct target_mapping *mapping, uint64_t bytes,
			 uint64_t offset)
{
	uint64_t at = mapping->start, end = at + bytes, from, to;
	struct target *live = copy->live;

	/* of a file, what was never touched is not zero: the library's root may be there */
	if (!mapping->anonymous && bytes <= DATA_BYTES)
		return copy_range(copy, at, end, offset);
	while (at < end && live->present(live, at, end, &from, &to)) {
		if (!copy_range(copy, from, to, offset + (from - mapping->start)))
			return false;
		at = to;
	}
	return true;
}

/* Writes the file: headers, notes, then each mapping. Return: whether it could. */
static bool write_file(struct copy *copy)
{
	const struct target *live = copy->live;
	size_t count = live->mapping_count + 1;
	Elf64_Phdr *header = calloc(count, sizeof *header);
	uint64_t offset = sizeof(Elf64_Ehdr) + sizeof(Elf64_Shdr) + count * sizeof *header;
	/* more headers than a core's own field can count: the section tells */
	const Elf64_Shdr section = { .sh_info = (Elf64_Word)count };
	Elf64_Ehdr elf = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
					ELFDATA2LSB, EV_CURRENT },
			   .e_type = ET_CORE,
			   .e_version = EV_CURRENT,
			   .e_phoff = sizeof elf + sizeof section,
			   .e_shoff = sizeof elf,
			   .e_ehsize = sizeof elf,
			   .e_phentsize = sizeof *header,
			   .e_phnum = count < PN_XNUM ? (Elf64_Half)count : PN_XNUM };
	bool good = header && add_notes(copy) &&
		    write_at(copy->fd, copy->notes, copy->note_bytes, offset);

	if (good)
		header[0] = (Elf64_Phdr){ .p_type = PT_NOTE,
					  .p_offset = offset,
					  .p_filesz = copy->note_bytes };
	offset += copy->note_bytes;
	for (size_t i = 0; i < live->mapping_count && good; i++) {
		const struct target_mapping *mapping = &live->mappings[i];
		uint64_t bytes = wanted(mapping);

		offset = (offset + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
		header[i + 1] = (Elf64_Phdr){
			.p_type = PT_LOAD,
			.p_flags = (mapping->readable ? PF_R : 0u) |
				   (mapping->writable ? PF_W : 0u),
			.p_offset = offset,
			.p_vaddr = mapping->start,
			.p_filesz = bytes,
			.p_memsz = mapping->end - mapping->start,
		};
		good = copy_mapping(copy, mapping, bytes, offset);
		offset += bytes;
	}
	good = good && ftruncate(copy->fd, (off_t)offset) == 0 &&
	       write_at(copy->fd, &elf, sizeof elf, 0) &&
	       write_at(copy->fd, &section, sizeof section, elf.e_shoff) &&
	       write_at(copy->fd, header, count * sizeof *header, elf.e_phoff);
	free(header);
	return good;
}

/* A file that has no name and goes with us. */
static int make_file(void)
{
	const char *folder = getenv("TMPDIR");
	char path[4096];
	int fd;

	if (!folder || strlen(folder) > sizeof path - 32)
		folder = "/var/tmp";
	fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
	if (fd >= 0)
		return fd;
	snprintf(path, sizeof path, "%s/slabstat.XXXXXX", folder);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

static enum fault_code explain(const struct copy *copy, int error, struct fault *fault)
{
	if (error == ESRCH || error == ENOENT)
		return fault_set(fault, FAULT_PARTIAL, "%s ended before it could be copied.",
				 copy->live->label);
	if (error == ETIMEDOUT)
		return fault_set(fault, FAULT_PARTIAL,
				 "a thread of %s does not stop, as when it waits for a device: try "
				 "again, or leave out --stop.",
				 copy->live->label);
	if (error == E2BIG)
		return fault_set(fault, FAULT_PARTIAL, "%s has too many threads to be held.",
				 copy->live->label);
	if (error == EPERM && copy->hold.live && access_tracer(copy->live->pid) > 0)
		return fault_set(fault, FAULT_DENIED,
				 "%s is traced by process %d, as by a debugger, and one alone can "
				 "hold it: end that, or leave out --stop.",
				 copy->live->label, access_tracer(copy->live->pid));
	return access_explain(copy->live->pid, error, fault);
}

static enum fault_code fill(struct copy *copy, bool stopped, uint64_t *held_us,
			    struct fault *fault)
{
	uint64_t began = hold_now_us();
	int error = stopped ? hold_begin(&copy->hold, copy->live) : 0;
	enum fault_code code = FAULT_NONE;

	if (!error)
		error = target_list_mappings(copy->live);
	if (!error && copy->live->mapping_count == 0)
		error = ESRCH;
	if (error)
		code = explain(copy, error, fault);
	else if (!write_file(copy))
		code = fault_set(fault, FAULT_PARTIAL,
				 "the copy of %s could not be written (%s): set TMPDIR to a folder "
				 "with room.",
				 copy->live->label, strerror(errno));
	hold_end(&copy->hold);
	*held_us = stopped ? hold_now_us() - began : 0;
	return code;
}

enum fault_code copy_take(struct target *taken, struct target *live, bool stopped,
			  uint64_t *held_us, struct fault *fault)
{
	struct copy *copy = calloc(1, sizeof *copy);
	enum fault_code code;

	if (!copy)
		return fault_set(fault, FAULT_PARTIAL, "out of memory.");
	copy->live = live;
	copy->fd = make_file();
	copy->buffer = malloc(BUFFER_BYTES);
	live->page_count = 0; /* what was known of its pages may be old */
	if (copy->fd < 0 || !copy->buffer)
		code = fault_set(fault, FAULT_PARTIAL,
				 "no file for the copy can be made (%s): set TMPDIR to a folder "
				 "with room.",
				 strerror(errno));
	else
		code = fill(copy, stopped, held_us, fault);
	if (code == FAULT_NONE) {
		code = target_open_core(taken, copy->fd, live->label, fault);
		copy->fd = -1;
	}
	if (code == FAULT_NONE) {
		target_map_core(taken);
		taken->source = live->source;
		taken->pid = live->pid;
		snprintf(taken->label, sizeof taken->label, "%s", live->label);
	}
	if (copy->fd >= 0)
		close(copy->fd);
	free(copy->buffer);
	free(copy->notes);
	free(copy);
	return code;
}
