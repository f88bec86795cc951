/*
 * snapshot.c - figures out of the JSON that report_json() has written                    Floor t9
 *
 * Called by sources.c and plot.c. The text may come from anywhere: its size, its depth and each
 * number are bounded. Keys that are unknown are passed over, so newer documents can be read.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/keys.h"
#include "tools/snapshot.h"
#include "tools/text.h"

#define TEXT_MAX_BYTES ((size_t)256 << 20)
#define DEPTH_MAX      16
#define WORD_BYTES     80 /* the longest key or name that matters */
#define COPIES_MAX     16

struct parse {
	const char *at, *end;
	unsigned depth;
	bool bad;
	struct figures *figures;
	uint64_t schema, time_ms;
	bool is_ours;
	bool more; /* another one follows */
	size_t room;
};

static bool skip_to(struct parse *parse, char byte)
{
	while (parse->at < parse->end && strchr(" \t\r\n", *parse->at) && *parse->at != '\0')
		parse->at++;
	if (parse->at < parse->end && *parse->at == byte) {
		parse->at++;
		return true;
	}
	return false;
}

/* A string, cut to what fits; what is escaped in it comes out as '_'. */
static void take_string(struct parse *parse, char word[WORD_BYTES])
{
	size_t n = 0;

	word[0] = '\0';
	if (!skip_to(parse, '"')) {
		parse->bad = true;
		return;
	}
	for (; parse->at < parse->end && *parse->at != '"'; parse->at++) {
		char byte = *parse->at;

		if (byte == '\\' && ++parse->at < parse->end)
			byte = '_';
		if (n + 1 < WORD_BYTES)
			word[n++] = byte;
	}
	word[n] = '\0';
	if (parse->at++ >= parse->end) {
		parse->at = parse->end;
		parse->bad = true;
	}
}

static uint64_t take_number(struct parse *parse)
{
	uint64_t value = 0;
	const char *from;

	skip_to(parse, '\0');
	from = parse->at;
	for (; parse->at < parse->end && *parse->at >= '0' && *parse->at <= '9'; parse->at++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*parse->at - '0'), &value))
			parse->bad = true;
	if (parse->at == from)
		parse->bad = true;
	return value;
}

static bool take_truth(struct parse *parse)
{
	skip_to(parse, '\0');
	if (parse->end - parse->at >= 4 && memcmp(parse->at, "true", 4) == 0) {
		parse->at += 4;
		return true;
	}
	if (parse->end - parse->at >= 5 && memcmp(parse->at, "false", 5) == 0)
		parse->at += 5;
	else
		parse->bad = true;
	return false;
}

typedef void take_member(struct parse *parse, const char *key, void *to);

/* An object: take is called behind each "key":, and has to pass the value. */
static void take_object(struct parse *parse, take_member *take, void *to)
{
	char key[WORD_BYTES];

	if (!skip_to(parse, '{') || ++parse->depth > DEPTH_MAX) {
		parse->bad = true;
		return;
	}
	if (!skip_to(parse, '}')) {
		do {
			take_string(parse, key);
			if (parse->bad || !skip_to(parse, ':')) {
				parse->bad = true;
				return;
			}
			take(parse, key, to);
		} while (!parse->bad && skip_to(parse, ','));
		if (!skip_to(parse, '}'))
			parse->bad = true;
	}
	parse->depth--;
}

/* An array: take is called once for each element. */
static void take_array(struct parse *parse, take_member *take, void *to)
{
	if (!skip_to(parse, '[') || ++parse->depth > DEPTH_MAX) {
		parse->bad = true;
		return;
	}
	if (!skip_to(parse, ']')) {
		do {
			take(parse, "", to);
		} while (!parse->bad && skip_to(parse, ','));
		if (!skip_to(parse, ']'))
			parse->bad = true;
	}
	parse->depth--;
}

static void pass_value(struct parse *parse, const char *key, void *to)
{
	char word[WORD_BYTES];
	const char *from;

	(void)key;
	skip_to(parse, '\0');
	if (parse->at >= parse->end) {
		parse->bad = true;
	} else if (*parse->at == '{') {
		take_object(parse, pass_value, to);
	} else if (*parse->at == '[') {
		take_array(parse, pass_value, to);
	} else if (*parse->at == '"') {
		take_string(parse, word);
	} else {
		from = parse->at;
		while (parse->at < parse->end && *parse->at != '\0' &&
		       strchr("+-.0123456789aeEflnrstu", *parse->at))
			parse->at++;
		parse->bad |= parse->at == from;
	}
}

static bool take_keyed(struct parse *parse, const char *key, const struct key *keys, size_t count,
		       void *to)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(key, keys[i].name) == 0) {
			*(uint64_t *)(void *)((char *)to + keys[i].offset) = take_number(parse);
			return true;
		}
	}
	return false;
}

static void take_cache_member(struct parse *parse, const char *key, void *to)
{
	struct figures_row *row = to;
	char word[WORD_BYTES];
	uint64_t root;

	if (strcmp(key, "name") == 0) {
		take_string(parse, word);
		text_copy_name(row->stats.name, sizeof row->stats.name, word, sizeof word);
	} else if (strcmp(key, "root") == 0) {
		root = take_number(parse);
		parse->bad |= root >= COPIES_MAX;
		row->root = (unsigned)root % COPIES_MAX;
		if (parse->figures->roots <= row->root)
			parse->figures->roots = row->root + 1u;
	} else if (strcmp(key, "consistent") == 0) {
		row->consistent = take_truth(parse);
	} else if (!take_keyed(parse, key, keys_cache, KEYS_CACHE, &row->stats)) {
		pass_value(parse, key, to);
	}
}

static void take_cache(struct parse *parse, const char *key, void *to)
{
	struct figures *figures = to;

	(void)key;
	if (figures->count == parse->room) {
		size_t room = parse->room ? 2 * parse->room : 64;
		struct figures_row *more = realloc(figures->rows, room * sizeof *more);

		if (!more) {
			parse->bad = true;
			return;
		}
		figures->rows = more;
		parse->room = room;
	}
	memset(&figures->rows[figures->count], 0, sizeof *figures->rows);
	take_object(parse, take_cache_member, &figures->rows[figures->count]);
	figures->count++;
}

static void take_totals_member(struct parse *parse, const char *key, void *to)
{
	/* "caches" and "mapped_bytes" are of the process; the sums are made anew from the rows */
	if (!take_keyed(parse, key, keys_totals, KEYS_TOTALS, to))
		pass_value(parse, key, to);
}

static void take_top_member(struct parse *parse, const char *key, void *to)
{
	struct figures *figures = to;
	char word[WORD_BYTES];
	uint64_t pid;

	if (strcmp(key, "schema") == 0) {
		parse->schema = take_number(parse);
	} else if (strcmp(key, "tool") == 0) {
		take_string(parse, word);
		parse->is_ours = strcmp(word, "slabstat") == 0;
	} else if (strcmp(key, "pid") == 0) {
		pid = take_number(parse);
		parse->bad |= pid > INT32_MAX;
		figures->pid = (int)pid;
	} else if (strcmp(key, "time_ms") == 0) {
		parse->time_ms = take_number(parse);
	} else if (strcmp(key, "consistent") == 0) {
		figures->consistent = take_truth(parse);
	} else if (strcmp(key, "totals") == 0) {
		take_object(parse, take_totals_member, &figures->totals);
	} else if (strcmp(key, "caches") == 0) {
		figures->roots = 1;
		take_array(parse, take_cache, figures);
	} else {
		pass_value(parse, key, to);
	}
}

char *snapshot_text(int fd, size_t *bytes)
{
	size_t room = (size_t)64 << 10;
	char *text = malloc(room);
	ssize_t n = 1;

	for (*bytes = 0; text && n != 0;) {
		if (*bytes == room) {
			char *more = room < TEXT_MAX_BYTES ? realloc(text, 2 * room) : NULL;

			if (!more) {
				free(text);
				errno = EFBIG;
				return NULL;
			}
			text = more;
			room *= 2;
		}
		n = read(fd, text + *bytes, room - *bytes);
		if (n < 0 && errno != EINTR) {
			free(text);
			return NULL;
		}
		*bytes += n > 0 ? (size_t)n : 0;
	}
	return text;
}

static enum fault_code refuse(struct figures *figures, const struct parse *parse,
			      const char *path, struct fault *fault)
{
	figures_free(figures);
	*figures = (struct figures){ 0 };
	if (parse->is_ours && parse->schema > 1)
		return fault_set(fault, FAULT_LAYOUT,
				 "%.200s has schema %llu and this slabstat reads 1: use a newer "
				 "slabstat.",
				 path, (unsigned long long)parse->schema);
	if (parse->more)
		return fault_set(fault, FAULT_LAYOUT,
				 "%.200s holds several snapshots, as slabstat record writes them: "
				 "plot shows them all; take one line to look at one.",
				 path);
	return fault_set(fault, FAULT_LAYOUT,
			 "%.200s is no whole snapshot (byte %zu is not what it should be): make it "
			 "anew by slabstat snapshot.",
			 path, (size_t)(parse->at - (parse->end - parse->room)));
}

enum fault_code snapshot_parse(struct figures *figures, const char *text, size_t bytes,
			       uint64_t *time_ms, const char *path, struct fault *fault)
{
	struct parse parse = { .figures = figures, .at = text, .end = text + bytes };

	*figures = (struct figures){ .source = "snapshot" };
	take_object(&parse, take_top_member, figures);
	if (skip_to(&parse, '\0') || parse.at != parse.end) {
		parse.more = !parse.bad && parse.is_ours && skip_to(&parse, '{');
		parse.bad = true;
	}
	if (time_ms)
		*time_ms = parse.time_ms;
	if (!parse.bad && parse.is_ours && parse.schema == 1 && figures->roots > 0)
		return FAULT_NONE;
	parse.room = bytes;
	return refuse(figures, &parse, path, fault);
}

enum fault_code snapshot_read(struct figures *figures, int fd, const char *path,
			      struct fault *fault)
{
	size_t bytes = 0;
	char *text = snapshot_text(fd, &bytes);
	int error = errno;
	enum fault_code code;

	*figures = (struct figures){ .source = "snapshot" };
	close(fd);
	if (!text)
		return fault_set(fault, FAULT_MISSING, "%.200s could not be read (%s).", path,
				 strerror(error));
	if (bytes == 0)
		code = fault_set(fault, FAULT_LAYOUT,
				 "%.200s is empty: what should have written it has failed, as on a "
				 "full disk.",
				 path);
	else
		code = snapshot_parse(figures, text, bytes, NULL, path, fault);
	free(text);
	return code;
}
