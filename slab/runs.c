/*
 * runs.c - whether what is known of large blocks is consistent                           Floor 5
 *
 * Called by verify.c. A list is followed as long as each link leads to a descriptor and back; so
 * one that goes round ends, and nothing is read from where a wild pointer leads.
 */
#include "slab/runs.h"
#include "slab/bitmap.h"
#include "slab/check.h"
#include "slab/fallow.h"
#include "slab/list.h"
#include "slab/map.h"
#include "slab/meta.h"
#include "slab/span.h"

enum kind { LIVE, KEPT, FALLOW };

struct check {
	const struct slab_runs_judge *judge;
	enum kind kind;
	uint64_t bytes, count; /* of the kind, by walking */
};

static void fault(const struct check *check, const char *what, const void *where, uint64_t is,
                  uint64_t should)
{
	check->judge->fault(check->judge->ctx, what, where, is, should);
}

static void expect(const struct check *check, const char *what, const void *where, uint64_t is,
                   uint64_t should)
{
	if (is != should)
		fault(check, what, where, is, should);
}

static bool is_within_bounds(const struct slab_span *run)
{
	uintptr_t end = run->base + run->bytes;

	return (run->base | run->bytes) % SLAB_GRANULE_BYTES == 0 && run->base != 0 &&
	       end > run->base && (end - 1) >> SLAB__LEAF_SHIFT < SLAB_LEAVES &&
	       run->bytes <= slab_root.mapped_bytes; /* or each granule would take long */
}

/* A live block owns its granules, a kept run none; a fallow one is remembered at its ends, and has
 * no fallow neighbour. */
static void check_map(const struct check *check, const struct slab_span *run)
{
	uintptr_t end = run->base + run->bytes, last = end - SLAB_GRANULE_BYTES;
	uint8_t order1 = check->kind == LIVE ? SLAB_MAP_LARGE : 0;

	for (uintptr_t at = run->base; at < end; at += SLAB_GRANULE_BYTES) {
		const void *p = (const void *)at;
		bool named = check->kind == LIVE ||
		             (check->kind == FALLOW && (at == run->base || at == last));
		const struct slab_span *owner = slab_map_span(p);

		if (owner == NULL)
			owner = slab_map_marked(at);
		if (owner != (named ? run : NULL) || slab_map_order1(p) != order1) {
			fault(check, "the map knows another owner of the run", run, at, run->base);
			return;
		}
	}
	if (check->kind == FALLOW && (slab_map_marked(run->base - 1) != NULL ||
	                              slab_map_marked(end) != NULL))
		fault(check, "fallow runs that are neighbours and not one", run, 2, 1);
}

/* Returns the bytes of the run at pos, behind which the list can be followed; 0: no further. */
static size_t check_run(const struct check *check, const struct slab_list *pos,
                        const struct slab_list *before)
{
	const struct slab_span *run = (const struct slab_span *)(const void *)pos;

	if (!slab_meta_holds(pos, SLAB_SPAN_RUN_BYTES)) {
		fault(check, "a link of the large blocks to no descriptor", before, 0, 1);
		return 0;
	}
	if (pos->prev != before) {
		fault(check, "a broken link in the run", run, 0, 1);
		return 0;
	}
	if (!is_within_bounds(run)) {
		fault(check, "bounds of the run", run, run->bytes, SLAB_GRANULE_BYTES);
		return 0;
	}
	check_map(check, run);
	return run->bytes;
}

static void check_list(struct check *check, const struct slab_list *head, unsigned log)
{
	const struct slab_list *pos, *before = head;

	for (pos = head->next; pos != head; before = pos, pos = pos->next) {
		size_t bytes = check_run(check, pos, before);

		if (bytes == 0)
			return;
		if (check->kind == FALLOW)
			expect(check, "the list that fallow run stands on", pos, log,
			       slab_fallow_log(bytes));
		check->bytes += bytes;
		check->count++;
	}
	if (head->prev != before)
		fault(check, "a broken link in the list", head, 0, 1);
}

/* Of all spans, but for their holes. */
static uint64_t bytes_in_spans(void)
{
	struct slab_list *pos;
	uint64_t bytes = 0;

	for (int order = 0; order < SLAB_ORDERS; order++) {
		slab_list_for_each(pos, &slab_root.spans[order]) {
			const struct slab_span *span =
			    slab_container(pos, struct slab_span, all_link);
			uint32_t holes = slab_bit_count(span->hole, SLAB_SPAN_WORDS);

			bytes += (span->slabs - holes) * slab_span_slab_bytes(span);
		}
	}
	return bytes;
}

void slab_runs_check_locked(const struct slab_runs_judge *judge)
{
	struct check live = { judge, LIVE, 0, 0 }, kept = { judge, KEPT, 0, 0 },
	             fallow = { judge, FALLOW, 0, 0 };

	check_list(&live, &slab_root.large, 0);
	expect(&live, "number of large blocks", NULL, slab_read(&slab_root.large_count),
	       live.count);
	expect(&live, "bytes of large blocks", NULL, slab_root.large_bytes, live.bytes);
	check_list(&kept, &slab_root.recent, 0);
	expect(&kept, "number of kept runs", NULL, slab_root.recent_count, kept.count);
	expect(&kept, "bytes of kept runs", NULL, slab_root.recent_bytes, kept.bytes);
	for (unsigned log = 0; log < SLAB_FALLOW_LOGS; log++)
		check_list(&fallow, &slab_root.fallow[log], log);
	expect(&fallow, "bytes of fallow runs", NULL, slab_root.fallow_bytes, fallow.bytes);
	expect(&live, "mapped bytes", NULL, slab_root.mapped_bytes,
	       live.bytes + kept.bytes + fallow.bytes + bytes_in_spans());
}
