/*
 * runs.h - for tests of what is kept of freed large blocks
 */
#ifndef TEST_RUNS_H
#define TEST_RUNS_H

#include "test/unit.h"
#include "slab/list.h"
#include "slab/map.h"

#define K 1024
#define M (1024 * K)

/* Before and after each test. */
static inline void keep_nothing(void)
{
	slab_reap();
	slab_root.recent_doubled = 0; /* as in a new process */
	slab_root.recent_gone_bytes = slab_root.recent_missed_bytes = 0;
	cr_assert_eq(slab_root.recent_count, 0);
	cr_assert_eq(slab_root.recent_bytes, 0);
}

/* The sums are those of the list, and no two runs overlap. */
static inline void is_sound(void)
{
	uint64_t bytes = 0, count = 0;
	struct slab_list *pos, *other;

	slab_list_for_each(pos, &slab_root.recent) {
		struct slab_span *span = slab_container(pos, struct slab_span, all_link);

		bytes += span->bytes;
		count++;
		cr_assert_eq(span->base % SLAB_GRANULE_BYTES, 0);
		cr_assert_eq(slab_map_order1((void *)span->base), 0);
		slab_list_for_each(other, &slab_root.recent) {
			struct slab_span *o = slab_container(other, struct slab_span, all_link);

			cr_assert(o == span || o->base + o->bytes <= span->base ||
			          span->base + span->bytes <= o->base);
		}
	}
	cr_assert_eq(bytes, slab_root.recent_bytes);
	cr_assert_eq(count, slab_root.recent_count);
}

#endif
