/*
 * reach.h - which objects can be reached                                                 Floor t8
 */
#ifndef SLABSTAT_REACH_H
#define SLABSTAT_REACH_H

#include "tools/objects.h"
#include "tools/own.h"
#include "tools/progress.h"
#include "tools/registers.h"

struct reach {
	struct target *target;
	const struct objects *objects;
	uint64_t *seen; /* a bit for each slot: something reaches it */
	uint64_t *done; /* and what it contains has been followed */
	struct objects_slot *stack; /* seen and not done, as many as fit */
	size_t stacked;
	bool overflowed;       /* some did not fit: they are found by their bits */
	bool mapped;           /* reading costs nothing; else pages are kept */
	struct reach_page *page;
	unsigned char *buffer;
	uint64_t all_bytes;    /* that there may be to look at */
	uint64_t looked_bytes, looks;
	uint64_t bytes_left;   /* a core cannot hold more to look at than this */
	uint64_t unread_bytes; /* of objects */
	struct progress progress;
};

/* Return: 0 or ENOMEM. reach_free() in each case. */
int reach_begin(struct reach *reach, struct target *target, const struct objects *objects);
void reach_free(struct reach *reach);

/*
 * Marks every object that a word of the program's memory, of a register or of an object that is
 * reached itself points into. exact: stacks end at the stack pointers.
 */
void reach_mark(struct reach *reach, const struct own *own, const struct registers *registers,
		bool exact);

/* Marks in held (a bit for each slot) what those objects point to that are live and not reached. */
void reach_among_leaked(struct reach *reach, uint64_t *held);

static inline bool reach_leaked(const struct reach *reach, uint64_t slot)
{
	return objects_bit(reach->objects->live, slot) && !objects_bit(reach->seen, slot);
}

#endif
