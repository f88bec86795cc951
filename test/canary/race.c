/* race.c - a canary: two threads write one word without a lock; race checkers must see it */
#include <criterion/criterion.h>
#include <pthread.h>

static int word;

static void *writes(void *arg)
{
	for (int i = 0; i < 1000; i++)
		*(volatile int *)arg = i;
	return NULL;
}

Test(canary, race)
{
	pthread_t id;

	cr_assert_eq(pthread_create(&id, NULL, writes, &word), 0);
	writes(&word);
	pthread_join(id, NULL);
}
