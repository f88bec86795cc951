/* test_list.c - the circular list: order, taking off, walking while taking off */
#include <criterion/criterion.h>

#include "slab/list.h"

struct item {
	int number;
	struct slab_list link;
};

/* The numbers on a list, as digits; walked both ways. */
static long digits(const struct slab_list *head)
{
	const struct slab_list *pos;
	long forth = 0, back = 0, place = 1;

	slab_list_for_each(pos, head) forth =
	    forth * 10 + slab_container(pos, struct item, link)->number;
	for (pos = head->prev; pos != head; pos = pos->prev, place *= 10)
		back += place * slab_container(pos, struct item, link)->number;
	cr_assert_eq(forth, back, "%ld forwards, %ld backwards", forth, back);
	return forth;
}

static struct item items[5];
static struct slab_list head;

static void make(void)
{
	slab_list_init(&head);
	for (int i = 0; i < 5; i++) {
		items[i].number = i + 1;
		slab_list_init(&items[i].link);
	}
}

Test(list, begins_empty, .init = make)
{
	cr_assert(slab_list_empty(&head));
	cr_assert_eq(digits(&head), 0);
}

Test(list, add_is_first_add_tail_is_last, .init = make)
{
	slab_list_add(&items[1].link, &head);
	slab_list_add(&items[0].link, &head);
	slab_list_add_tail(&items[2].link, &head);
	slab_list_add_tail(&items[3].link, &head);
	cr_assert_eq(digits(&head), 1234);
	cr_assert_not(slab_list_empty(&head));
}

Test(list, insert_is_before, .init = make)
{
	slab_list_add_tail(&items[0].link, &head);
	slab_list_add_tail(&items[2].link, &head);
	slab_list_insert(&items[1].link, &items[2].link);
	cr_assert_eq(digits(&head), 123);
}

Test(list, del_leaves_the_item_alone, .init = make)
{
	for (int i = 0; i < 5; i++)
		slab_list_add_tail(&items[i].link, &head);
	slab_list_del(&items[2].link);
	cr_assert_eq(digits(&head), 1245);
	cr_assert(slab_list_empty(&items[2].link));
	slab_list_del(&items[2].link); /* twice does no harm */
	slab_list_del(&items[0].link);
	slab_list_del(&items[4].link);
	cr_assert_eq(digits(&head), 24);
	slab_list_del(&items[1].link);
	slab_list_del(&items[3].link);
	cr_assert(slab_list_empty(&head));
}

Test(list, the_safe_walk_survives_del, .init = make)
{
	struct slab_list *pos, *after;
	int seen = 0;

	for (int i = 0; i < 5; i++)
		slab_list_add_tail(&items[i].link, &head);
	slab_list_for_each_safe(pos, after, &head)
	{
		seen++;
		if (slab_container(pos, struct item, link)->number % 2)
			slab_list_del(pos);
	}
	cr_assert_eq(seen, 5);
	cr_assert_eq(digits(&head), 24);
}

Test(list, container_finds_the_struct, .init = make)
{
	cr_assert_eq(slab_container(&items[3].link, struct item, link), &items[3]);
}
