/*
 * processes.c - the processes that embed the library                                     Floor t8
 *
 * Called by slabstat.c when no target is named. Looks into every process that it may read; the
 * others are counted, not named.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/access.h"
#include "tools/figures.h"
#include "tools/processes.h"
#include "tools/text.h"

#define COMMAND_BYTES 64

struct process {
	int pid;
	uint64_t caches, objects, bytes;
	char command[COMMAND_BYTES];
};

struct listing {
	struct process *process;
	size_t count, room;
	size_t other_user, forbidden, unreadable;
	bool hidden; /* there may be others, which /proc does not tell of */
};

static void read_command(int pid, char to[COMMAND_BYTES])
{
	char path[32], text[COMMAND_BYTES] = "";
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/comm", pid);
	file = fopen(path, "re");
	if (file) {
		if (fgets(text, sizeof text, file))
			text[strcspn(text, "\n")] = '\0';
		fclose(file);
	}
	text_copy_name(to, COMMAND_BYTES, text, sizeof text);
}

static bool add_process(struct listing *listing, const struct figures *figures)
{
	struct slab_cache_stats sum = figures_sum(figures);
	struct process *process;

	if (listing->count == listing->room) {
		size_t room = listing->room ? 2 * listing->room : 16;
		struct process *more = realloc(listing->process, room * sizeof *more);

		if (!more)
			return false;
		listing->process = more;
		listing->room = room;
	}
	process = &listing->process[listing->count++];
	*process = (struct process){ .pid = figures->pid,
				     .caches = figures->count,
				     .objects = sum.objects_live,
				     .bytes = sum.mapped_bytes };
	read_command(figures->pid, process->command);
	return true;
}

static bool look_into(struct listing *listing, int pid)
{
	struct fault fault = { 0 };
	struct figures figures;
	enum fault_code code = figures_of_process(&figures, pid, &fault);
	bool added = true;

	if (figures.roots > 0)
		added = add_process(listing, &figures);
	else if (code == FAULT_DENIED && access_other_user(pid))
		listing->other_user++;
	else if (code == FAULT_DENIED)
		listing->forbidden++;
	else if (code == FAULT_LAYOUT)
		listing->unreadable++;
	figures_free(&figures);
	return added;
}

static int compare_pids(const void *left, const void *right)
{
	const struct process *a = left, *b = right;

	return a->pid < b->pid ? -1 : a->pid > b->pid;
}

static int digits(uint64_t value)
{
	return snprintf(NULL, 0, "%" PRIu64, value);
}

static int wider(int width, int other)
{
	return width > other ? width : other;
}

static void print_table(FILE *out, const struct listing *listing)
{
	int pid = 7, caches = 6, objects = 10, size = 8;
	char human[TEXT_HUMAN_BYTES];

	for (size_t i = 0; i < listing->count; i++) {
		const struct process *process = &listing->process[i];

		caches = wider(caches, digits(process->caches));
		objects = wider(objects, digits(process->objects));
		size = wider(size, (int)strlen(text_human(human, process->bytes)));
	}
	fprintf(out, "%*s %*s %*s %*s COMMAND\n", pid, "PID", caches, "CACHES", objects, "OBJECTS",
		size, "SIZE");
	for (size_t i = 0; i < listing->count; i++) {
		const struct process *process = &listing->process[i];

		fprintf(out, "%*d %*" PRIu64 " %*" PRIu64 " %*s %s\n", pid, process->pid, caches,
			process->caches, objects, process->objects, size,
			text_human(human, process->bytes), process->command);
	}
}

/* Says in one line what is missing from the table, and why. */
static void print_missing(FILE *out, const struct listing *listing)
{
	size_t denied = listing->other_user + listing->forbidden;

	if (denied > 0)
		fprintf(out,
			"%zu process%s could not be looked into (%zu of other users, %zu "
			"protected)%s.\n",
			denied, denied == 1 ? "" : "es", listing->other_user, listing->forbidden,
			geteuid() == 0 ? ", not even by root here" : ": run slabstat as root");
	if (listing->hidden)
		fprintf(out, "/proc hides processes of other users (it is mounted with hidepid): "
			     "run slabstat as root to see theirs.\n");
	if (listing->unreadable > 0)
		fprintf(out,
			"%zu process%s the library in a layout that this slabstat does not know.\n",
			listing->unreadable, listing->unreadable == 1 ? " embeds" : "es embed");
}

static void print_json(FILE *out, const struct listing *listing)
{
	fprintf(out, "{\"schema\": 1, \"tool\": \"slabstat\", \"processes\": [");
	for (size_t i = 0; i < listing->count; i++) {
		const struct process *process = &listing->process[i];

		fprintf(out,
			"%s\n  {\"pid\": %d, \"caches\": %" PRIu64 ", \"objects_live\": %" PRIu64
			", \"mapped_bytes\": %" PRIu64 ", \"command\": \"%s\"}",
			i > 0 ? "," : "", process->pid, process->caches, process->objects,
			process->bytes, process->command);
	}
	fprintf(out, "],\n \"other_user\": %zu, \"forbidden\": %zu, \"unknown_layout\": %zu, "
		     "\"hidden\": %s}\n",
		listing->other_user, listing->forbidden, listing->unreadable,
		listing->hidden ? "true" : "false");
}

enum fault_code processes_list(FILE *out, bool json, struct fault *fault)
{
	DIR *directory = opendir("/proc");
	struct listing listing = { 0 };
	struct dirent *entry;
	bool room = true;

	if (!directory)
		return fault_set(fault, FAULT_MISSING, "/proc cannot be read (%s): mount it.",
				 strerror(errno));
	if (!access_proc(fault)) { /* empty, as in a chroot, it is no list of no processes */
		closedir(directory);
		return fault->code;
	}
	while (room && (entry = readdir(directory))) {
		int pid = atoi(entry->d_name);

		if (pid > 0 && pid != getpid())
			room = look_into(&listing, pid);
	}
	closedir(directory);
	listing.hidden = access_proc_hides();
	if (listing.count > 0)
		qsort(listing.process, listing.count, sizeof *listing.process, compare_pids);
	if (json) {
		print_json(out, &listing);
	} else {
		print_table(out, &listing);
		print_missing(out, &listing);
	}
	free(listing.process);
	return room ? FAULT_NONE : fault_set(fault, FAULT_PARTIAL, "out of memory.");
}
