/*
 * freed_while_linked.c - frees an object that is still on a list, and walks the list
 *
 * kind: memory
 * plain: 0
 * debug: 0
 * valgrind: 99 Invalid read of size 4
 * asan: 98 heap-use-after-free
 * tsan: 66 heap-use-after-free
 * malloc-valgrind: 99 Invalid read of size 4
 * malloc-asan: 98 heap-use-after-free
 * malloc-tsan: 66 heap-use-after-free
 */
#include "misuse.h"

struct node {
	struct node *volatile next;
	int value;
};

int main(void)
{
	struct node *a = (struct node *)take(), *b = (struct node *)take();
	int sum = 0;

	*b = (struct node){ NULL, 2 };
	*a = (struct node){ b, 1 };
	give(b);
	for (struct node *n = a; n != NULL && n != (void *)UINTPTR_MAX && sum == 0; n = n->next)
		sum += n == b ? n->value : 0;
	give(a);
	return 0;
}
