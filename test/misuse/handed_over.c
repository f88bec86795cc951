/*
 * handed_over.c - threads hand objects over through free and alloc alone, which is allowed: nobody
 * may say a word
 *
 * kind: none
 * plain: 0
 * debug: 0
 * valgrind: 0
 * asan: 0
 * tsan: 0
 * malloc-valgrind: 0
 * malloc-asan: 0
 * malloc-tsan: 0
 */
#include "misuse.h"

static void *use(void *arg)
{
	char *objs[64];

	(void)arg;
	for (int round = 0; round < 50; round++) {
		for (int i = 0; i < 64; i++)
			memset(objs[i] = take(), round, BYTES);
		for (int i = 0; i < 64; i++)
			give(objs[i]);
	}
	return NULL;
}

int main(void)
{
	pthread_t ids[4];

	give(take());
	for (int i = 0; i < 4; i++)
		pthread_create(&ids[i], NULL, use, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(ids[i], NULL);
	return 0;
}
