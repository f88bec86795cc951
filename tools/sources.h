/*
 * sources.h - what a TARGET on the command line stands for                              Floor t10
 */
#ifndef SLABSTAT_SOURCES_H
#define SLABSTAT_SOURCES_H

#include "tools/figures.h"

enum source_kind { SOURCE_NONE, SOURCE_LIVE, SOURCE_CORE, SOURCE_SNAPSHOT };

struct source {
	enum source_kind kind;
	struct target target;   /* a process or a core */
	bool was_read;          /* a process: once at least, so what is known of it may be old */
	struct figures figures; /* of a snapshot */
	char label[240];        /* for sentences */
};

/* Opens a PID, a core file, a snapshot or "-". Return: 0, or the code of the fault noted. */
enum fault_code source_open(struct source *source, const char *word, struct fault *fault);

/* The same, for verbs that need memory: a snapshot is refused. */
enum fault_code source_open_memory(struct source *source, const char *word, struct fault *fault);

/*
 * Reads the figures, of a process anew each time; of a snapshot once. figures_free() in each case.
 * Return: 0, or the code of the fault noted; figures->roots is 0 then if there are none.
 */
enum fault_code source_figures(struct source *source, struct figures *figures, struct fault *fault);

void source_close(struct source *source);

#endif
