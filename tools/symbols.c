/*
 * symbols.c - names for addresses of code                                                Floor t3
 *
 * Called by users.c, leaks.c and who.c. Modules come from the mappings, names from libdwfl where
 * slabstat was built with it. That library believes what files tell it, and ends the program by an
 * assertion at times: so it works in a child (symbols_dwfl.c) that has limits; if the child dies or
 * is silent, addresses stay bare.
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/core_notes.h"
#include "tools/symbols.h"
#include "tools/text.h"

#define MODULES_MAX     65536
#define ANSWER_MS       10000 /* the first answer reads all debug information */
#define HELPER_SECONDS  60
#define HELPER_BYTES    ((rlim_t)4 << 30)

static void add(struct symbols *symbols, uint64_t start, uint64_t end, uint64_t offset,
		const char *path)
{
	if (symbols->modules == symbols->room) {
		size_t room = symbols->room ? 2 * symbols->room : 64;
		struct symbols_module *more =
		    room <= MODULES_MAX ? realloc(symbols->module, room * sizeof *more) : NULL;

		if (!more)
			return;
		symbols->module = more;
		symbols->room = room;
	}
	symbols->module[symbols->modules] =
	    (struct symbols_module){ start, end, offset, strdup(path) };
	symbols->modules += symbols->module[symbols->modules].path != NULL;
}

static void take_maps(struct symbols *symbols, const struct target *target)
{
	char *line = NULL, file[64];
	size_t line_bytes = 0;
	FILE *maps;
	int fd;

	snprintf(file, sizeof file, "task/%d/maps", target->reader);
	fd = openat(target->proc_fd, file, O_RDONLY | O_CLOEXEC);
	maps = fd < 0 ? NULL : fdopen(fd, "r");
	if (!maps)
		return;
	while (getline(&line, &line_bytes, maps) > 0) {
		unsigned long long start, end, offset;
		int path = 0;

		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "%llx-%llx %*s %llx %*s %*s %n", &start, &end, &offset, &path) ==
			3 &&
		    path > 0 && line[path] == '/')
			add(symbols, start, end, offset, line + path);
	}
	free(line);
	fclose(maps);
}

static void start_helper(struct symbols *symbols)
{
	const struct rlimit seconds = { HELPER_SECONDS, HELPER_SECONDS };
	const struct rlimit bytes = { HELPER_BYTES, HELPER_BYTES };
	int ask[2], answer[2];

	/* a socket can be written to without SIGPIPE, should the helper die; output keeps it */
	if (!symbols_library() || symbols->modules == 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ask) != 0)
		return;
	if (pipe2(answer, O_CLOEXEC) != 0) {
		close(ask[0]);
		close(ask[1]);
		return;
	}
	fflush(NULL);
	symbols->helper = fork();
	if (symbols->helper == 0) {
		close(ask[1]);
		close(answer[0]);
		setrlimit(RLIMIT_CPU, &seconds);
		setrlimit(RLIMIT_AS, &bytes);
		dup2(open("/dev/null", O_RDWR), STDERR_FILENO); /* what it says when it asserts */
		symbols_dwfl_serve(symbols->module, symbols->modules, symbols->pid, ask[0],
				   answer[1]);
		_exit(0);
	}
	close(ask[0]);
	close(answer[1]);
	symbols->ask = ask[1];
	symbols->answer = answer[0];
	if (symbols->helper < 0) {
		close(ask[1]);
		close(answer[0]);
		symbols->helper = 0;
	}
}

void symbols_open(struct symbols *symbols, const struct target *target)
{
	*symbols = (struct symbols){ 0 };
	if (target->core) {
		const struct core_notes *notes = target_core_notes(target);

		for (size_t i = 0; i < notes->files; i++)
			add(symbols, notes->file[i].start, notes->file[i].end,
			    notes->file[i].offset, notes->file[i].path);
	} else {
		symbols->pid = target->reader; /* the first thread may have ended */
		take_maps(symbols, target);
	}
	start_helper(symbols);
}

static void stop_helper(struct symbols *symbols)
{
	if (symbols->helper == 0)
		return;
	close(symbols->ask);
	close(symbols->answer);
	kill(symbols->helper, SIGKILL);
	waitpid(symbols->helper, NULL, 0);
	symbols->helper = 0;
}

/* Asks the helper. Return: whether it knows a name. */
static bool ask(struct symbols *symbols, uint64_t addr, char to[SYMBOLS_DWFL_BYTES])
{
	struct pollfd wait = { .fd = symbols->answer, .events = POLLIN };
	ssize_t n = -1;

	if (symbols->helper == 0)
		return false;
	if (send(symbols->ask, &addr, sizeof addr, MSG_NOSIGNAL) == (ssize_t)sizeof addr &&
	    poll(&wait, 1, ANSWER_MS) == 1)
		n = read(symbols->answer, to, SYMBOLS_DWFL_BYTES);
	if (n != SYMBOLS_DWFL_BYTES) { /* less than a pipe hands over at once: it is gone */
		stop_helper(symbols);
		return false;
	}
	to[SYMBOLS_DWFL_BYTES - 1] = '\0';
	for (char *c = to; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '_';
	return to[0] != '\0';
}

char *symbols_name(struct symbols *symbols, uint64_t addr, char to[SYMBOLS_TEXT_BYTES])
{
	const struct symbols_module *module = NULL;
	char name[SYMBOLS_DWFL_BYTES], file[64];
	const char *slash;

	for (size_t i = 0; i < symbols->modules && !module; i++)
		if (addr - symbols->module[i].start <
		    symbols->module[i].end - symbols->module[i].start)
			module = &symbols->module[i];
	if (!module) {
		snprintf(to, SYMBOLS_TEXT_BYTES, "%#" PRIx64, addr);
		return to;
	}
	slash = strrchr(module->path, '/');
	slash = slash ? slash + 1 : module->path;
	text_copy_name(file, sizeof file, slash, strlen(slash));
	if (!ask(symbols, addr, name))
		name[0] = '\0';
	snprintf(to, SYMBOLS_TEXT_BYTES, "%s%s[%s+%#" PRIx64 "]", name, name[0] ? " " : "", file,
		 module->offset + (addr - module->start));
	return to;
}

void symbols_close(struct symbols *symbols)
{
	stop_helper(symbols);
	for (size_t i = 0; i < symbols->modules; i++)
		free(symbols->module[i].path);
	free(symbols->module);
	*symbols = (struct symbols){ 0 };
}

const char *symbols_library(void)
{
	return symbols_dwfl_version();
}
