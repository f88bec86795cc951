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

#endif
