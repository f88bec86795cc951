/* host.c - loads plugin.so, closes it and frees what came from it: run by malloc.sh
 *
 * host FILE [deep]: with the flag that has the plugin find the C library first.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	for (int i = 0; i < 50; i++) {
		int mode = RTLD_NOW | (argc > 2 ? RTLD_DEEPBIND : 0);
		void *lib = dlopen(argc > 1 ? argv[1] : "", mode);
		char *(*take)(void);
		char *block;

		if (lib == NULL) {
			puts(dlerror());
			return 1;
		}
		*(void **)&take = dlsym(lib, "plugin_take");
		block = take();
		dlclose(lib);
		if (strcmp(block, "still there") != 0)
			return 1;
		free(block);
	}
	return 0;
}
