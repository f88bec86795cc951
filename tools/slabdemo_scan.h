/*
 * slabdemo_scan.h - from folders to words                                                Floor t2
 */
#ifndef SLABDEMO_SCAN_H
#define SLABDEMO_SCAN_H

#include <signal.h>

#include "tools/slabdemo_index.h"

struct scan {
	struct index *index;
	volatile sig_atomic_t *stop; /* non-zero: leave at the next block */
	void (*progress)(const struct scan *s, void *ctx); /* called after each file */
	void *ctx;

	/* results */
	uint64_t total_bytes;  /* of all files found, before the first is read */
	uint64_t bytes;        /* of these, passed by now */
	uint64_t binary_files; /* not indexed: a zero byte in the first block */
	uint64_t unreadable;   /* files and folders */
	uint64_t scanners_made, scanners_unmade; /* runs of the constructor, of the destructor */
};

/*
 * Index every text file under @paths (ends in NULL). Hidden files and symbolic links below them
 * are passed over. What cannot be read is counted, the first told on standard error.
 * Return: false with errno when memory is short.
 */
bool scan_paths(struct scan *s, char *const *paths, bool on_malloc);

#endif
