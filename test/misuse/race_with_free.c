/*
 * race_with_free.c - one thread frees an object that another still writes to; both take and give
 * others meanwhile, which puts the two in no order
 *
 * kind: race
 * plain: 0
 * debug: 0
 * valgrind: 0
 * asan: 0
 * tsan: 66 data race
 * malloc-tsan: 66 data race
 */
#include "misuse.h"

#include <unistd.h>

static void *writes(void *p)
{
	for (int i = 0; i < 100; i++)
		give(take());
	((volatile char *)p)[0] = 1;
	return NULL;
}

int main(void)
{
	char *p = take();
	pthread_t id;

	pthread_create(&id, NULL, writes, p);
	usleep(300000); /* no order: only late enough in every run */
	give(p);
	pthread_join(id, NULL);
	return 0;
}
