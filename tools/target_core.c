/*
 * target_core.c - reads a process out of its core file                                   Floor t2
 *
 * Called by sources.c and copy.c to open, through struct target by everything else. Takes cores of
 * the kernel and of gcore. What a core leaves out of a mapped file (its code, mostly) is read from
 * that file if it still is an ELF file; everything else that is left out stays unreadable, never
 * zero. Each number of the file is checked: it may be truncated, or made to do harm.
 */
#define _GNU_SOURCE 1
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/core_notes.h"
#include "tools/target.h"

#define HEADERS_MAX     ((uint64_t)1 << 20)
#define NOTES_MAX_BYTES ((uint64_t)64 << 20)

/* Where bytes of the target are in the core. */
struct core_segment {
	uint64_t start, bytes;  /* addresses */
	uint64_t offset, there; /* in the core; bytes that the core really has */
};
struct target_core {
	int fd;
	uint64_t file_bytes;
	const unsigned char *image;   /* the file, mapped; NULL: it may change, and is read */
	struct core_segment *segment; /* by address */
	size_t segments;
	struct core_notes notes; /* among others the files that the target had mapped */
	const char *open_path;   /* of disk_fd */
	int disk_fd;
};

static bool read_at(int fd, uint64_t offset, void *to, uint64_t bytes)
{
	for (uint64_t done = 0; done < bytes;) {
		ssize_t n = pread(fd, (char *)to + done, bytes - done, (off_t)(offset + done));

		if (n == 0 || (n < 0 && errno != EINTR))
			return false;
		if (n > 0)
			done += (uint64_t)n;
	}
	return true;
}

/* The last entry that begins at or below addr, or NULL; both lists begin with the address. */
static const void *find(const void *list, size_t count, size_t entry_bytes, uint64_t addr)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (*(const uint64_t *)(const void *)((const char *)list + mid * entry_bytes) <=
		    addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low ? (const char *)list + (low - 1) * entry_bytes : NULL;
}

static const struct core_segment *find_segment(const struct target_core *core, uint64_t addr)
{
	return find(core->segment, core->segments, sizeof *core->segment, addr);
}

static const struct core_file *find_file(const struct target_core *core, uint64_t addr)
{
	return find(core->notes.file, core->notes.files, sizeof *core->notes.file, addr);
}

/* A core names any path it likes: only plain ELF files are opened, and only for reading. */
static int disk_file(struct target_core *core, const char *path)
{
	char magic[SELFMAG];
	struct stat st;

	if (core->open_path == path)
		return core->disk_fd;
	if (core->disk_fd >= 0)
		close(core->disk_fd);
	core->open_path = path;
	core->disk_fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (core->disk_fd >= 0 && (fstat(core->disk_fd, &st) != 0 || !S_ISREG(st.st_mode) ||
				   !read_at(core->disk_fd, 0, magic, sizeof magic) ||
				   memcmp(magic, ELFMAG, SELFMAG) != 0)) {
		close(core->disk_fd);
		core->disk_fd = -1;
	}
	return core->disk_fd;
}

static bool read_core(const struct target_core *core, uint64_t offset, void *to, uint64_t bytes)
{
	if (!core->image)
		return read_at(core->fd, offset, to, bytes);
	memcpy(to, core->image + offset, bytes); /* a segment ends within the file */
	return true;
}

void target_map_core(struct target *target)
{
	struct target_core *core = target->core;
	void *image = mmap(NULL, core->file_bytes, PROT_READ, MAP_PRIVATE, core->fd, 0);

	if (image != MAP_FAILED)
		core->image = image;
}

/* Reads a first piece of at most bytes. Return: how much; 0: it is nowhere. */
static uint64_t read_piece(struct target_core *core, uint64_t addr, void *to, uint64_t bytes)
{
	const struct core_segment *segment = find_segment(core, addr);
	const struct core_file *file = find_file(core, addr);
	uint64_t left;

	if (segment && addr - segment->start < segment->there) {
		left = segment->there - (addr - segment->start);
		bytes = left < bytes ? left : bytes;
		return read_core(core, segment->offset + (addr - segment->start), to, bytes) ? bytes
											     : 0;
	}
	if (!file || addr >= file->end)
		return 0;
	left = file->end - addr;
	bytes = left < bytes ? left : bytes;
	if (disk_file(core, file->path) < 0)
		return 0;
	return read_at(core->disk_fd, file->offset + (addr - file->start), to, bytes) ? bytes : 0;
}

static int core_read(struct target *target, const struct target_part *parts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t done = 0, n;

		if (parts[i].addr + parts[i].bytes < parts[i].addr)
			return EFAULT;
		for (; done < parts[i].bytes; done += n) {
			n = read_piece(target->core, parts[i].addr + done,
				       (char *)parts[i].to + done, parts[i].bytes - done);
			if (n == 0)
				return EFAULT;
		}
	}
	return 0;
}

/* Holes of the file are zeroes, and no words to look at; so is what the core leaves out. */
static bool core_present(struct target *target, uint64_t addr, uint64_t end, uint64_t *from,
			 uint64_t *to)
{
	const struct target_core *core = target->core;
	const struct core_segment *segment = find_segment(core, addr);
	off_t data, hole;
	uint64_t place, last;

	if (!segment || addr - segment->start >= segment->there)
		return false;
	place = segment->offset + (addr - segment->start);
	last = segment->offset + segment->there;
	if (end - segment->start < segment->there)
		last = segment->offset + (end - segment->start);
	data = lseek(core->fd, (off_t)place, SEEK_DATA);
	if (data < 0 && errno == EINVAL) /* a file system that knows no holes */
		data = (off_t)place;
	if (data < 0 || (uint64_t)data >= last)
		return false;
	hole = lseek(core->fd, data, SEEK_HOLE);
	*from = addr + ((uint64_t)data - place);
	*to = addr + ((hole > data && (uint64_t)hole < last ? (uint64_t)hole : last) - place);
	return true;
}

uint64_t target_core_bytes(const struct target *target)
{
	return target->core->file_bytes;
}

const struct core_notes *target_core_notes(const struct target *target)
{
	return &target->core->notes;
}

static bool core_alive(struct target *target)
{
	(void)target;
	return true;
}

static int compare_starts(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return a < b ? -1 : a > b;
}

static void take_segment(struct target *target, const Elf64_Phdr *header)
{
	struct target_core *core = target->core;
	struct core_segment *segment = &core->segment[core->segments];
	uint64_t there = header->p_filesz < header->p_memsz ? header->p_filesz : header->p_memsz;
	uint64_t left =
	    header->p_offset < core->file_bytes ? core->file_bytes - header->p_offset : 0;

	if (header->p_memsz == 0 || header->p_vaddr + header->p_memsz < header->p_vaddr)
		return;
	if (there > left) {
		target->truncated_bytes += there - left;
		there = left;
	}
	*segment = (struct core_segment){ header->p_vaddr, header->p_memsz, header->p_offset,
					  there };
	target->mappings[target->mapping_count++] = (struct target_mapping){
		.start = header->p_vaddr,
		.end = header->p_vaddr + header->p_memsz,
		.readable = header->p_flags & PF_R,
		.writable = header->p_flags & PF_W,
		.anonymous = true,
	};
	core->segments++;
}

/* What is mapped from a file says so; gcore leaves segments out that only NT_FILE still tells. */
static void match_files(struct target *target)
{
	const struct target_core *core = target->core;
	size_t from_segments = target->mapping_count;

	for (size_t i = 0; i < from_segments; i++) {
		struct target_mapping *mapping = &target->mappings[i];
		const struct core_file *file = find_file(core, mapping->start);

		if (file && mapping->start < file->end) {
			mapping->anonymous = false;
			mapping->offset = file->offset + (mapping->start - file->start);
		}
	}
	for (size_t i = 0; i < core->notes.files; i++) {
		const struct core_file *file = &core->notes.file[i];
		const struct core_segment *segment = find_segment(core, file->start);

		if (!segment || file->start - segment->start >= segment->bytes)
			target->mappings[target->mapping_count++] =
			    (struct target_mapping){ .start = file->start,
						     .end = file->end,
						     .offset = file->offset,
						     .readable = true };
	}
}

static int take_headers(struct target *target, const Elf64_Ehdr *elf, uint64_t count)
{
	struct target_core *core = target->core;
	Elf64_Phdr *header = malloc(count * sizeof *header + 1);
	struct target_mapping *more;
	int error = 0;

	core->segment = calloc(count + 1, sizeof *core->segment);
	target->mappings = calloc(count + 1, sizeof *target->mappings);
	if (!header || !core->segment || !target->mappings)
		error = ENOMEM;
	else if (!read_at(core->fd, elf->e_phoff, header, count * sizeof *header))
		error = EBADMSG;
	for (uint64_t i = 0; !error && i < count; i++) {
		if (header[i].p_type == PT_LOAD)
			take_segment(target, &header[i]);
		else if (header[i].p_type == PT_NOTE && !core->notes.text &&
			 header[i].p_filesz <= NOTES_MAX_BYTES) {
			char *text = malloc(header[i].p_filesz + 1);

			if (text && !read_at(core->fd, header[i].p_offset, text,
					     header[i].p_filesz)) {
				free(text);
				text = NULL;
			}
			if (text)
				core_notes_take(&core->notes, text, header[i].p_filesz);
		}
	}
	free(header);
	if (error)
		return error;
	target->pid = core->notes.pid;
	if (core->segments)
		qsort(core->segment, core->segments, sizeof *core->segment, compare_starts);
	more = realloc(target->mappings,
		       (target->mapping_count + core->notes.files + 1) * sizeof *more);
	if (!more)
		return ENOMEM;
	target->mappings = more;
	match_files(target);
	return 0;
}

/* Number of program headers; more than 65,534 are counted in the first section header. */
static uint64_t header_count(const struct target_core *core, const Elf64_Ehdr *elf)
{
	Elf64_Shdr section;
	uint64_t count = elf->e_phnum;

	if (count == PN_XNUM) {
		if (!read_at(core->fd, elf->e_shoff, &section, sizeof section))
			return 0;
		count = section.sh_info;
	}
	return count <= HEADERS_MAX && count <= core->file_bytes / sizeof(Elf64_Phdr) ? count : 0;
}

enum fault_code target_open_core(struct target *target, int fd, const char *path,
				 struct fault *fault)
{
	Elf64_Ehdr elf = { .e_machine = EM_NONE };
	struct stat st;
	uint64_t count = 0;
	int error = 0;

	*target = (struct target){ .read = core_read,
				   .alive = core_alive,
				   .present = core_present,
				   .source = "core",
				   .mem_fd = -1,
				   .proc_fd = -1,
				   .core = calloc(1, sizeof *target->core) };
	snprintf(target->label, sizeof target->label, "core file %.200s", path);
	if (!target->core) {
		close(fd);
		return fault_set(fault, FAULT_PARTIAL, "out of memory.");
	}
	*target->core = (struct target_core){ .fd = fd, .disk_fd = -1 };
	if (fstat(fd, &st) == 0 && st.st_size > 0)
		target->core->file_bytes = (uint64_t)st.st_size;
	if (read_at(fd, 0, &elf, sizeof elf) && elf.e_ident[EI_CLASS] == ELFCLASS64 &&
	    elf.e_ident[EI_DATA] == ELFDATA2LSB && elf.e_phentsize == sizeof(Elf64_Phdr))
		count = header_count(target->core, &elf);
	target->foreign = elf.e_machine != CORE_NOTES_MACHINE && elf.e_machine != EM_NONE;
	error = count > 0 ? take_headers(target, &elf, count) : EBADMSG;
	if (!error)
		return FAULT_NONE;
	target_close_core(target);
	return fault_set(fault, error == ENOMEM ? FAULT_PARTIAL : FAULT_LAYOUT,
			 error == ENOMEM
			     ? "%.200s needs more memory than there is."
			     : "%.200s is a core file whose headers are damaged or of another "
			       "kind of machine: read it where it was written.",
			 path);
}

void target_close_core(struct target *target)
{
	struct target_core *core = target->core;

	close(core->fd);
	if (core->image)
		munmap((void *)(uintptr_t)core->image, core->file_bytes);
	if (core->disk_fd >= 0)
		close(core->disk_fd);
	free(core->segment);
	core_notes_free(&core->notes);
	free(core);
	free(target->mappings);
}
