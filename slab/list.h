/*
 * list.h - circular doubly linked list with a head, as the kernel's                      Floor 1
 *
 * Links live inside the listed structs. No locks.
 */
#ifndef SLAB_LIST_H
#define SLAB_LIST_H

#include "slab/layout.h"

/* The struct of type that contains member at address p. */
#define slab_container(p, type, member) ((type *)(void *)((char *)(p) - offsetof(type, member)))

#define slab_list_for_each(pos, head)                                                              \
	for ((pos) = (head)->next; (pos) != (head); (pos) = (pos)->next)

/* The same when the body may take pos off the list. */
#define slab_list_for_each_safe(pos, after, head)                                                  \
	for ((pos) = (head)->next, (after) = (pos)->next; (pos) != (head);                         \
	     (pos) = (after), (after) = (pos)->next)

static inline void slab_list_init(struct slab_list *head)
{
	head->next = head;
	head->prev = head;
}

static inline bool slab_list_empty(const struct slab_list *head)
{
	return head->next == head;
}

static inline void slab_list_insert(struct slab_list *item, struct slab_list *before)
{
	item->next = before;
	item->prev = before->prev;
	before->prev->next = item;
	before->prev = item;
}

static inline void slab_list_add(struct slab_list *item, struct slab_list *head)
{
	slab_list_insert(item, head->next);
}

static inline void slab_list_add_tail(struct slab_list *item, struct slab_list *head)
{
	slab_list_insert(item, head);
}

/* Leaves item alone on a list of its own, so that taking it off twice does no harm. */
static inline void slab_list_del(struct slab_list *item)
{
	item->prev->next = item->next;
	item->next->prev = item->prev;
	slab_list_init(item);
}

#endif
