/* plugin.c - allocates in a constructor; what it gave out is freed after it is gone */
#include <stdlib.h>
#include <string.h>

char *plugin_block;

__attribute__((constructor)) static void load(void)
{
	plugin_block = strdup("still there");
}

__attribute__((destructor)) static void unload(void)
{
	free(malloc(1000));
}

char *plugin_take(void)
{
	return realloc(plugin_block, 5000);
}
