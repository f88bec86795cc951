/*
 * symbols_dwfl.c - names for addresses by libdwfl, in a child of its own                 Floor t2
 *
 * Called by symbols.c. Only files that we have opened ourselves are given to the library: plain
 * ELF files that the target had mapped from their beginning.
 */
#define _GNU_SOURCE 1
#include "tools/symbols_dwfl.h"

#ifndef SLAB_WITH_DWFL
#define SLAB_WITH_DWFL 0 /* the Makefile knows it */
#endif

#if SLAB_WITH_DWFL
#include <elf.h>
#include <elfutils/libdwfl.h>
#include <elfutils/version.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADERS_MAX 128

static int open_plain(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* As the target sees it; a file that is deleted is still there behind its mapping. */
static int open_module(const struct symbols_module *module, int pid)
{
	char path[4096 + 64];
	int fd;

	if (pid == 0)
		return open_plain(module->path);
	snprintf(path, sizeof path, "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, pid, module->start,
		 module->end);
	fd = open_plain(path);
	if (fd >= 0)
		return fd;
	snprintf(path, sizeof path, "/proc/%d/root%s", pid, module->path);
	return open_plain(path);
}

/* By how much the addresses in a file were moved. Return: whether it is an ELF file at all. */
static bool find_bias(int fd, uint64_t start, uint64_t *bias)
{
	Elf64_Phdr header[HEADERS_MAX];
	Elf64_Ehdr elf;

	if (pread(fd, &elf, sizeof elf, 0) != sizeof elf ||
	    memcmp(elf.e_ident, ELFMAG, SELFMAG) != 0 || elf.e_ident[EI_CLASS] != ELFCLASS64 ||
	    elf.e_phentsize != sizeof header[0] || elf.e_phnum > HEADERS_MAX ||
	    pread(fd, header, elf.e_phnum * sizeof header[0], (off_t)elf.e_phoff) !=
		(ssize_t)(elf.e_phnum * sizeof header[0]))
		return false;
	for (size_t i = 0; i < elf.e_phnum; i++) {
		if (header[i].p_type == PT_LOAD && header[i].p_offset == 0) {
			*bias = start - header[i].p_vaddr;
			return true;
		}
	}
	return false;
}

static void report_modules(Dwfl *dwfl, const struct symbols_module *module, size_t modules, int pid)
{
	dwfl_report_begin(dwfl);
	for (size_t i = 0; i < modules; i++) {
		uint64_t bias;
		int fd;

		if (module[i].offset != 0)
			continue;
		fd = open_module(&module[i], pid);
		if (fd >= 0 && (!find_bias(fd, module[i].start, &bias) ||
				!dwfl_report_elf(dwfl, module[i].path, module[i].path, fd, bias,
						 false)))
			close(fd);
	}
	dwfl_report_end(dwfl, NULL, NULL);
}

/* A return address: the call is before it. */
static void answer_one(Dwfl *dwfl, uint64_t addr, char to[SYMBOLS_DWFL_BYTES])
{
	Dwfl_Module *module = dwfl_addrmodule(dwfl, addr - 1);
	const char *name, *file = NULL, *slash;
	GElf_Off offset = 0;
	Dwfl_Line *line;
	GElf_Sym symbol;
	int number = 0;

	name = module ? dwfl_module_addrinfo(module, addr - 1, &offset, &symbol, NULL, NULL, NULL)
		      : NULL;
	if (!name)
		return;
	line = dwfl_module_getsrc(module, addr - 1);
	if (line)
		file = dwfl_lineinfo(line, NULL, &number, NULL, NULL, NULL);
	slash = file ? strrchr(file, '/') : NULL;
	if (file)
		snprintf(to, SYMBOLS_DWFL_BYTES, "%.120s+%#" PRIx64 " (%.80s:%d)", name,
			 (uint64_t)offset + 1, slash ? slash + 1 : file, number);
	else
		snprintf(to, SYMBOLS_DWFL_BYTES, "%.120s+%#" PRIx64, name, (uint64_t)offset + 1);
}

void symbols_dwfl_serve(const struct symbols_module *module, size_t modules, int pid, int ask,
			int answer)
{
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_build_id_find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
		.section_address = dwfl_offline_section_address,
	};
	Dwfl *dwfl;
	uint64_t addr;

	unsetenv("DEBUGINFOD_URLS"); /* names are not worth asking the network */
	dwfl = dwfl_begin(&callbacks);
	if (dwfl)
		report_modules(dwfl, module, modules, pid);
	while (read(ask, &addr, sizeof addr) == (ssize_t)sizeof addr) {
		char text[SYMBOLS_DWFL_BYTES] = "";

		if (dwfl)
			answer_one(dwfl, addr, text);
		if (write(answer, text, sizeof text) != (ssize_t)sizeof text)
			break;
	}
}

#define TEXT_OF(number) #number
#define VERSION_OF(number) TEXT_OF(number)

const char *symbols_dwfl_version(void)
{
	return "elfutils 0." VERSION_OF(_ELFUTILS_VERSION);
}
#else
void symbols_dwfl_serve(const struct symbols_module *module, size_t modules, int pid, int ask,
			int answer)
{
	(void)module;
	(void)modules;
	(void)pid;
	(void)ask;
	(void)answer;
}

const char *symbols_dwfl_version(void)
{
	return NULL;
}
#endif
