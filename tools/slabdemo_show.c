/*
 * slabdemo_show.c - progress, memory, and the look from outside                          Floor t0
 *
 * Called by slabdemo.c. Knows nothing of the index, allocates nothing.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/slabdemo_show.h"

#define BAR_CELLS 40
#define TELLING_MIB 2 /* below that what allocators keep for reuse is most of an index */

double show_seconds(void)
{
	static struct timespec first;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (first.tv_sec == 0)
		first = now;
	return (double)(now.tv_sec - first.tv_sec) + (double)(now.tv_nsec - first.tv_nsec) * 1e-9;
}

double show_mib(uint64_t bytes)
{
	return (double)bytes / (1 << 20);
}

/* @cells: of the bar, up to BAR_CELLS. */
static void print_bar(uint64_t part, uint64_t whole, unsigned cells, char rest)
{
	char bar[BAR_CELLS + 1];
	uint64_t n = whole ? (part * cells + whole / 2) / whole : 0;

	for (uint64_t i = 0; i < cells; i++)
		bar[i] = i < n ? '#' : rest;
	bar[cells] = '\0';
	printf("%s", bar);
}

/* ---- progress ---------------------------------------------------------------------------- */

void show_begin(struct show_line *l)
{
	l->terminal = isatty(STDOUT_FILENO) == 1;
	l->next = show_seconds() + (l->terminal ? 0.1 : 1.0);
}

/* Of the terminal; 80 where it does not tell. */
static int columns(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* What does not fit into one line could not be drawn over: the bar yields first. */
static void redraw(const char *text, uint64_t bytes, uint64_t total_bytes)
{
	int room = columns() - 1, cells = room - (int)strlen(text) - 3;

	printf("\r");
	if (cells > 0) {
		printf("[");
		print_bar(bytes, total_bytes, cells < BAR_CELLS ? (unsigned)cells : BAR_CELLS,
		          '.');
		printf("] ");
	}
	printf("%.*s\033[K", room, text);
}

void show_progress(struct show_line *l, uint64_t files, uint64_t words, uint64_t bytes,
                   uint64_t total_bytes)
{
	double now = show_seconds();
	char text[160];

	if (now < l->next)
		return;
	l->next = now + (l->terminal ? 0.1 : 1.0);
	snprintf(text, sizeof text, "%llu files  %llu words  %.1f of %.1f MiB  %.1f s",
	         (unsigned long long)files, (unsigned long long)words, show_mib(bytes),
	         show_mib(total_bytes), now);
	if (l->terminal)
		redraw(text, bytes, total_bytes);
	else
		puts(text);
	fflush(stdout);
}

void show_end(const struct show_line *l)
{
	if (l->terminal)
		printf("\r\033[K");
	fflush(stdout);
}

/* ---- memory ------------------------------------------------------------------------------ */

uint64_t show_resident_bytes(void)
{
	FILE *f = fopen("/proc/self/smaps_rollup", "re");
	unsigned long long kib = 0;
	char line[256];

	while (f && fgets(line, sizeof line, f)) {
		if (sscanf(line, "Rss: %llu", &kib) == 1)
			break;
	}
	if (f)
		fclose(f);
	return kib * 1024;
}

static void print_memory(const char *when, uint64_t bytes, uint64_t peak_bytes)
{
	printf("  %-15s%8.1f MiB  ", when, show_mib(bytes));
	print_bar(bytes, peak_bytes, BAR_CELLS, '\0');
	putchar('\n');
}

void show_memory(uint64_t before_bytes, uint64_t peak_bytes, uint64_t after_bytes)
{
	double grown = show_mib(peak_bytes) - show_mib(before_bytes);
	double shrunk = show_mib(peak_bytes) - show_mib(after_bytes);

	if (peak_bytes == 0) {
		puts("Memory: this kernel has no /proc/self/smaps_rollup to read it from.");
		return;
	}
	puts("Memory of this process (Rss):");
	print_memory("before", before_bytes, peak_bytes);
	print_memory("with the index", peak_bytes, peak_bytes);
	print_memory("index dropped", after_bytes, peak_bytes);
	if (grown < TELLING_MIB)
		puts("  The index is too small to show what goes back: name larger folders.");
	else
		printf("  returned: %.1f %% of the %.1f MiB that the index took\n",
		       shrunk > 0 ? 100 * shrunk / grown : 0, grown);
}

/* ---- the look from outside --------------------------------------------------------------- */

/* The path of "slabstat" in the folder of this program. */
static bool beside(char *path, size_t size)
{
	static const char name[] = "slabstat";
	ssize_t n = readlink("/proc/self/exe", path, size - sizeof name);

	while (n > 0 && path[n - 1] != '/')
		n--;
	if (n <= 0)
		return false;
	memcpy(path + n, name, sizeof name);
	return true;
}

/* In the child: wait until the parent has allowed it to look, then become slabstat. */
static void become(const char *path, int gate, pid_t parent)
{
	char pid[24], byte;
	ssize_t n;

	snprintf(pid, sizeof pid, "%ld", (long)parent);
	do
		n = read(gate, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		execl(path, path, pid, (char *)NULL);
	_exit(127);
}

static int run_slabstat(const char *path)
{
	pid_t self = getpid(), child;
	int gate[2], status = -1;

	if (pipe(gate))
		return -1;
	fflush(stdout);
	child = fork();
	if (child == 0) {
		close(gate[1]);
		become(path, gate[0], self);
	}
	close(gate[0]);
	if (child > 0) {
		prctl(PR_SET_PTRACER, (unsigned long)child, 0, 0, 0); /* EINVAL without Yama */
		if (write(gate[1], "", 1) != 1)
			perror("slabdemo");
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			;
		prctl(PR_SET_PTRACER, 0, 0, 0, 0);
	}
	close(gate[1]);
	return status;
}

void show_outside(const char *path)
{
	char found[PATH_MAX];
	int status;

	if (!path && !beside(found, sizeof found))
		strcpy(found, "slabstat");
	if (!path)
		path = found;
	if (access(path, X_OK) != 0) {
		printf("No slabstat at %s, so no look from outside: build it with make, or name "
		       "another by --slabstat=PATH.\n", path);
		return;
	}
	printf("What slabstat sees of this process (%ld) from outside:\n", (long)getpid());
	status = run_slabstat(path);
	if (status == -1)
		printf("It could not be started: %s.\n", strerror(errno));
	else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		printf("It ended with %s %d; its own words are above.\n",
		       WIFEXITED(status) ? "status" : "signal",
		       WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}
