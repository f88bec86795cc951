/* host.c - loads plugin.so, closes it and frees what came from it: run by malloc.sh */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	for (int i = 0; i < 50; i++) {
		void *lib = dlopen(argc > 1 ? argv[1] : "", RTLD_NOW);
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
