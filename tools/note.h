/*
 * note.h - finds the library's roots in a target                                         Floor t3
 */
#ifndef SLABSTAT_NOTE_H
#define SLABSTAT_NOTE_H

#include <stddef.h>
#include <stdint.h>

#include "tools/target.h"

#define NOTE_ROOTS_MAX 16 /* copies of the library in one process: the program's, plugins' */

struct note_roots {
	uint64_t addr[NOTE_ROOTS_MAX];
	size_t count;
	size_t unused; /* roots of a library that has not been called yet */
};

/*
 * Looks at every mapping for the library's ELF note. Return: 0, or the code of the fault noted:
 * FAULT_FOREIGN without a usable root, FAULT_PARTIAL when the target ended.
 */
enum fault_code note_find(struct target *target, struct note_roots *roots, struct fault *fault);

#endif
