/* wrong.c - one wrong free or write, by name: run by malloc.sh, which reads what is said of it */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

__attribute__((weak)) void free_sized(void *p, size_t size); /* come with the preload */
__attribute__((weak)) void free_aligned_sized(void *p, size_t align, size_t size);

static char *volatile p;
static char data[64];

static void *interior(void *arg)
{
	p = malloc(100);
	free(p + 16); /* found when the thread's magazines go back to the slabs */
	return arg;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	char local[64];
	pthread_t id;

	p = malloc(100);
	if (strcmp(what, "double") == 0) {
		free(p);
		free(p);
	} else if (strcmp(what, "interior") == 0) {
		pthread_create(&id, NULL, interior, NULL);
		pthread_join(id, NULL);
	} else if (strcmp(what, "misaligned") == 0) {
		free(p + 3);
	} else if (strcmp(what, "overrun") == 0) {
		p = malloc(13);
		p[13] = 'x';
		free(p);
	} else if (strcmp(what, "large-double") == 0) {
		p = malloc(1000000);
		free(p);
		free(p);
	} else if (strcmp(what, "large-interior") == 0) {
		p = malloc(1000000);
		free(p + 4096);
	} else if (strcmp(what, "stack") == 0) {
		p = local;
		free(p);
	} else if (strcmp(what, "data") == 0) {
		p = data;
		free(p);
	} else if (strcmp(what, "realloc") == 0) {
		p = data;
		p = realloc(p, 10);
	} else if (strcmp(what, "large-realloc") == 0) {
		p = malloc(1000000);
		p = realloc(p + 4096, 2000000);
	} else if (strcmp(what, "size") == 0) {
		free_sized(p, 500);
	} else if (strcmp(what, "small-size") == 0) {
		free_sized(malloc(3000), 100);
	} else if (strcmp(what, "aligned-size") == 0) {
		free_aligned_sized(aligned_alloc(64, 640), 64, 64);
	}
	return 0;
}
