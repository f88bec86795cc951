/*
 * symbols_dwfl.h - names for addresses by libdwfl, in a child of its own                 Floor t2
 */
#ifndef SLABSTAT_SYMBOLS_DWFL_H
#define SLABSTAT_SYMBOLS_DWFL_H

#include <stddef.h>
#include <stdint.h>

#define SYMBOLS_DWFL_BYTES 256 /* of an answer; a pipe hands so few over at once */

struct symbols_module {
	uint64_t start, end, offset;
	char *path;
};

/*
 * Reads addresses and writes answers until the pipe is closed. pid: of the process whose files
 * these are, as it sees them; 0: ours.
 */
void symbols_dwfl_serve(const struct symbols_module *module, size_t modules, int pid, int ask,
			int answer);

/* NULL: built without libdwfl. */
const char *symbols_dwfl_version(void);

#endif
