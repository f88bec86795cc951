/*
 * sources.c - what a TARGET on the command line stands for                              Floor t10
 *
 * Called by the verbs. Digits are a process, "-" is a snapshot from standard input; a file is told
 * by its first bytes.
 */
#define _GNU_SOURCE 1
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/snapshot.h"
#include "tools/sources.h"

/* fd is closed, or kept by the target. */
static enum fault_code open_content(struct source *source, const char *path, int fd,
				    struct fault *fault)
{
	Elf64_Ehdr header = { .e_type = ET_NONE };
	ssize_t n = pread(fd, &header, sizeof header, 0);
	enum fault_code code;

	if (n == sizeof header && memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 &&
	    header.e_type == ET_CORE) {
		code = target_open_core(&source->target, fd, path, fault);
		if (code == FAULT_NONE)
			source->kind = SOURCE_CORE;
		return code;
	}
	if (n <= 0 || header.e_ident[0] == '{') {
		code = snapshot_read(&source->figures, fd, path, fault);
		if (code == FAULT_NONE)
			source->kind = SOURCE_SNAPSHOT;
		return code;
	}
	close(fd);
	return fault_set(fault, FAULT_USAGE,
			 "%.200s is neither a core file nor a snapshot: name a PID, or a "
			 "file that slabstat snapshot has written.",
			 path);
}

static enum fault_code open_file(struct source *source, const char *path, struct fault *fault)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 && (errno == EACCES || errno == EPERM))
		return fault_set(fault, FAULT_DENIED,
				 "%.200s may not be read: check its permissions.", path);
	if (fd < 0 && errno != ENOENT && errno != ENOTDIR)
		return fault_set(fault, FAULT_MISSING, "%.200s cannot be opened (%s).", path,
				 strerror(errno));
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
	return open_content(source, path, fd, fault);
}

static enum fault_code open_process(struct source *source, const char *word, struct fault *fault)
{
	enum fault_code code;
	long pid;

	errno = 0;
	pid = strtol(word, NULL, 10);
	if (errno || pid < 1 || pid > INT32_MAX)
		return fault_set(fault, FAULT_MISSING, "there is no process %.40s.", word);
	code = target_open_live(&source->target, (int)pid, fault);
	if (code == FAULT_NONE)
		source->kind = SOURCE_LIVE;
	return code;
}

enum fault_code source_open(struct source *source, const char *word, struct fault *fault)
{
	enum fault_code code;

	*source = (struct source){ .kind = SOURCE_NONE };
	snprintf(source->label, sizeof source->label, "%s", word);
	if (strcmp(word, "-") == 0) {
		snprintf(source->label, sizeof source->label, "standard input");
		code = snapshot_read(&source->figures, dup(STDIN_FILENO), source->label, fault);
		if (code == FAULT_NONE)
			source->kind = SOURCE_SNAPSHOT;
		return code;
	}
	if (word[0] == '\0' || word[strspn(word, "0123456789")] != '\0')
		code = open_file(source, word, fault);
	else
		code = open_process(source, word, fault);
	if (source->kind == SOURCE_LIVE || source->kind == SOURCE_CORE)
		memcpy(source->label, source->target.label, sizeof source->label);
	return code;
}

enum fault_code source_open_memory(struct source *source, const char *word, struct fault *fault)
{
	enum fault_code code = source_open(source, word, fault);

	if (code != FAULT_NONE || source->kind != SOURCE_SNAPSHOT)
		return code;
	source_close(source);
	return fault_set(fault, FAULT_USAGE,
			 "%.200s is a snapshot, which keeps figures and no memory: name a PID or "
			 "a core file.",
			 source->label);
}

enum fault_code source_figures(struct source *source, struct figures *figures, struct fault *fault)
{
	enum fault_code code = FAULT_NONE;

	if (source->kind == SOURCE_LIVE && source->was_read)
		code = target_refresh(&source->target, fault);
	source->was_read = true;
	if (source->kind != SOURCE_SNAPSHOT && code == FAULT_NONE)
		return figures_of_target(figures, &source->target, fault);
	*figures = source->figures;
	source->figures = (struct figures){ 0 };
	return code;
}

void source_close(struct source *source)
{
	if (source->kind == SOURCE_LIVE)
		target_close_live(&source->target);
	else if (source->kind == SOURCE_CORE)
		target_close_core(&source->target);
	else if (source->kind == SOURCE_SNAPSHOT)
		figures_free(&source->figures);
	source->kind = SOURCE_NONE;
}
