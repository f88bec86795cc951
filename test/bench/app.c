/*
 * app.c - run one program and say what it took, with its children: called by apps.sh
 *
 *     app FILE PRELOAD PROGRAM ARG...
 *
 * Appends "wall_s cpu_s peak_kib" to FILE. PRELOAD goes to LD_PRELOAD of the program alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	double start = now(), end;
	struct rusage used;
	int status = -1;
	pid_t pid;
	FILE *f;

	if (argc < 4 || (pid = fork()) < 0)
		return 125;
	if (pid == 0) {
		if (argv[2][0] != '\0')
			setenv("LD_PRELOAD", argv[2], 1);
		execvp(argv[3], argv + 3);
		perror(argv[3]);
		_exit(127);
	}
	if (wait4(pid, &status, 0, &used) != pid)
		return 125;
	end = now();
	f = fopen(argv[1], "a");
	if (f == NULL)
		return 125;
	fprintf(f, "%.3f %.3f %ld\n", end - start, seconds(used.ru_utime) + seconds(used.ru_stime),
	        used.ru_maxrss);
	fclose(f);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
