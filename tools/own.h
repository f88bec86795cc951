/*
 * own.h - memory that is the library's own                                               Floor t6
 *
 * Who looks for what the program still holds must leave it out: magazines keep entries of objects
 * that are live elsewhere, spans the addresses of their slabs.
 */
#ifndef SLABSTAT_OWN_H
#define SLABSTAT_OWN_H

#include "tools/walk.h"

struct own_range {
	uint64_t start, end;
};

struct own {
	struct own_range *range;
	size_t count, room;
	uint64_t *word; /* what the program gave the library to keep for it: contexts */
	size_t words, word_room;
};

/*
 * Adds what belongs to one root, after walk_take(). Return: 0; EBADMSG: a list is damaged; ENOMEM;
 * ENOTSUP: the library is too old; or the errno of a read. own_free() in each case.
 */
int own_add(struct own *own, struct walk *walk);

/* Puts the ranges in order, none meeting another. */
void own_sort(struct own *own);

void own_free(struct own *own);

#endif
