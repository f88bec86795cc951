/*
 * core_notes.c - what the notes of a core file tell                                      Floor t1
 *
 * Called by target_core.c. Which files were mapped where, the registers of each thread, the PID.
 */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "tools/core_notes.h"

#define PATH_MAX_BYTES 4096
#define PAGE_MAX_BYTES ((uint64_t)1 << 20)
#define PRPSINFO_PID   24
#define SETS_MAX       ((size_t)1 << 20) /* register sets; three a thread */

static int compare_starts(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return a < b ? -1 : a > b;
}

/* NT_FILE: count, page size, then start, end, offset in pages of each, then the paths. */
static void take_files(struct core_notes *notes, const char *body, uint64_t bytes)
{
	uint64_t head[2], entry[3], count;
	const char *path;

	if (notes->file || bytes < sizeof head)
		return;
	memcpy(head, body, sizeof head);
	count = head[0];
	if (head[1] == 0 || head[1] > PAGE_MAX_BYTES ||
	    count > (bytes - sizeof head) / (sizeof entry + 1))
		return;
	notes->file = calloc(count + 1, sizeof *notes->file);
	path = body + sizeof head + count * sizeof entry;
	for (uint64_t i = 0; notes->file && i < count; i++) {
		const char *end = memchr(path, '\0', (size_t)(body + bytes - path));

		memcpy(entry, body + sizeof head + i * sizeof entry, sizeof entry);
		if (!end)
			break;
		if (entry[0] < entry[1] && entry[2] < UINT64_MAX / head[1] && end > path &&
		    end - path < PATH_MAX_BYTES)
			notes->file[notes->files++] =
			    (struct core_file){ entry[0], entry[1], entry[2] * head[1], path };
		path = end + 1;
	}
	if (notes->files)
		qsort(notes->file, notes->files, sizeof *notes->file, compare_starts);
}

static void add_registers(struct core_notes *notes, const char *at, uint64_t bytes, uint64_t stack)
{
	if (notes->register_sets == notes->register_room) {
		size_t room = notes->register_room ? 2 * notes->register_room : 64;
		struct core_registers *more =
		    room <= SETS_MAX ? realloc(notes->registers, room * sizeof *more) : NULL;

		if (!more)
			return;
		notes->registers = more;
		notes->register_room = room;
	}
	notes->registers[notes->register_sets++] = (struct core_registers){ at, bytes, stack };
}

/* One for each thread; the PID in the first is that of the thread which died. */
static void take_prstatus(struct core_notes *notes, const char *body, uint64_t bytes)
{
	uint64_t stack_at =
	    CORE_NOTES_PRSTATUS_REGS + CORE_NOTES_STACK_WORD * sizeof(uint64_t), stack;

	if (notes->pid == 0 && bytes >= CORE_NOTES_PRSTATUS_PID + sizeof(int))
		memcpy(&notes->pid, body + CORE_NOTES_PRSTATUS_PID, sizeof(int));
	if (bytes < stack_at + sizeof stack)
		return;
	memcpy(&stack, body + stack_at, sizeof stack);
	add_registers(notes, body + CORE_NOTES_PRSTATUS_REGS, bytes - CORE_NOTES_PRSTATUS_REGS,
		      stack);
}

uint64_t core_notes_random(const void *auxv, uint64_t bytes)
{
	uint64_t pair[2];

	for (uint64_t at = 0; at + sizeof pair <= bytes; at += sizeof pair) {
		memcpy(pair, (const char *)auxv + at, sizeof pair);
		if (pair[0] == AT_RANDOM)
			return pair[1];
	}
	return 0;
}

void core_notes_take(struct core_notes *notes, char *text, uint64_t bytes)
{
	uint64_t at = 0;

	*notes = (struct core_notes){ .text = text };
	while (bytes - at >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr note;
		uint64_t start, end;
		const char *body;

		memcpy(&note, text + at, sizeof note);
		start = at + sizeof note + (((uint64_t)note.n_namesz + 3) & ~(uint64_t)3);
		end = start + (((uint64_t)note.n_descsz + 3) & ~(uint64_t)3);
		if (end > bytes)
			return;
		body = text + start;
		if (note.n_type == NT_FILE)
			take_files(notes, body, note.n_descsz);
		else if (note.n_type == NT_PRSTATUS)
			take_prstatus(notes, body, note.n_descsz);
		else if (note.n_type == NT_FPREGSET || note.n_type == NT_X86_XSTATE)
			add_registers(notes, body, note.n_descsz, 0);
		else if (note.n_type == NT_AUXV)
			notes->random = core_notes_random(body, note.n_descsz);
		else if (note.n_type == NT_PRPSINFO && note.n_descsz >= PRPSINFO_PID + sizeof(int))
			memcpy(&notes->pid, body + PRPSINFO_PID, sizeof(int));
		at = end;
	}
}

void core_notes_free(struct core_notes *notes)
{
	free(notes->file);
	free(notes->registers);
	free(notes->text);
}
