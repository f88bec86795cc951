/*
 * target_live.c - reads the memory of a live process                                     Floor t2
 *
 * Called by sources.c and figures.c to open, through struct target by everything else. Uses
 * process_vm_readv, and /proc/PID/mem where that is forbidden or missing. Never stops the target:
 * whoever reads must expect it to change, or to end, in between.
 */
#define _GNU_SOURCE 1
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tools/access.h"
#include "tools/target.h"

#define PARTS_PER_CALL 512 /* at most IOV_MAX, 1024 */
#define MAPPINGS_MAX   ((size_t)1 << 20)
#define PAGE_THERE     ((uint64_t)3 << 62) /* of a word of pagemap: present, or swapped out */
#define KERNEL_THREAD  0x00200000u /* the kernel's PF_KTHREAD */

static int task_file(const struct target *target, int task, const char *name)
{
	char path[64];

	snprintf(path, sizeof path, "task/%d/%s", task, name);
	return openat(target->proc_fd, path, O_RDONLY | O_CLOEXEC);
}

static int read_mem(struct target *target, const struct target_part *parts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t done = 0;

		while (done < parts[i].bytes) {
			ssize_t n = pread(target->mem_fd, (char *)parts[i].to + done,
					  parts[i].bytes - done, (off_t)(parts[i].addr + done));

			if (n < 0 && errno != EINTR)
				return errno == EIO ? EFAULT : errno;
			if (n == 0) /* its memory is gone */
				return ESRCH;
			if (n > 0)
				done += (size_t)n;
		}
	}
	return 0;
}

static int read_vm(struct target *target, const struct target_part *parts, size_t count)
{
	struct iovec here[PARTS_PER_CALL], there[PARTS_PER_CALL];

	while (count > 0) {
		size_t n = count < PARTS_PER_CALL ? count : PARTS_PER_CALL, bytes = 0;
		ssize_t got;

		for (size_t i = 0; i < n; i++) {
			here[i] = (struct iovec){ parts[i].to, parts[i].bytes };
			there[i] =
			    (struct iovec){ (void *)(uintptr_t)parts[i].addr, parts[i].bytes };
			bytes += parts[i].bytes;
		}
		got = process_vm_readv(target->reader, here, n, there, n, 0);
		if (got < 0)
			return errno;
		if ((size_t)got != bytes)
			return EFAULT;
		parts += n;
		count -= n;
	}
	return 0;
}

static int live_read(struct target *target, const struct target_part *parts, size_t count)
{
	int error;

	if (target->mem_fd >= 0)
		return read_mem(target, parts, count);
	error = read_vm(target, parts, count);
	if (error != EPERM && error != ENOSYS)
		return error;
	target->mem_fd = task_file(target, target->reader, "mem");
	if (target->mem_fd < 0)
		return error;
	return read_mem(target, parts, count);
}

/* Reads what the kernel says of the pages from number first on. Return: whether it does. */
static bool take_pages(struct target *target, uint64_t first)
{
	ssize_t n;

	if (target->pagemap_fd < 0)
		target->pagemap_fd = task_file(target, target->reader, "pagemap");
	if (target->pagemap_fd < 0)
		return false;
	n = pread(target->pagemap_fd, target->page_word, sizeof target->page_word,
		  (off_t)(first * sizeof target->page_word[0]));
	target->page_first = first;
	target->page_count = n > 0 ? (size_t)n / sizeof target->page_word[0] : 0;
	return target->page_count > 0;
}

/* Pages that are neither in memory nor on a swap device have never been written. */
static bool live_present(struct target *target, uint64_t addr, uint64_t end, uint64_t *from,
			 uint64_t *to)
{
	uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE), page = addr / page_bytes;
	bool inside = false;

	for (*from = *to = addr; *to < end; page++) {
		bool there = true; /* as long as nobody says otherwise */

		if (page - target->page_first < target->page_count || take_pages(target, page))
			there = target->page_word[page - target->page_first] & PAGE_THERE;
		if (inside && !there)
			return true;
		*to = (page + 1) * page_bytes < end ? (page + 1) * page_bytes : end;
		if (!there)
			*from = *to;
		inside = there;
	}
	return inside;
}

/* The state letter of a task, or 0 when there is no such task any more; its flags (proc(5)). */
static char task_state(const struct target *target, int task, unsigned *flags)
{
	char text[512], state = 0;
	int fd = task_file(target, task, "stat");
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	char *end;

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	end = strrchr(text, ')'); /* the name before it may hold anything */
	if (!end || sscanf(end, ") %c %*d %*d %*d %*d %*d %u", &state, flags) != 2)
		return 0;
	return state;
}

/* What is not to be read. Below /dev there is memory, too; shared by fork it is called zero. */
static bool is_device(const char *path)
{
	static const char *const memory[] = { "/dev/zero", "/dev/shm/", "/dev/hugepages/" };

	for (size_t i = 0; i < sizeof memory / sizeof memory[0]; i++)
		if (strncmp(path, memory[i], strlen(memory[i])) == 0)
			return false;
	return strncmp(path, "/dev/", 5) == 0 || strncmp(path, "[v", 2) == 0;
}

static bool parse_mapping(const char *line, struct target_mapping *mapping)
{
	unsigned long long start, end, offset, inode;
	char mode[8];
	int path = 0;

	if (sscanf(line, "%llx-%llx %7s %llx %*s %llu %n", &start, &end, mode, &offset, &inode,
		   &path) < 5)
		return false;
	mapping->start = start;
	mapping->end = end;
	mapping->offset = offset;
	mapping->readable = mode[0] == 'r';
	mapping->writable = mode[1] == 'w';
	mapping->anonymous = inode == 0;
	mapping->device = is_device(line + path);
	return end > start;
}

/* Lists the mappings of one task. Return: 0 or an errno; no mapping: its memory is gone. */
static int list_mappings(struct target *target, int task)
{
	int fd = task_file(target, task, "maps");
	FILE *maps = fd < 0 ? NULL : fdopen(fd, "r");
	size_t room = 0, line_bytes = 0;
	char *line = NULL;
	int error = 0;

	if (!maps)
		return errno;
	target->mapping_count = 0;
	errno = 0;
	while (target->mapping_count < MAPPINGS_MAX && getline(&line, &line_bytes, maps) > 0) {
		if (target->mapping_count == room) {
			struct target_mapping *more;

			room = room ? 2 * room : 64;
			more = realloc(target->mappings, room * sizeof *more);
			if (!more)
				break;
			target->mappings = more;
		}
		if (parse_mapping(line, &target->mappings[target->mapping_count]))
			target->mapping_count++;
	}
	if (target->mapping_count == 0)
		error = errno; /* 0 at a plain end of file */
	free(line);
	fclose(maps);
	return error;
}

static void close_memory(struct target *target)
{
	if (target->mem_fd >= 0)
		close(target->mem_fd);
	if (target->pagemap_fd >= 0)
		close(target->pagemap_fd);
	target->mem_fd = target->pagemap_fd = -1;
	target->page_count = 0;
}

/* The first thread may have ended before the others; then another one has the memory. */
int target_list_mappings(struct target *target)
{
	int fd, error = list_mappings(target, target->pid);
	struct dirent *entry;
	DIR *tasks;

	close_memory(target); /* of what was before an exec */
	target->reader = target->pid;
	if (error || target->mapping_count > 0)
		return error;
	fd = openat(target->proc_fd, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	tasks = fd < 0 ? NULL : fdopendir(fd);
	if (!tasks)
		return ESRCH;
	while (target->mapping_count == 0 && (entry = readdir(tasks))) {
		int task = atoi(entry->d_name);

		if (task > 0 && list_mappings(target, task) == 0 && target->mapping_count > 0)
			target->reader = task;
	}
	closedir(tasks);
	return 0;
}

/* The thread whose memory is read may end before the others. */
static bool live_alive(struct target *target)
{
	unsigned flags;
	char state = task_state(target, target->reader, &flags);

	return (state != 0 && state != 'Z' && state != 'X') ||
	       (target_list_mappings(target) == 0 && target->mapping_count > 0);
}

enum fault_code target_refresh(struct target *target, struct fault *fault)
{
	int error = target_list_mappings(target);

	if (error == ENOENT || error == ESRCH || (!error && target->mapping_count == 0))
		return fault_set(fault, FAULT_PARTIAL, "%s has ended.", target->label);
	return error ? access_explain(target->pid, error, fault) : FAULT_NONE;
}

/* Reads one byte to learn whether reading is allowed at all. */
static int try_reading(struct target *target)
{
	char byte;

	for (size_t i = 0; i < target->mapping_count; i++) {
		const struct target_mapping *mapping = &target->mappings[i];
		int error;

		if (!mapping->readable || mapping->device)
			continue;
		error = target_read(target, mapping->start, &byte, 1);
		if (error != EFAULT)
			return error;
	}
	return 0;
}

static enum fault_code explain_empty(struct target *target, struct fault *fault)
{
	unsigned flags = 0;
	char state = task_state(target, target->pid, &flags);

	if (state != 0 && (flags & KERNEL_THREAD))
		return fault_set(fault, FAULT_FOREIGN, "process %d is a thread of the kernel.",
				 target->pid);
	return fault_set(fault, FAULT_MISSING, "process %d has ended%s.", target->pid,
			 state == 'Z' ? " and waits for its parent to notice (zombie)" : "");
}

enum fault_code target_open_live(struct target *target, int pid, struct fault *fault)
{
	enum fault_code code = FAULT_NONE;
	char path[32];
	int error;

	*target = (struct target){ .read = live_read,
				   .alive = live_alive,
				   .present = live_present,
				   .source = "live",
				   .pid = pid,
				   .reader = pid,
				   .pagemap_fd = -1,
				   .mem_fd = -1 };
	snprintf(target->label, sizeof target->label, "process %d", pid);
	snprintf(path, sizeof path, "/proc/%d", pid);
	target->proc_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (target->proc_fd < 0)
		return access_explain(pid, errno, fault);
	error = target_list_mappings(target);
	if (error == 0 && target->mapping_count == 0)
		code = explain_empty(target, fault);
	else if (error == 0)
		error = try_reading(target);
	if (code == FAULT_NONE && error == ESRCH)
		code = fault_set(fault, FAULT_MISSING, "process %d has ended.", pid);
	else if (code == FAULT_NONE && error)
		code = access_explain(pid, error, fault);
	if (code != FAULT_NONE)
		target_close_live(target);
	return code;
}

void target_close_live(struct target *target)
{
	free(target->mappings);
	close_memory(target);
	close(target->proc_fd);
}
