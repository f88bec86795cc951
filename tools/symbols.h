/*
 * symbols.h - names for addresses of code                                                Floor t3
 */
#ifndef SLABSTAT_SYMBOLS_H
#define SLABSTAT_SYMBOLS_H

#include "tools/symbols_dwfl.h"
#include "tools/target.h"

#define SYMBOLS_TEXT_BYTES 400

struct symbols {
	struct symbols_module *module; /* by address */
	size_t modules, room;
	int pid;          /* a task of a live target: its files are seen as it does; else 0 */
	int helper;       /* the process that reads debug information; 0: none */
	int ask, answer;  /* pipes to and from it */
};

/* What is known of the modules of a target; live: where a copy is looked at, the process. */
void symbols_open(struct symbols *symbols, const struct target *target);

/* "function+0x12 (file.c:34) [module+0x5678]", or as much of it as is known. Return: to. */
char *symbols_name(struct symbols *symbols, uint64_t addr, char to[SYMBOLS_TEXT_BYTES]);

void symbols_close(struct symbols *symbols);

/* "elfutils 0.188", or NULL: built without. */
const char *symbols_library(void);

#endif
