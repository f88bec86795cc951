/*
 * text.c - names made safe, sizes for people, globs                                      Floor t0
 *
 * Called by walk.c for names, by the reports for sizes, by all that --cache selects for.
 */
#include <stdio.h>
#include <string.h>

#include "tools/text.h"

static const char name_bytes[] = "abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "0123456789_.:/+-";

void text_copy_name(char *to, size_t to_bytes, const char *from, size_t from_bytes)
{
	size_t i;

	for (i = 0; i + 1 < to_bytes && i < from_bytes && from[i] != '\0'; i++)
		to[i] = strchr(name_bytes, from[i]) ? from[i] : '_';
	if (i == 0)
		to[i++] = '_';
	to[i] = '\0';
}

char *text_human(char to[TEXT_HUMAN_BYTES], uint64_t bytes)
{
	static const char units[] = "KMGTPE";
	double value = (double)bytes / 1024;
	size_t unit = 0;

	while (value >= 999.995 && unit + 2 < sizeof units) {
		value /= 1024;
		unit++;
	}
	snprintf(to, TEXT_HUMAN_BYTES, "%.2f%c", value, units[unit]);
	return to;
}

const char *text_plural(uint64_t number)
{
	return number == 1 ? "" : "s";
}

/* One glob of given length against a whole name; after a mismatch the last '*' takes one more. */
static bool glob_matches(const char *glob, size_t length, const char *name)
{
	size_t g = 0, n = 0, after_star = 0, star_took = 0;
	bool star = false;

	while (name[n] != '\0') {
		if (g < length && glob[g] == '*') {
			star = true;
			after_star = ++g;
			star_took = n;
		} else if (g < length && (glob[g] == '?' || glob[g] == name[n])) {
			g++;
			n++;
		} else if (star) {
			g = after_star;
			n = ++star_took;
		} else {
			return false;
		}
	}
	while (g < length && glob[g] == '*')
		g++;
	return g == length;
}

bool text_matches(const char *globs, const char *name)
{
	for (;;) {
		size_t length = strcspn(globs, ",");

		if (glob_matches(globs, length, name))
			return true;
		if (globs[length] == '\0')
			return false;
		globs += length + 1;
	}
}
