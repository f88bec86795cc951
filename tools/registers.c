/*
 * registers.c - what the threads of a target hold in registers                           Floor t3
 *
 * Called by leaks.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/core_notes.h"
#include "tools/registers.h"

static int add(uint64_t **array, size_t *count, size_t *room, uint64_t value)
{
	if (*count == *room) {
		size_t wanted = *room ? 2 * *room : 64;
		uint64_t *more = realloc(*array, wanted * sizeof *more);

		if (!more)
			return ENOMEM;
		*array = more;
		*room = wanted;
	}
	(*array)[(*count)++] = value;
	return 0;
}

int registers_take(struct registers *registers, const struct target *core)
{
	const struct core_notes *notes = target_core_notes(core);
	int error = 0;

	*registers = (struct registers){ .random = notes->random };
	for (size_t i = 0; i < notes->register_sets && !error; i++) {
		const struct core_registers *set = &notes->registers[i];
		uint64_t word;

		if (set->stack)
			error = add(&registers->stack, &registers->stacks, &registers->stack_room,
				    set->stack);
		for (uint64_t at = 0; at + sizeof word <= set->bytes && !error;
		     at += sizeof word) {
			memcpy(&word, set->at + at, sizeof word);
			error = add(&registers->word, &registers->words, &registers->word_room,
				    word);
		}
	}
	return error;
}

void registers_free(struct registers *registers)
{
	free(registers->word);
	free(registers->stack);
}
