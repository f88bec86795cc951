/*
 * verbs.h - verbs that read once and print                                              Floor t11
 */
#ifndef SLABSTAT_VERBS_H
#define SLABSTAT_VERBS_H

#include "tools/options.h"

/* Each: 0, or the code of the fault noted. */
enum fault_code verb_table(const struct options *options, struct fault *fault); /* and snapshot */
enum fault_code verb_full(const struct options *options, struct fault *fault);
enum fault_code verb_diff(const struct options *options, struct fault *fault);
enum fault_code verb_map(const struct options *options, struct fault *fault);
enum fault_code verb_inside(const struct options *options, struct fault *fault);
enum fault_code verb_users(const struct options *options, struct fault *fault);
enum fault_code verb_leaks(const struct options *options, struct fault *fault);

#endif
