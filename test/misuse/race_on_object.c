/*
 * race_on_object.c - two threads write to one object without a lock
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

static void *writes(void *p)
{
	for (int i = 0; i < 1000; i++)
		((volatile char *)p)[0]++;
	return NULL;
}

int main(void)
{
	char *p = take();
	pthread_t id;

	p[0] = 0;
	pthread_create(&id, NULL, writes, p);
	writes(p);
	pthread_join(id, NULL);
	give(p);
	return 0;
}
