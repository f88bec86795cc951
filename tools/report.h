/*
 * report.h - forms of output                                                             Floor t8
 *
 * A report sorts the rows as it needs them and prints; it reads nothing from the target.
 */
#ifndef SLABSTAT_REPORT_H
#define SLABSTAT_REPORT_H

#include <stdio.h>

#include "tools/figures.h"

#define REPORT_SORTS        "abcklmnosu" /* the columns of report_table(), by letter; see --help */
#define REPORT_SORT_DEFAULT 'c'

/* Totals in the manner of slabtop, then a line per cache; caches without a slab only if all. */
void report_table(FILE *out, struct figures *figures, char sort, bool all);

/* One JSON object with every cache, by root and id. */
void report_json(FILE *out, struct figures *figures);

/* Text exposition; a series per cache only if asked for, caches of one name as one. */
void report_prometheus(FILE *out, const struct figures *figures, bool per_cache);
void report_csv(FILE *out, const struct figures *figures);
void report_slabinfo(FILE *out, const struct figures *figures); /* as /proc/slabinfo 2.1 */
void report_umastat(FILE *out, const struct figures *figures);  /* as mdb's ::umastat */

#endif
