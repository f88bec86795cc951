/*
 * top_detail.h - one cache opened                                                       Floor t10
 */
#ifndef SLABSTAT_TOP_DETAIL_H
#define SLABSTAT_TOP_DETAIL_H

#include "tools/top_model.h"

/*
 * The text of report_full() for a row of the model, read now; without what lies in memory when
 * that cannot be read. Return: to be freed, or NULL.
 */
char *top_detail_text(struct target *target, const struct top_model *model,
		      const struct top_row *row);

#endif
