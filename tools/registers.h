/*
 * registers.h - what the threads of a target hold in registers                           Floor t3
 */
#ifndef SLABSTAT_REGISTERS_H
#define SLABSTAT_REGISTERS_H

#include "tools/target.h"

struct registers {
	uint64_t *word;
	size_t words, word_room;
	uint64_t *stack; /* a stack pointer for each thread that told it */
	size_t stacks, stack_room;
	uint64_t random; /* an address in the first thread's stack; 0: unknown */
};

/* Those that a core has. Return: 0 or ENOMEM. registers_free() in each case. */
int registers_take(struct registers *registers, const struct target *core);

void registers_free(struct registers *registers);

#endif
