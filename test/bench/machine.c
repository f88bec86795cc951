/* machine.c - what the figures were taken on */
#include "run.h"

#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* The rest of the first line of @path that begins with @key, from @open on. */
static void look(const char *path, const char *key, const char *open, const char *close,
                 char *to, size_t to_bytes)
{
	char line[512], *at;
	FILE *f = fopen(path, "r");

	snprintf(to, to_bytes, "?");
	while (f != NULL && fgets(line, sizeof line, f) != NULL) {
		if (strncmp(line, key, strlen(key)) != 0 || (at = strstr(line, open)) == NULL)
			continue;
		at += strlen(open);
		at[strcspn(at, close)] = '\0';
		snprintf(to, to_bytes, "%s", at);
		break;
	}
	if (f != NULL)
		fclose(f);
}

void describe_machine(struct machine *m)
{
	time_t now = time(NULL);
	struct utsname u;
	struct tm tm;

	memset(m, 0, sizeof *m);
	look("/proc/cpuinfo", "model name", ": ", "\n", m->cpu, sizeof m->cpu);
	look("/etc/os-release", "PRETTY_NAME", "=\"", "\"", m->system, sizeof m->system);
	look("/sys/kernel/mm/transparent_hugepage/enabled", "", "[", "]", m->huge_pages,
	     sizeof m->huge_pages);
	if (uname(&u) == 0)
		snprintf(m->kernel, sizeof m->kernel, "%s %s %s", u.sysname, u.release, u.machine);
#ifdef __clang__
	snprintf(m->compiler, sizeof m->compiler, "%s, -O2", __VERSION__);
#else
	snprintf(m->compiler, sizeof m->compiler, "gcc %s, -O2", __VERSION__);
#endif
	m->cores = sysconf(_SC_NPROCESSORS_ONLN);
	m->memory_mib = sysconf(_SC_PHYS_PAGES) / 1024 * sysconf(_SC_PAGESIZE) / 1024;
	if (gmtime_r(&now, &tm) != NULL)
		strftime(m->date, sizeof m->date, "%Y-%m-%d", &tm);
}
