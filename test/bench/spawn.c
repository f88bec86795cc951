/* spawn.c - run one program and read what it prints; warm the memory before it */
#include "run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT_SECONDS 180

static void become(const struct peer *peer, char *const *args, int out)
{
	char *argv[8] = { (char *)peer->program };
	size_t i;

	for (i = 1; args[i] != NULL && i < 7; i++)
		argv[i] = args[i];
	for (i = 0; peer->env[i] != NULL; i++)
		putenv(peer->env[i]);
	dup2(out, STDOUT_FILENO);
	alarm(LIMIT_SECONDS); /* outlives the exec */
	execv(peer->program, argv);
	fprintf(stderr, "%s: %s\n", peer->program, strerror(errno));
	_exit(127);
}

bool spawn(const struct peer *peer, char *const *args, char *text, size_t text_bytes)
{
	size_t len = 0;
	int fds[2], status = -1;
	ssize_t got;
	pid_t pid;

	if (pipe(fds) != 0 || (pid = fork()) < 0) {
		perror("run");
		exit(1);
	}
	if (pid == 0) {
		close(fds[0]);
		become(peer, args, fds[1]);
	}
	close(fds[1]);
	while (len + 1 < text_bytes && (got = read(fds[0], text + len, text_bytes - 1 - len)) > 0)
		len += (size_t)got;
	text[len] = '\0';
	close(fds[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	fprintf(stderr, "%s %s: %s %d\n", peer->program, args[1],
	        WIFSIGNALED(status) ? "ended by signal" : "exit status",
	        WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	return false;
}

static size_t available_bytes(void)
{
	char line[128];
	FILE *f = fopen("/proc/meminfo", "r");
	size_t kib = 0;

	while (f != NULL && fgets(line, sizeof line, f) != NULL &&
	       sscanf(line, "MemAvailable: %zu", &kib) != 1)
		;
	if (f != NULL)
		fclose(f);
	return kib << 10;
}

/*
 * In a virtual machine the first program to touch memory pays the host for it, so the order of
 * the programs would decide. Another process touches as much and ends just before each of them.
 */
void warm_memory(size_t bytes)
{
	size_t most = available_bytes() / 2, at;
	volatile char *p;
	pid_t pid;

	bytes = bytes < most ? bytes : most;
	if (bytes == 0 || (pid = fork()) < 0)
		return;
	if (pid > 0) {
		waitpid(pid, NULL, 0);
		return;
	}
	p = (volatile char *)mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p != MAP_FAILED) {
		madvise((void *)p, bytes, MADV_HUGEPAGE);
		for (at = 0; at < bytes; at += 4096)
			p[at] = 1;
	}
	_exit(0);
}
