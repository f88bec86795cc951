/*
 * snapshot.h - figures out of the JSON that report_json() has written                    Floor t9
 */
#ifndef SLABSTAT_SNAPSHOT_H
#define SLABSTAT_SNAPSHOT_H

#include "tools/figures.h"

/*
 * Reads one document and closes fd; path is for the sentence. Return: 0, or the code of the fault
 * noted; then there are no figures (roots is 0).
 */
enum fault_code snapshot_read(struct figures *figures, int fd, const char *path,
			      struct fault *fault);

/*
 * The same of a text in memory. time_ms: gets when it was made, in milliseconds since 1970; 0 if
 * that is not told. May be NULL.
 */
enum fault_code snapshot_parse(struct figures *figures, const char *text, size_t bytes,
			       uint64_t *time_ms, const char *path, struct fault *fault);

/* Everything up to the end of a file, within bounds. Return: to be freed; NULL with an errno. */
char *snapshot_text(int fd, size_t *bytes);

#endif
