/*
 * report.h - forms of output                                                             Floor t8
 *
 * A report sorts the rows as it needs them and prints; it reads nothing from the target.
 */
#ifndef SLABSTAT_REPORT_H
#define SLABSTAT_REPORT_H

#include <stdio.h>

#include "tools/figures.h"

#define REPORT_SORTS        "abcklmnostuw" /* columns of report_table(), by letter; see --help */
#define REPORT_SORT_DEFAULT 'c'

#define REPORT_COLUMNS    10 /* of a table: all but the name, which comes last and needs no width */
#define REPORT_CELL_BYTES 32

extern const char *const report_headings[REPORT_COLUMNS];

/* One cache's cells. */
void report_cells(char cell[REPORT_COLUMNS][REPORT_CELL_BYTES],
		  const struct slab_cache_stats *stats);

/* What a row is ordered by, the largest first; a letter of REPORT_SORTS but n. */
uint64_t report_sort_key(const struct slab_cache_stats *stats, char sort);

/* Totals in the manner of slabtop, then a line per cache; caches without a slab only if all. */
void report_table(FILE *out, struct figures *figures, char sort, bool all);

/*
 * One JSON object with every cache, by root and id. one_line: no line breaks but at its end;
 * time_ms: since 1970, 0: not told.
 */
void report_json(FILE *out, struct figures *figures, bool one_line, uint64_t time_ms);

/* Its beginning up to "consistent", and one cache of it, both without the closing brace. */
void report_json_head(FILE *out, const struct figures *figures, uint64_t time_ms);
void report_json_cache(FILE *out, const struct figures_row *row, bool with_root);

/* Text exposition; a series per cache only if asked for, caches of one name as one. */
void report_prometheus(FILE *out, const struct figures *figures, bool per_cache);
void report_csv(FILE *out, const struct figures *figures, bool heads);
void report_slabinfo(FILE *out, const struct figures *figures); /* as /proc/slabinfo 2.1 */
void report_umastat(FILE *out, const struct figures *figures);  /* as mdb's ::umastat */

struct detail;
struct diff;

/* One cache: every attribute, in the manner of slabinfo -r. detail NULL: a snapshot's figures. */
void report_full(FILE *out, const struct figures *figures, const struct figures_row *row,
		 const struct detail *detail);
/* What is known from slabs, as members of a JSON object; begins with a comma. */
void report_full_json(FILE *out, const struct detail *detail);

/* Growth per cache in the order of the diff; all: caches that did not change as well. */
void report_diff(FILE *out, const struct diff *diff, bool all);
void report_diff_json(FILE *out, const struct diff *diff);
void report_diff_csv(FILE *out, const struct diff *diff);

#endif
