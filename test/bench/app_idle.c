/*
 * app_idle.c - how much of a program's memory is resident when its work is done, by LD_PRELOAD
 *
 * At exit it waits a little and passes once through malloc and free, which is when allocators give
 * back what they have kept for a while; then it appends the resident bytes to the file APP_IDLE.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

__attribute__((destructor)) static void tell(void)
{
	const char *path = getenv("APP_IDLE");
	char text[8192], *at;
	void *volatile p;
	ssize_t n;
	int fd;

	if (path == NULL)
		return;
	usleep(20000);
	p = malloc(100);
	free(p);
	fd = open("/proc/self/smaps_rollup", O_RDONLY);
	n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	at = strstr(text, "Rss:");
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT, 0600);
	if (at != NULL && fd >= 0) {
		long kib = strtol(at + 4, NULL, 10);

		n = snprintf(text, sizeof text, "%ld\n", kib);
		if (write(fd, text, (size_t)n) != n)
			abort();
	}
	if (fd >= 0)
		close(fd);
}
