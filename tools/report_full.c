/*
 * report_full.c - all that is known of one cache                                         Floor t9
 *
 * Called by verbs.c and top_detail.c. The block at the top is laid out as slabinfo -r does it.
 */
#include <inttypes.h>

#include "tools/detail.h"
#include "tools/report.h"
#include "tools/row.h"
#include "tools/text.h"

#define PRINT_THREADS 1000 /* lines at most */

/* Of a slab, what no object can use; a snapshot may hold anything. */
static uint64_t loss_of(const struct slab_cache_stats *s)
{
	uint64_t used;

	if (__builtin_mul_overflow(s->objects_per_slab, s->object_bytes, &used) ||
	    used > s->slab_bytes)
		return 0;
	return s->slab_bytes - used;
}

static void print_block(FILE *out, const struct slab_cache_stats *s)
{
	const struct {
		const char *name[4];
		uint64_t value[4];
	} lines[] = {
		{ { "Object", "Total", "Live", "Total" },
		  { s->object_bytes, s->slabs, s->objects_live, s->mapped_bytes } },
		{ { "SlabObj", "Full", "Cached", "Used" },
		  { s->stride_bytes, s->slabs_full, s->objects_cached,
		    s->objects_live * s->object_bytes } },
		{ { "SlabSiz", "Partial", "Free", "Stranded" },
		  { s->slab_bytes, s->slabs_partial, s->objects_free, row_stranded_bytes(s) } },
		{ { "Loss", "Empty", "Capacity", "Waste" },
		  { loss_of(s), s->slabs_empty, s->objects_capacity, row_waste_bytes(s) } },
		{ { "Align", "Objects", "Peak", "Returned" },
		  { s->align_bytes, s->objects_per_slab, s->objects_peak, s->returned_bytes } },
	};

	fprintf(out, "%-18s  %-18s  %-19s  %s\n", "Sizes (bytes)", "Slabs", "Objects",
		"Memory (bytes)");
	for (int i = 0; i < 79; i++)
		fputc('-', out);
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
		fprintf(out,
			"\n%-8s: %8" PRIu64 "  %-8s: %8" PRIu64 "  %-8s: %9" PRIu64
			"  %-8s: %9" PRIu64,
			lines[i].name[0], lines[i].value[0], lines[i].name[1], lines[i].value[1],
			lines[i].name[2], lines[i].value[2], lines[i].name[3], lines[i].value[3]);
	fputc('\n', out);
}

static void print_threads(FILE *out, const struct detail *detail)
{
	size_t shown = 0, more = 0;

	fprintf(out, "\nParked by                 objects   slabs kept by them alone\n");
	for (size_t i = 0; i < detail->holders; i++) {
		const struct detail_holder *holder = &detail->holder[i];
		char who[40] = "depot";

		if (holder->objects == 0)
			continue;
		if (i + 1 < detail->holders)
			snprintf(who, sizeof who, "thread %" PRIu64, holder->tid);
		if (shown++ < PRINT_THREADS)
			fprintf(out, "  %-20s %10" PRIu64 " %10" PRIu64 "\n", who, holder->objects,
				holder->slabs);
		else
			more++;
	}
	if (shown == 0)
		fprintf(out, "  nobody\n");
	if (more > 0)
		fprintf(out, "  and %zu more thread%s\n", more, text_plural(more));
}

static void reason(FILE *out, uint64_t slabs, const char *why)
{
	if (slabs > 0)
		fprintf(out, "  %10" PRIu64 " slab%s %s\n", slabs, text_plural(slabs), why);
}

static void print_reasons(FILE *out, const struct detail *detail)
{
	uint64_t by_threads = 0, threads = 0, tid = 0, by_depot = 0;
	char text[96];

	for (size_t i = 0; i < detail->holders; i++) {
		const struct detail_holder *holder = &detail->holder[i];

		if (i + 1 == detail->holders) {
			by_depot = holder->slabs;
		} else if (holder->slabs > 0) {
			by_threads += holder->slabs;
			tid = holder->tid;
			threads++;
		}
	}
	fprintf(out, "\nWhy memory is kept\n");
	snprintf(text, sizeof text, "by %" PRIu64 " live object%s", detail->sum.live,
		 text_plural(detail->sum.live));
	reason(out, detail->by_live, text);
	if (threads == 1)
		snprintf(text, sizeof text, "by the magazines of thread %" PRIu64, tid);
	else
		snprintf(text, sizeof text, "by the magazines of %" PRIu64 " threads, see above",
			 threads);
	reason(out, by_threads, text);
	reason(out, by_depot, "by magazines in the depot");
	reason(out, detail->by_many, "by magazines of several, each with a part");
	reason(out, detail->by_nobody, "by the cache: empty, in use by a walk or just constructed");
	if (detail->owners_known && detail->own_spans > 0)
		reason(out, detail->warm_slabs, "by the reserve: empty, in spans of this cache");
	if (detail->sum.slabs == 0 && detail->warm_slabs == 0)
		fprintf(out, "  it keeps none\n");
}

static void print_fill(FILE *out, const struct detail *detail)
{
	fprintf(out, "\nSlabs by live objects in them\n ");
	for (size_t i = 0; i < DETAIL_TENTHS; i++)
		fprintf(out, " %s%zu%%", i == 0 || i + 1 == DETAIL_TENTHS ? "" : "<=", i * 10);
	fprintf(out, "\n ");
	for (size_t i = 0; i < DETAIL_TENTHS; i++)
		fprintf(out, " %*" PRIu64,
			i == 0                   ? 2
			: i + 1 == DETAIL_TENTHS ? 4
						 : 5,
			detail->tenths[i]);
	fprintf(out, "\n");
}

static void print_detail(FILE *out, const struct detail *detail)
{
	if (detail->on_malloc) {
		fprintf(out, "Each object is a block of malloc: there are no slabs, and nothing is "
			     "parked.\n");
		return;
	}
	fprintf(out, "Header   : %" PRIu64 " bytes in each slab\n", detail->header_bytes);
	if (detail->magazines_known) {
		fprintf(out,
			"Magazines: up to %" PRIu64 " objects; the depot's lock was found taken in "
			"%" PRIu64 " of the last %" PRIu64 " calls\n",
			detail->magazine_cap, detail->contended, detail->exchanges);
		fprintf(out, "Functions: %s constructor, %s destructor\n",
			detail->ctor ? "a" : "no", detail->dtor ? "a" : "no");
	}
	fprintf(out, "Holes    : %" PRIu64 " between the slabs, %" PRIu64 " bytes\n", detail->holes,
		detail->hole_bytes);
	print_threads(out, detail);
	print_reasons(out, detail);
	print_fill(out, detail);
	if (detail->sum.missing > 0)
		fprintf(out, "%" PRIu64 " slab%s could not be read.\n", detail->sum.missing,
			text_plural(detail->sum.missing));
	if (detail->sum.damaged > 0)
		fprintf(out, "Damaged, or changed while read: %" PRIu64 " slab%s.\n",
			detail->sum.damaged, text_plural(detail->sum.damaged));
}

void report_full(FILE *out, const struct figures *figures, const struct figures_row *row,
		 const struct detail *detail)
{
	const struct slab_cache_stats *s = &row->stats;
	char reserve[TEXT_HUMAN_BYTES];

	fprintf(out, "Slab cache: %-24s Id: %" PRIu64 "  Mode: %" PRIu64 "  Flags: %#" PRIx64,
		s->name, s->id, s->mode, s->flags);
	if (figures->roots > 1)
		fprintf(out, "  Copy of the library: %u", row->root);
	fprintf(out, "\n\n");
	print_block(out, s);
	fprintf(out,
		"\nCalls    : %" PRIu64 " alloc%s, %" PRIu64 " free%s, %" PRIu64 " failure%s\n",
		s->allocs, text_plural(s->allocs), s->frees, text_plural(s->frees),
		s->alloc_failures, text_plural(s->alloc_failures));
	if (detail)
		print_detail(out, detail);
	else
		fprintf(out, "\nA snapshot keeps figures and no memory: who has parked what, and "
			     "why memory is kept,\nis told of a process or a core file alone.\n");
	fprintf(out, "The process may keep %s of empty slabs in reserve for all its caches.\n",
		text_human(reserve, figures->totals.reserve_bytes));
	if (!row->consistent)
		fprintf(out, "The cache changed while it was read, or is damaged: the figures do "
			     "not add up.\n");
	fputc('\n', out);
}

void report_full_json(FILE *out, const struct detail *detail)
{
	const char *comma = "";

	fprintf(out,
		", \"header_bytes\": %" PRIu64 ", \"holes\": %" PRIu64 ", \"hole_bytes\": %" PRIu64,
		detail->header_bytes, detail->holes, detail->hole_bytes);
	if (detail->magazines_known)
		fprintf(out,
			", \"magazine_cap\": %" PRIu64 ", \"depot_contended\": %" PRIu64
			", \"depot_exchanges\": %" PRIu64,
			detail->magazine_cap, detail->contended, detail->exchanges);
	fprintf(out,
		", \"slabs_by_live\": %" PRIu64 ", \"slabs_by_many\": %" PRIu64
		", \"slabs_by_nobody\": %" PRIu64 ", \"slabs_by_reserve\": %" PRIu64
		", \"slabs_missing\": %" PRIu64 ", \"slabs_damaged\": %" PRIu64 ", \"parked\": [",
		detail->by_live, detail->by_many, detail->by_nobody, detail->warm_slabs,
		detail->sum.missing, detail->sum.damaged);
	for (size_t i = 0; i < detail->holders; i++) {
		const struct detail_holder *holder = &detail->holder[i];

		if (holder->objects == 0)
			continue;
		fprintf(out,
			"%s{\"tid\": %" PRIu64 ", \"objects\": %" PRIu64 ", \"slabs\": %" PRIu64
			"}",
			comma, holder->tid, holder->objects, holder->slabs);
		comma = ", ";
	}
	fprintf(out, "], \"slabs_by_tenths\": [");
	for (size_t i = 0; i < DETAIL_TENTHS; i++)
		fprintf(out, "%s%" PRIu64, i ? ", " : "", detail->tenths[i]);
	fprintf(out, "]");
}
