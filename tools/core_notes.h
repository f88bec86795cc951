/*
 * core_notes.h - what the notes of a core file tell                                      Floor t1
 */
#ifndef SLABSTAT_CORE_NOTES_H
#define SLABSTAT_CORE_NOTES_H

#include <stddef.h>
#include <stdint.h>

/* A file that was mapped, and what of it. */
struct core_file {
	uint64_t start, end, offset;
	const char *path;
};

/* Registers of one kind of one thread: words at any place in the text. */
struct core_registers {
	const char *at;
	uint64_t bytes;
	uint64_t stack; /* the stack pointer; 0: not among these */
};

struct core_notes {
	char *text;             /* the notes themselves; what is below points into them */
	struct core_file *file; /* by address */
	size_t files;
	struct core_registers *registers;
	size_t register_sets, register_room;
	uint64_t random; /* an address in the first thread's stack (AT_RANDOM); 0: not told */
	int pid;         /* 0: not told */
};

/* Takes the text (from malloc) over. Nothing in it is believed that it does not hold. */
void core_notes_take(struct core_notes *notes, char *text, uint64_t bytes);
void core_notes_free(struct core_notes *notes);

/* AT_RANDOM of an auxiliary vector, or 0. */
uint64_t core_notes_random(const void *auxv, uint64_t bytes);

/* This kind of machine, and where the stack pointer is among its general registers, in words. */
#if defined(__x86_64__)
#define CORE_NOTES_MACHINE    EM_X86_64
#define CORE_NOTES_STACK_WORD 19
#else
#define CORE_NOTES_MACHINE    EM_AARCH64
#define CORE_NOTES_STACK_WORD 31
#endif
#define CORE_NOTES_PRSTATUS_PID  32  /* offsets in struct elf_prstatus */
#define CORE_NOTES_PRSTATUS_REGS 112

#endif
