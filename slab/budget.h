/*
 * budget.h - what a slot may park, within its thread's budget                            Floor 8
 */
#ifndef SLAB_BUDGET_H
#define SLAB_BUDGET_H

#include "slab/layout.h"

/* Objects in a magazine to begin with: contention makes them more, what a thread may pin fewer.
 * 0: no magazines. */
uint32_t slab_budget_cap(const struct slab_geometry *geo, bool by_size);

/*
 * What slot s may park now. One exchange of eight reckons it, or one at which it no longer holds:
 * that charges the slot, and when the budget is used up, idle slots of the thread close and large
 * ones shrink. The caller holds the thread's lock.
 */
struct slab_grant slab_budget_grant(struct slab_thread *t, struct slab_cache *c,
                                    struct slab__slot *s, struct slab_list *empties);

#endif
