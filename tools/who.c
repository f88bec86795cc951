/*
 * who.c - backtraces as text                                                             Floor t7
 *
 * Called by users.c, inside.c and report_leaks.c.
 */
#include <inttypes.h>

#include "tools/who.h"

void who_print_frames(FILE *out, struct symbols *symbols, const struct tracks_event *event,
			const char *indent)
{
	char text[SYMBOLS_TEXT_BYTES];

	for (size_t i = 0; i < event->frames; i++)
		fprintf(out, "%s%s\n", indent, symbols_name(symbols, event->frame[i], text));
	if (event->frames == 0)
		fprintf(out, "%s(no backtrace was taken)\n", indent);
}

void who_json_frames(FILE *out, struct symbols *symbols, const struct tracks_event *event)
{
	char text[SYMBOLS_TEXT_BYTES];

	fputs(", \"frames\": [", out);
	for (size_t i = 0; i < event->frames; i++) {
		symbols_name(symbols, event->frame[i], text);
		for (char *c = text; *c; c++)
			if (*c == '"' || *c == '\\')
				*c = '_';
		fprintf(out, "%s\"%s\"", i ? ", " : "", text);
	}
	fputc(']', out);
}

void who_print_track(FILE *out, struct target *target, const struct tracks *tracks, uint64_t obj)
{
	struct tracks_event event;
	struct symbols symbols;

	if (!tracks->users)
		return;
	symbols_open(&symbols, target);
	for (int freed = 0; freed < 2; freed++) {
		if (tracks_event(tracks, target, obj, freed, &event) != 0 || event.time_ns == 0)
			continue;
		fprintf(out, "  %s by thread %" PRIu32 " at %" PRIu64 ".%03" PRIu64
			     " s of the monotonic clock:\n",
			freed ? "freed" : "allocated", event.thread, event.time_ns / 1000000000,
			event.time_ns / 1000000 % 1000);
		who_print_frames(out, &symbols, &event, "    ");
	}
	symbols_close(&symbols);
}
