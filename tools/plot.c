/*
 * plot.c - a record as lines over time                                                  Floor t10
 *
 * Called by plot_svg.c. The file may come from anywhere: its lines are parsed as snapshots are, and
 * everything that grows with it is bounded. It is gone through twice, line by line: which caches
 * are the largest, then their figures. What comes through a pipe is kept in memory.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/plot.h"
#include "tools/progress.h"
#include "tools/snapshot.h"

#define NAMES_MAX  16384 /* further ones are counted as others */
#define SLOTS      (2 * NAMES_MAX)
#define POINTS_MAX 800
#define LINE_MAX_BYTES ((size_t)64 << 20)

struct name {
	char name[64];
	double most_bytes, last_bytes; /* the latter within the reading at hand */
	int series;
};

struct reader {
	struct plot *plot;
	const char *path;
	FILE *file;
	uint64_t at, bytes; /* read of it this time; all, as far as is known */
	char *line;
	size_t line_bytes, line_room;
	bool ended; /* behind this line there is nothing, not even the end of a line */
	struct name *name;
	size_t names;
	uint32_t *slot; /* hash table: index of a name + 1 */
	uint32_t seed;  /* a file that knew it could make all names collide */
	uint64_t last_ms, end_ms;
	bool second; /* time through */
	bool cut;    /* the last line is no whole one */
	size_t room;
	struct progress progress;
};

/* Return: the entry of a name, made if need be; NULL: there are too many. */
static struct name *find(struct reader *reader, const char *name)
{
	uint32_t hash = reader->seed;

	for (const char *at = name; *at; at++)
		hash = (hash ^ (unsigned char)*at) * 16777619u;
	for (uint32_t i = hash % SLOTS;; i = (i + 1) % SLOTS) {
		struct name *entry;

		if (reader->slot[i] == 0 && reader->names == NAMES_MAX)
			return NULL;
		if (reader->slot[i] == 0)
			reader->slot[i] = (uint32_t)++reader->names;
		entry = &reader->name[reader->slot[i] - 1];
		if (entry->name[0] == '\0')
			memcpy(entry->name, name, sizeof entry->name);
		if (strcmp(entry->name, name) == 0)
			return entry;
	}
}

static void measure(struct reader *reader, const struct figures *figures)
{
	for (size_t i = 0; i < figures->count; i++) {
		struct name *entry = find(reader, figures->rows[i].stats.name);

		if (entry)
			entry->last_bytes = 0;
	}
	for (size_t i = 0; i < figures->count; i++) {
		struct name *entry = find(reader, figures->rows[i].stats.name);

		if (!entry)
			continue;
		entry->last_bytes += (double)figures->rows[i].stats.mapped_bytes;
		if (entry->most_bytes < entry->last_bytes)
			entry->most_bytes = entry->last_bytes;
	}
}

static void add_up(struct reader *reader, const struct figures *figures, struct plot_point *point)
{
	for (size_t i = 0; i < figures->count; i++) {
		const struct slab_cache_stats *stats = &figures->rows[i].stats;
		const struct name *entry = find(reader, stats->name);
		size_t series = entry ? (size_t)entry->series : reader->plot->series - 1;

		point->bytes[series] += (double)stats->mapped_bytes;
		point->live[series] += (double)stats->objects_live;
		point->all_bytes += (double)stats->mapped_bytes;
		point->used_bytes += (double)stats->objects_live * (double)stats->object_bytes;
	}
}

/* Of the readings that fall together in the picture the highest is kept: no peak is lost. */
static enum fault_code keep(struct reader *reader, const struct plot_point *point,
			    struct fault *fault)
{
	struct plot *plot = reader->plot;
	double all = (double)(reader->end_ms - plot->began_ms) / 1000, step = all / POINTS_MAX;
	struct plot_point *last = plot->points ? &plot->point[plot->points - 1] : NULL;

	if (last && plot->points > 1 && (point->seconds < all || plot->points > 2 * POINTS_MAX) &&
	    (size_t)(last->seconds / step) == (size_t)(point->seconds / step)) {
		if (last->all_bytes < point->all_bytes)
			*last = *point;
		return FAULT_NONE;
	}
	if (plot->points == reader->room) {
		size_t room = reader->room ? 2 * reader->room : 256;
		struct plot_point *more = realloc(plot->point, room * sizeof *more);

		if (!more)
			return fault_set(fault, FAULT_PARTIAL, "slabstat ran out of memory.");
		plot->point = more;
		reader->room = room;
	}
	plot->point[plot->points++] = *point;
	return FAULT_NONE;
}

/* The next line, without its end. Return: false: it is too long. */
static bool next_line(struct reader *reader)
{
	int byte;

	reader->line_bytes = 0;
	while ((byte = getc_unlocked(reader->file)) != EOF && byte != '\n') {
		if (reader->line_bytes == reader->line_room) {
			size_t room = 2 * reader->line_room + 4096;
			char *more =
			    room <= LINE_MAX_BYTES ? realloc(reader->line, room) : NULL;

			if (!more)
				return false;
			reader->line = more;
			reader->line_room = room;
		}
		reader->line[reader->line_bytes++] = (char)byte;
	}
	reader->at += reader->line_bytes + 1;
	reader->ended = byte == EOF;
	return true;
}

static enum fault_code take_line(struct reader *reader, size_t number, struct fault *fault)
{
	struct plot_point point = { 0 };
	enum fault_code code = FAULT_NONE;
	struct fault ignored = { 0 };
	struct figures figures;
	uint64_t ms = 0;

	if (snapshot_parse(&figures, reader->line, reader->line_bytes, &ms, reader->path,
			   &ignored) != FAULT_NONE) {
		if (!reader->ended || number == 1)
			return fault_set(fault, FAULT_LAYOUT,
					 "line %zu of %.200s is no reading: make the file by "
					 "slabstat record.",
					 number, reader->path);
		reader->cut = true;
		return FAULT_NONE;
	}
	if (ms == 0 || ms < reader->last_ms || ms > (uint64_t)1 << 53) {
		code = fault_set(fault, FAULT_LAYOUT,
				 "line %zu of %.200s %s: make the file by slabstat record.", number,
				 reader->path,
				 ms == 0                ? "tells no time"
				 : ms < reader->last_ms ? "is older than the one before"
							: "is of no time that can be");
	} else if (!reader->second) {
		reader->plot->began_ms = reader->plot->readings ? reader->plot->began_ms : ms;
		reader->plot->pid = figures.pid;
		reader->plot->readings++;
		reader->end_ms = ms;
		measure(reader, &figures);
	} else {
		point.seconds = (double)(ms - reader->plot->began_ms) / 1000;
		add_up(reader, &figures, &point);
		code = keep(reader, &point, fault);
	}
	reader->last_ms = ms;
	figures_free(&figures);
	return code;
}

static enum fault_code take_lines(struct reader *reader, struct fault *fault)
{
	enum fault_code code = FAULT_NONE;

	rewind(reader->file);
	reader->at = 0;
	reader->last_ms = 0;
	reader->ended = false;
	for (size_t number = 1; !reader->ended && code == FAULT_NONE; number++) {
		progress_tell(&reader->progress, reader->path, reader->at, reader->bytes);
		if (!next_line(reader))
			return fault_set(fault, FAULT_PARTIAL, "line %zu of %.200s is too long.",
					 number, reader->path);
		if (reader->line_bytes > 0)
			code = take_line(reader, number, fault);
	}
	if (code == FAULT_NONE && ferror(reader->file))
		code = fault_set(fault, FAULT_PARTIAL, "%.200s could not be read (%s).",
				 reader->path, strerror(errno));
	return code;
}

static int compare_sizes(const void *left, const void *right)
{
	const struct name *a = *(struct name *const *)left, *b = *(struct name *const *)right;

	if (a->most_bytes < b->most_bytes || a->most_bytes > b->most_bytes)
		return a->most_bytes < b->most_bytes ? 1 : -1;
	return strcmp(a->name, b->name);
}

/* The largest caches get a series each, the others one together. Return: false without memory. */
static bool choose(struct reader *reader)
{
	struct name **order = calloc(reader->names + 1, sizeof(struct name *));
	struct plot *plot = reader->plot;

	if (!order)
		return false;
	for (size_t i = 0; i < reader->names; i++)
		order[i] = &reader->name[i];
	qsort(order, reader->names, sizeof(struct name *), compare_sizes);
	plot->series = reader->names < PLOT_SERIES ? reader->names : PLOT_SERIES;
	for (size_t i = 0; i < reader->names; i++) {
		order[i]->series = (int)(i < PLOT_SERIES ? i : PLOT_SERIES - 1);
		if (i < PLOT_SERIES)
			memcpy(plot->name[i], order[i]->name, sizeof plot->name[i]);
	}
	if (reader->names > PLOT_SERIES || plot->series == 0) {
		plot->others = reader->names - (plot->series ? PLOT_SERIES - 1 : 0);
		plot->series = plot->series ? plot->series : 1;
		memcpy(plot->name[plot->series - 1], "others", sizeof "others");
	}
	free(order);
	return true;
}

static enum fault_code read_twice(struct reader *reader, struct fault *fault)
{
	enum fault_code code = take_lines(reader, fault);

	if (code != FAULT_NONE)
		return code;
	if (reader->plot->readings < 2)
		return fault_set(fault, FAULT_USAGE,
				 "%.200s has fewer than two readings: there is nothing to plot.",
				 reader->path);
	if (reader->end_ms == reader->plot->began_ms)
		reader->end_ms++;
	if (!choose(reader))
		return fault_set(fault, FAULT_PARTIAL, "slabstat ran out of memory.");
	reader->second = true;
	return take_lines(reader, fault);
}

/* What cannot be gone through twice is taken whole, within bounds; *text: to be freed. */
static FILE *open_lines(int fd, uint64_t *bytes, char **text)
{
	struct stat st;
	size_t length = 0;
	FILE *file;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		*bytes = (uint64_t)st.st_size;
		file = fdopen(fd, "r");
		if (!file)
			close(fd);
		return file;
	}
	*text = snapshot_text(fd, &length);
	*bytes = length;
	close(fd);
	return *text ? fmemopen(*text, length, "r") : NULL;
}

enum fault_code plot_read(struct plot *plot, int fd, const char *path, struct fault *fault)
{
	struct reader reader = { .plot = plot, .path = path };
	enum fault_code code;
	char *text = NULL;

	*plot = (struct plot){ 0 };
	reader.file = open_lines(fd, &reader.bytes, &text);
	reader.seed = 2166136261u ^ (uint32_t)((uintptr_t)&reader >> 4) ^ (uint32_t)getpid();
	reader.name = calloc(NAMES_MAX, sizeof *reader.name);
	reader.slot = calloc(SLOTS, sizeof *reader.slot);
	if (!reader.file || !reader.name || !reader.slot)
		code = fault_set(fault, FAULT_PARTIAL,
				 "%.200s could not be read: it is too large for a pipe, or no "
				 "plain file.", path);
	else
		code = read_twice(&reader, fault);
	if (code == FAULT_NONE && reader.cut)
		code = fault_set(fault, FAULT_PARTIAL,
				 "the last line of %.200s is cut: the others are plotted.", path);
	progress_end(&reader.progress);
	if (reader.file)
		fclose(reader.file);
	free(text);
	free(reader.line);
	free(reader.name);
	free(reader.slot);
	return code;
}

void plot_free(struct plot *plot)
{
	free(plot->point);
}
