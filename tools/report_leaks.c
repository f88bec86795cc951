/*
 * report_leaks.c - what is leaked, as text                                               Floor t8
 *
 * Called by leaks.c.
 */
#include <inttypes.h>

#include "tools/report_leaks.h"
#include "tools/text.h"
#include "tools/who.h"

void report_leaks(FILE *out, struct symbols *symbols, const struct leak_sum *sum)
{
	if (sum->stacks.groups > 0)
		fprintf(out, "%10s %10s %14s   %-18s NAME\n", "DIRECT", "INDIRECT", "BYTES",
			"FIRST");
	for (size_t i = 0; i < sum->stacks.groups; i++) {
		const struct stacks_group *leak = &sum->stacks.group[i];

		fprintf(out, "%10" PRIu64 " %10" PRIu64 " %14" PRIu64 "   %#-18" PRIx64 " %s\n",
			leak->direct, leak->indirect, leak->bytes, leak->first, leak->name);
		if (leak->tracked)
			who_print_frames(out, symbols, &leak->event, "        ");
	}
	fprintf(out, "%s%" PRIu64 " of %" PRIu64 " live objects are leaked, %" PRIu64 " bytes.\n",
		sum->stacks.groups ? "\n" : "", sum->objects, sum->alive, sum->bytes);
	if (!sum->named)
		fprintf(out, "There is no such cache.\n");
	if (sum->unseen)
		fprintf(out, "Not looked at: %" PRIu64 " cache%s whose objects are blocks of "
			     "malloc.\n", sum->unseen, text_plural(sum->unseen));
	if (sum->held_us)
		fprintf(out, "The process was held for %" PRIu64 ".%" PRIu64 " ms.\n",
			sum->held_us / 1000, sum->held_us / 100 % 10);
	if (!sum->exact && sum->objects)
		fprintf(out, "The process ran on, its registers were not seen; %u looks agree on "
			     "these. --stop holds it and is exact.\n", sum->looks);
}

void report_leaks_json(FILE *out, struct symbols *symbols, const struct target *target,
		       const struct leak_sum *sum)
{
	fprintf(out, "{\"schema\": 1, \"tool\": \"slabstat\", \"pid\": %d, \"source\": \"%s\", "
		     "\"exact\": %s,\n \"objects_live\": %" PRIu64 ", \"objects_leaked\": %" PRIu64
		     ", \"leaked_bytes\": %" PRIu64 ", \"caches_unseen\": %" PRIu64
		     ", \"held_us\": %" PRIu64 ",\n \"leaks\": [",
		target->pid, target->source, sum->exact ? "true" : "false",
		sum->alive, sum->objects, sum->bytes, sum->unseen, sum->held_us);
	for (size_t i = 0; i < sum->stacks.groups; i++) {
		const struct stacks_group *leak = &sum->stacks.group[i];

		fprintf(out,
			"%s\n  {\"name\": \"%s\", \"id\": %" PRIu64 ", \"root\": %u, \"direct\": "
			"%" PRIu64 ", \"indirect\": %" PRIu64 ", \"bytes\": %" PRIu64
			", \"first\": \"%#" PRIx64 "\"",
			i ? "," : "", leak->name, leak->id, leak->root,
			leak->direct, leak->indirect, leak->bytes, leak->first);
		if (leak->tracked)
			who_json_frames(out, symbols, &leak->event);
		fputc('}', out);
	}
	fprintf(out, "]}\n");
}

