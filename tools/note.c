/*
 * note.c - finds the library's roots in a target                                         Floor t3
 *
 * Called by figures.c, each.c and leaks.c. An ELF file is mapped with its header first, so whatever
 * mapping begins with ELF's magic is looked at, in the target's memory and not on disk: stripped,
 * static, relocated and deleted files are all alike. Program headers lead to the notes; the body of
 * the library's note is the distance from itself to slab_root. A file that is mapped only to be
 * read has notes as well, but no root at that distance, and is passed over.
 */
#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "slab/layout.h"
#include "tools/note.h"

#define NOTE_OWNER      "Slab"
#define NOTE_TYPE       0x534c
#define HEADERS_MAX     1024                 /* program headers; the kernel takes 1170 */
#define NOTES_MAX_BYTES ((uint64_t)64 << 10) /* of one PT_NOTE */
#define ROOT_MAX_BYTES  ((uint32_t)16 << 20)

static uint64_t align_up(uint64_t value, uint64_t align)
{
	return (value + align - 1) & ~(align - 1);
}

/* Takes a root if what lies at addr says that it is one, and is not known yet. */
static void take_root(struct target *target, uint64_t addr, struct note_roots *roots)
{
	unsigned char prefix[offsetof(struct slab_root, constant_count) + sizeof(uint32_t)] = { 0 };
	uint64_t magic, self;
	uint32_t bytes;

	if (addr % sizeof(uint64_t) != 0 || target_read(target, addr, prefix, sizeof prefix) != 0)
		return;
	memcpy(&magic, prefix + offsetof(struct slab_root, magic), sizeof magic);
	memcpy(&self, prefix + offsetof(struct slab_root, self), sizeof self);
	memcpy(&bytes, prefix + offsetof(struct slab_root, root_bytes), sizeof bytes);
	if (self != addr || bytes < sizeof prefix || bytes > ROOT_MAX_BYTES)
		return;
	if (magic != SLAB_MAGIC) {
		roots->unused += magic == 0;
		return;
	}
	for (size_t i = 0; i < roots->count; i++)
		if (roots->addr[i] == addr)
			return;
	if (roots->count < NOTE_ROOTS_MAX)
		roots->addr[roots->count++] = addr;
}

/* Goes through the notes of one segment that lies at addr in the target. */
static void search_notes(struct target *target, uint64_t addr, const unsigned char *notes,
			 uint64_t bytes, uint64_t align, struct note_roots *roots)
{
	uint64_t at = 0;

	while (at < bytes && bytes - at >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr note;
		uint64_t body, next;

		memcpy(&note, notes + at, sizeof note);
		body = align_up(at + sizeof note + note.n_namesz, align);
		next = align_up(body + note.n_descsz, align);
		if (next > align_up(bytes, align) || body + note.n_descsz > bytes)
			return;
		if (note.n_type == NOTE_TYPE && note.n_namesz == sizeof NOTE_OWNER &&
		    memcmp(notes + at + sizeof note, NOTE_OWNER, sizeof NOTE_OWNER) == 0 &&
		    note.n_descsz >= sizeof(uint64_t)) {
			uint64_t distance; /* signed; adding wraps as it must */

			memcpy(&distance, notes + body, sizeof distance);
			take_root(target, addr + body + distance, roots);
		}
		at = next;
	}
}

static void search_segment(struct target *target, const Elf64_Phdr *segment, uint64_t bias,
			   struct note_roots *roots)
{
	uint64_t align = segment->p_align == 8 ? 8 : 4, addr = bias + segment->p_vaddr;
	unsigned char *notes;

	if (segment->p_memsz < sizeof(Elf64_Nhdr) || segment->p_memsz > NOTES_MAX_BYTES)
		return;
	notes = malloc(segment->p_memsz);
	if (notes && target_read(target, addr, notes, segment->p_memsz) == 0)
		search_notes(target, addr, notes, segment->p_memsz, align, roots);
	free(notes);
}

/* What the file's addresses are moved by: the header is the start of the segment of offset 0. */
static bool load_bias(const Elf64_Phdr *headers, size_t count, uint64_t start, uint64_t *bias)
{
	for (size_t i = 0; i < count; i++) {
		if (headers[i].p_type == PT_LOAD && headers[i].p_offset == 0) {
			*bias = start - headers[i].p_vaddr;
			return true;
		}
	}
	return false;
}

static bool is_elf(const Elf64_Ehdr *header)
{
	return memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 &&
	       header->e_ident[EI_CLASS] == ELFCLASS64 && header->e_ident[EI_DATA] == ELFDATA2LSB &&
	       (header->e_type == ET_EXEC || header->e_type == ET_DYN) &&
	       header->e_phentsize == sizeof(Elf64_Phdr) && header->e_phnum <= HEADERS_MAX;
}

static void search_mapping(struct target *target, uint64_t start, struct note_roots *roots)
{
	Elf64_Ehdr header;
	Elf64_Phdr *segments;
	uint64_t bias;

	if (target_read(target, start, &header, sizeof header) != 0 || !is_elf(&header))
		return;
	segments = calloc(header.e_phnum + 1u, sizeof *segments);
	if (segments &&
	    target_read(target, start + header.e_phoff, segments,
			header.e_phnum * sizeof *segments) == 0 &&
	    load_bias(segments, header.e_phnum, start, &bias))
		for (size_t i = 0; i < header.e_phnum; i++)
			if (segments[i].p_type == PT_NOTE)
				search_segment(target, &segments[i], bias, roots);
	free(segments);
}

/*
 * Memory without a file may hold a header as well, as an unpacker leaves it, but then for reading
 * only; the rest are heaps, stacks and slabs, thousands at times, and not to be touched.
 */
static bool may_begin_with_header(const struct target_mapping *mapping)
{
	return mapping->readable && !mapping->device && mapping->offset == 0 &&
	       !(mapping->anonymous && mapping->writable);
}

enum fault_code note_find(struct target *target, struct note_roots *roots, struct fault *fault)
{
	memset(roots, 0, sizeof *roots);
	for (size_t i = 0; i < target->mapping_count; i++) {
		const struct target_mapping *mapping = &target->mappings[i];

		if (may_begin_with_header(mapping))
			search_mapping(target, mapping->start, roots);
	}
	if (roots->count > 0)
		return FAULT_NONE;
	if (!target->alive(target))
		return fault_set(fault, FAULT_PARTIAL, "%s ended before it could be read.",
				 target->label);
	if (target->truncated_bytes > 0) /* what is missing may be where the library is */
		return fault_set(fault, FAULT_PARTIAL,
				 "%s is truncated, %" PRIu64 " bytes are missing, and slab is not "
				 "in what is there: have it written anew, with room on the disk "
				 "and without a limit (ulimit -c).",
				 target->label, target->truncated_bytes);
	if (roots->unused > 0)
		return fault_set(
		    fault, FAULT_FOREIGN,
		    "%s embeds slab but has not used it yet: try again once it "
		    "has made a cache.",
		    target->label);
	return fault_set(
	    fault, FAULT_FOREIGN,
	    "%s does not embed slab: run slabstat without a target to list those "
	    "that do.",
	    target->label);
}
