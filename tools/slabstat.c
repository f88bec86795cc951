/*
 * slabstat.c - looks into the slab caches of a running program                          Floor t10
 *
 * Usage is in the text below and in docs/slabstat.1; exit codes are in fault.h. The floors of the
 * tool, from the roof down; a file includes only lower floors and its own header. It links nothing
 * of the library, never stops a target, and believes nothing that it reads there.
 *
 *   t10  slabstat.c
 *   t9   report_table.c report_json.c         figures as text
 *   t8   report.h  processes.c                list of the processes that embed the library
 *   t7   figures.c                            a consistent whole, by reading again what changed
 *   t6   row.c                                numbers of one cache -> its figures
 *   t5   slots.c                              what the threads hold
 *   t4   walk.c                               lists of caches and threads
 *   t3   table.c note.c                       the target's own field table; where its roots are
 *   t2   target_live.c                        bytes of a live process
 *   t1   target.h access.c options.c          "read n bytes at an address"; why it may not be
 *   t0   fault.c text.c
 */
#define _GNU_SOURCE 1
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/options.h"
#include "tools/processes.h"
#include "tools/report.h"
#include "slab/layout.h"

#define VERSION "0.1.0"

static const char help[] =
    "Usage: slabstat [table] [TARGET] [OPTION...]\n"
    "Show the slab caches of a running program. TARGET is a PID; without one, list\n"
    "the processes that embed the library. The target is neither stopped nor changed.\n"
    "\n"
    "  -a, --all              show caches without a slab as well\n"
    "      --cache=GLOB,...   only caches whose name matches; * and ? are special\n"
    "      --format=FORMAT    table (default) or json\n"
    "      --json             the same as --format=json\n"
    "  -s, --sort=LETTER      order of the table, the largest first:\n"
    "                           a ACTIVE    b OBJ/SLAB  c CACHE SIZE (default)\n"
    "                           k CACHED    l SLABS     m PEAK   n NAME (ascending)\n"
    "                           o OBJS      s OBJ SIZE  u USE\n"
    "  -h, --help             this text\n"
    "  -V, --version          version of slabstat\n"
    "\n"
    "Exit status: 0 done, 1 a finding, 2 usage, 3 no such process or file, 4 not\n"
    "permitted, 5 does not embed the library, 6 unreadable layout, 7 partial data\n"
    "(the target ended meanwhile, or is damaged; what was read is shown).\n"
    "\n"
    "A cache marked ~ changed while it was read. Reading needs the same user as the\n"
    "target, or root; where Yama is on, also a prctl(PR_SET_PTRACER) by the target.\n";

static enum fault_code show_process(const struct options *options, int pid, struct fault *fault)
{
	struct figures figures;
	enum fault_code code = figures_of_process(&figures, pid, fault);

	if (figures.roots > 0) {
		if (options->globs)
			figures_keep(&figures, options->globs);
		if (options->format == FORMAT_JSON)
			report_json(stdout, &figures);
		else
			report_table(stdout, &figures, options->sort, options->all);
	}
	figures_free(&figures);
	return code;
}

/* Says what a file is, by its first bytes. */
static enum fault_code show_file(const char *path, struct fault *fault)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	Elf64_Ehdr header = { .e_type = ET_NONE };
	ssize_t n;

	if (fd < 0 && (errno == EACCES || errno == EPERM))
		return fault_set(fault, FAULT_DENIED,
				 "%.200s may not be read: check its permissions.", path);
	if (fd < 0)
		return fault_set(fault, FAULT_MISSING,
				 "there is no process or file '%.200s': see slabstat --help.",
				 path);
	n = read(fd, &header, sizeof header);
	close(fd);
	if (n == sizeof header && memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 &&
	    header.e_type == ET_CORE)
		return fault_set(
		    fault, FAULT_USAGE,
		    "%.200s is a core file, and this build reads live processes only yet: "
		    "name a PID.",
		    path);
	if (n > 0 && header.e_ident[0] == '{')
		return fault_set(
		    fault, FAULT_USAGE,
		    "%.200s looks like a snapshot, and this build reads live processes only "
		    "yet: name a PID.",
		    path);
	return fault_set(fault, FAULT_USAGE,
			 "%.200s is neither a core file nor a snapshot, and this build reads live "
			 "processes only yet: name a PID.",
			 path);
}

static enum fault_code show_target(const struct options *options, struct fault *fault)
{
	const char *target = options->target;
	char *end;
	long pid;

	if (target[0] == '-')
		return fault_set(fault, FAULT_USAGE, "'%.40s' is no PID: see slabstat --help.",
				 target);
	if (target[0] == '\0' || target[strspn(target, "0123456789")] != '\0')
		return show_file(target, fault);
	errno = 0;
	pid = strtol(target, &end, 10);
	if (errno || pid < 1 || pid > INT32_MAX)
		return fault_set(fault, FAULT_MISSING, "there is no process %.40s.", target);
	return show_process(options, (int)pid, fault);
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
		printf("slabstat %s, layout %u\n", VERSION, SLAB_LAYOUT_VERSION);
	else if (options.target)
		code = show_target(&options, fault);
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
