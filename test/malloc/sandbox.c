/* sandbox.c - allocates where a filter ends the process for calls that glibc's malloc does not make
 *
 * Run by malloc.sh. Prints "alive" at its end.
 */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MANY 60000
#define ALLOW(call)                                                                                \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1),                                     \
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static void say(const char *text)
{
	if (write(STDOUT_FILENO, text, strlen(text)) < 0)
		_exit(1);
}

static void use(char **block, unsigned *seed)
{
	for (int i = 0; i < MANY; i++) {
		size_t size = i % 100 != 0 ? (*seed = *seed * 69069 + 1) >> 16 & 0x7ff : 200000;

		block[i] = malloc(size + 1);
		memset(block[i], 1, size + 1);
	}
	for (int i = 0; i < MANY; i++)
		if ((*seed = *seed * 69069 + 1) >> 29 != 0) {
			free(block[i]);
			block[i] = NULL;
		}
	for (int i = 0; i < MANY; i++)
		free(block[i]);
}

int main(void)
{
	struct sock_filter list[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		ALLOW(mmap), ALLOW(munmap), ALLOW(mremap), ALLOW(madvise), ALLOW(mprotect),
		ALLOW(brk), ALLOW(futex), ALLOW(prctl), ALLOW(write), ALLOW(exit_group),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL),
	};
	struct sock_fprog filter = { sizeof list / sizeof *list, list };
	char **block = calloc(MANY, sizeof *block);
	unsigned seed = 1;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
		say("left out: this kernel has no filters\n");
		return 0;
	}
	for (int round = 0; round < 5; round++)
		use(block, &seed);
	say("alive\n");
	_exit(0);
}
