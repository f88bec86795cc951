/*
 * slabstat.c - looks into the slab caches of a running program                          Floor t10
 *
 * Usage is in the text below and in docs/slabstat.1; exit codes are in fault.h. The floors of the
 * tool, from the roof down; a file includes only lower floors and its own header. It links nothing
 * of the library, never stops a target, and believes nothing that it reads there.
 *
 *   t10  slabstat.c
 *   t9   report_table.c report_json.c         figures as text
 *        report_formats.c snapshot.c          and back from JSON; the command line (options.c)
 *   t8   report.h keys.c processes.c          list of the processes that embed the library
 *        inside.c                             map, verify, whatis
 *   t7   figures.c                            a consistent whole, by reading again what changed
 *   t6   row.c                                numbers of one cache -> its figures
 *        slabs.c                              slabs slot by slot
 *   t5   slots.c parked.c spans.c             what the threads hold; runs of slabs
 *   t4   walk.c                               lists of caches and threads
 *   t3   table.c note.c                       the target's own field table; where its roots are
 *   t2   target_live.c target_core.c          bytes of a live process, of a core file
 *   t1   target.h access.c core_notes.c       "read n bytes at an address"; why it may not be
 *   t0   fault.c text.c
 */
#define _GNU_SOURCE 1
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/options.h"
#include "tools/processes.h"
#include "tools/report.h"
#include "tools/snapshot.h"
#include "slab/layout.h"

#ifndef SLAB_VERSION
#define SLAB_VERSION "unknown" /* the Makefile knows it */
#endif

static const char help[] =
    "Usage: slabstat [table|snapshot|map|verify] [TARGET] [OPTION...]\n"
    "       slabstat whatis TARGET ADDRESS\n"
    "Show the slab caches of a program. TARGET is a PID, a core file, a snapshot, or -\n"
    "(a snapshot from standard input); without one, list the processes that embed the\n"
    "library. snapshot prints what can be read as a target later.\n"
    "  -a, --all              show caches without a slab as well\n"
    "      --cache=GLOB,...   only caches whose name matches; * and ? are special\n"
    "      --format=FORMAT    table (default) json csv prometheus slabinfo umastat\n"
    "      --json             the same as --format=json\n"
    "  -s, --sort=LETTER      order of the table, the largest first:\n"
    "                           a ACTIVE    b OBJ/SLAB  c CACHE SIZE (default)\n"
    "                           k CACHED    l SLABS     m PEAK   n NAME (ascending)\n"
    "                           o OBJS      s OBJ SIZE  u USE\n"
    "      --per-cache        prometheus: a series per cache as well\n"
    "  -h, --help             this text\n"
    "  -V, --version          version of slabstat\n"
    "\n"
    "Exit status: 0 done, 1 a finding, 2 usage, 3 no such process or file, 4 not\n"
    "permitted, 5 does not embed the library, 6 unreadable layout, 7 partial data\n"
    "(the target ended meanwhile, or is damaged; what was read is shown).\n"
    "\n"
    "A cache marked ~ changed while it was read. Reading needs the same user as the\n"
    "target, or root; where Yama is on, also a prctl(PR_SET_PTRACER) by the target.\n";

static void report(FILE *out, struct figures *figures, const struct options *options)
{
	switch (options->format) {
	case FORMAT_JSON:
		report_json(out, figures);
		break;
	case FORMAT_CSV:
		report_csv(out, figures);
		break;
	case FORMAT_PROMETHEUS:
		report_prometheus(out, figures, options->per_cache);
		break;
	case FORMAT_SLABINFO:
		report_slabinfo(out, figures);
		break;
	case FORMAT_UMASTAT:
		report_umastat(out, figures);
		break;
	default:
		report_table(out, figures, options->sort, options->all);
	}
}

static void show(const struct options *options, struct figures *figures)
{
	if (options->globs)
		figures_keep(figures, options->globs);
	report(stdout, figures, options);
}

static enum fault_code show_live(const struct options *options, int pid, struct fault *fault)
{
	struct figures figures = { 0 };
	struct target target;
	enum fault_code code;

	if (options->verb == VERB_INSIDE) {
		code = target_open_live(&target, pid, fault);
		if (code == FAULT_NONE) {
			code = inside_run(stdout, &target, &options->ask, fault);
			target_close_live(&target);
		}
		return code;
	}
	code = figures_of_process(&figures, pid, fault);
	if (figures.roots > 0)
		show(options, &figures);
	figures_free(&figures);
	return code;
}

static enum fault_code no_memory(const char *path, struct fault *fault)
{
	return fault_set(fault, FAULT_USAGE,
			 "%.200s is a snapshot, which keeps figures and no memory: name a PID or "
			 "a core file.",
			 path);
}

/* A file is told by its first bytes. fd is closed. */
static enum fault_code show_file(const struct options *options, const char *path, int fd,
				 struct fault *fault)
{
	struct figures figures = { 0 };
	Elf64_Ehdr header = { .e_type = ET_NONE };
	struct target target;
	enum fault_code code;
	ssize_t n = pread(fd, &header, sizeof header, 0);

	if (n == sizeof header && memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 &&
	    header.e_type == ET_CORE) {
		code = target_open_core(&target, fd, path, fault);
		if (code != FAULT_NONE)
			return code;
		if (options->verb == VERB_INSIDE)
			code = inside_run(stdout, &target, &options->ask, fault);
		else
			code = figures_of_target(&figures, &target, fault);
		target_close_core(&target);
	} else if (options->verb == VERB_INSIDE && n > 0 && header.e_ident[0] == '{') {
		close(fd);
		return no_memory(path, fault);
	} else if (n <= 0 || header.e_ident[0] == '{') {
		code = snapshot_read(&figures, fd, path, fault);
	} else {
		close(fd);
		return fault_set(fault, FAULT_USAGE,
				 "%.200s is neither a core file nor a snapshot: name a PID, or a "
				 "file that slabstat snapshot has written.",
				 path);
	}
	if (figures.roots > 0)
		show(options, &figures);
	figures_free(&figures);
	return code;
}

static enum fault_code open_file(const struct options *options, const char *path,
				 struct fault *fault)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 && (errno == EACCES || errno == EPERM))
		return fault_set(fault, FAULT_DENIED,
				 "%.200s may not be read: check its permissions.", path);
	if (fd < 0)
		return fault_set(fault, FAULT_MISSING,
				 "there is no process or file '%.200s': see slabstat --help.",
				 path);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return fault_set(fault, FAULT_USAGE,
				 "%.200s is no plain file: use - to read a snapshot from a pipe.",
				 path);
	}
	return show_file(options, path, fd, fault);
}

static enum fault_code show_target(const struct options *options, const char *target,
				   struct fault *fault)
{
	struct figures figures = { 0 };
	enum fault_code code;
	char *end;
	long pid;

	if (strcmp(target, "-") == 0) {
		if (options->verb == VERB_INSIDE)
			return no_memory("standard input", fault);
		code = snapshot_read(&figures, dup(STDIN_FILENO), "standard input", fault);
		if (figures.roots > 0)
			show(options, &figures);
		figures_free(&figures);
		return code;
	}
	if (target[0] == '\0' || target[strspn(target, "0123456789")] != '\0')
		return open_file(options, target, fault);
	errno = 0;
	pid = strtol(target, &end, 10);
	if (errno || pid < 1 || pid > INT32_MAX)
		return fault_set(fault, FAULT_MISSING, "there is no process %.40s.", target);
	return show_live(options, (int)pid, fault);
}

static enum fault_code run(int argc, char **argv, struct fault *fault)
{
	struct options options = { .sort = REPORT_SORT_DEFAULT };
	enum fault_code code = options_parse(&options, argc, argv, REPORT_SORTS, fault);

	if (code != FAULT_NONE)
		return code;
	if (options.verb == VERB_HELP)
		fputs(help, stdout);
	else if (options.verb == VERB_VERSION)
		printf("slabstat %s, layout %u\n", SLAB_VERSION, SLAB_LAYOUT_VERSION);
	else if (options.target)
		code = show_target(&options, options.target, fault);
	else
		code = processes_list(stdout, options.format == FORMAT_JSON, fault);
	return code;
}

int main(int argc, char **argv)
{
	struct fault fault = { 0 };
	enum fault_code code = run(argc, argv, &fault);

	if ((fflush(stdout) != 0 || ferror(stdout)) && code == FAULT_NONE)
		code = fault_set(&fault, FAULT_PARTIAL, "the output could not be written (%s).",
				 strerror(errno));
	if (code != FAULT_NONE)
		fprintf(stderr, "slabstat: %s\n", fault.text);
	return code;
}
