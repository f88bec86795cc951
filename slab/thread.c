/*
 * thread.c - threads come and go; fork; init                                             Floor 9
 *
 * Called by every floor above; by the C library at thread exit and around fork.
 *
 * Fork: every slow path runs under the lock of its own thread, so with the registry lock and all
 * thread locks held nothing is half done but a constructor or destructor call. In the child the
 * magazines of the vanished threads go to the depots, and their iterations pin no slabs; objects
 * those threads held stay live.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "slab/thread.h"
#include "slab/check.h"
#include "slab/config.h"
#include "slab/direct.h"
#include "slab/list.h"
#include "slab/map.h"
#include "slab/meta.h"
#include "slab/misuse.h"
#include "slab/page.h"
#include "slab/registry.h"
#include "slab/release.h"
#include "slab/report.h"
#include "slab/slablist.h"
#include "slab/slot.h"
#include "slab/valgrind.h"

#define SPARE_THREADS 8 /* structs of ended threads kept for new ones */
#define TABLE_BYTES (SLAB_SLOTS * sizeof(struct slab__slot))
#define OVER (&slab_no_slots[0])
#define NOT_YET (&slab_no_slots[1])

EXPORT __thread struct slab__slot *slab__slots_v6 = NOT_YET;

static struct slab_thread shared_thread = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.leaving = { &shared_thread.leaving, &shared_thread.leaving },
};
static pthread_key_t exit_key;
static bool exit_key_made;

static void thread_exit(void *arg);
static void fork_prepare(void);
static void fork_parent(void);
static void fork_child(void);

void slab_init(void)
{
	bool first = false;

	if (slab_likely(__atomic_load_n(&slab_root.magic, __ATOMIC_ACQUIRE) == SLAB_MAGIC))
		return;
	slab_valgrind_ignore(&slab_root, sizeof slab_root);
	slab_registry_lock();
	if (slab_root.magic != SLAB_MAGIC) {
		slab_valgrind_ignore(slab_map_leaves, sizeof slab_map_leaves);
		slab_valgrind_ignore(&slab_map_window, sizeof slab_map_window);
		slab_valgrind_ignore(slab_cache_by_slot, sizeof slab_cache_by_slot);
		slab_root.page_bytes = slab_page_size();
		slab_root.secret = slab_page_random();
		exit_key_made = pthread_key_create(&exit_key, thread_exit) == 0;
		__atomic_store_n(&slab_root.magic, SLAB_MAGIC, __ATOMIC_RELEASE);
		first = true;
	}
	slab_registry_unlock();
	slab_config_read();
	if (first) /* may call malloc: without a lock, and with everything else in place */
		pthread_atfork(fork_prepare, fork_parent, fork_child);
}

/* Before other threads can exist, so that no fork comes before the handlers. */
__attribute__((constructor(101))) static void init_early(void)
{
	slab_init();
}

/* ---- a thread's struct ---- */

static size_t thread_bytes(void)
{
	return slab_root.page_bytes + TABLE_BYTES;
}

static struct slab_thread *thread_of(struct slab__slot *slots)
{
	return (struct slab_thread *)(void *)((char *)slots - slab_root.page_bytes);
}

static struct slab_thread *take_spare(void)
{
	struct slab_thread *t;

	slab_registry_lock();
	t = slab_root.spare_threads;
	if (t != NULL) {
		slab_root.spare_threads = t->next_spare;
		slab_root.spare_thread_count--;
	}
	slab_registry_unlock();
	return t;
}

static struct slab_thread *new_struct(void)
{
	struct slab_thread *t = take_spare();
	uint64_t touched[SLAB_SLOT_PAGES / 64] = { 0 };

	if (t == NULL) {
		t = (struct slab_thread *)slab_page_map(thread_bytes(), slab_root.page_bytes);
		if (t == NULL)
			return NULL;
		slab_valgrind_ignore(t, thread_bytes());
		slab_meta_account((int64_t)slab_root.page_bytes);
	} else {
		memcpy(touched, t->touched, sizeof touched); /* zero slots, but pages they are */
	}
	*t = (struct slab_thread){ .lock = PTHREAD_MUTEX_INITIALIZER };
	memcpy(t->touched, touched, sizeof touched);
	slab_list_init(&t->leaving);
	t->slots = (struct slab__slot *)(void *)((char *)t + slab_root.page_bytes);
	t->tid = (uint64_t)syscall(SYS_gettid);
	t->self = (uintptr_t)&slab__slots_v6;
	return t;
}

static void change_threads(struct slab_thread *t, bool join)
{
	slab_seq_begin(&slab_root.generation);
	if (join)
		slab_list_add_tail(&t->link, &slab_root.threads);
	else
		slab_list_del(&t->link);
	slab_add(&slab_root.thread_count, join ? 1 : (uint64_t)-1);
	slab_seq_end(&slab_root.generation);
}

/* The struct of a thread that is no more: kept for another, or unmapped. Under registry_lock. */
static void drop_struct_locked(struct slab_thread *t)
{
	change_threads(t, false);
	/* its next thread has another place in the order of locks: a new lock, for race checkers */
	pthread_mutex_destroy(&t->lock);
	if (slab_root.spare_thread_count < SPARE_THREADS) {
		t->next_spare = slab_root.spare_threads;
		slab_root.spare_threads = t;
		slab_root.spare_thread_count++;
		return;
	}
	for (int w = 0; w < SLAB_SLOT_PAGES / 64; w++)
		slab_meta_account(-(int64_t)slab_root.page_bytes *
		                  __builtin_popcountll(t->touched[w]));
	slab_meta_account(-(int64_t)slab_root.page_bytes);
	slab_page_unmap((uintptr_t)t, thread_bytes());
}

static struct slab_thread *make_thread(void)
{
	struct slab_thread *t;

	slab_init();
	t = slab_read(&exit_key_made) ? new_struct() : NULL;
	if (t == NULL)
		return &shared_thread;
	slab_registry_lock();
	change_threads(t, true);
	slab_registry_unlock();
	slab__slots_v6 = t->slots;
	/* may call malloc: after the slots are in place, without a lock */
	if (pthread_setspecific(exit_key, t) == 0)
		return t;
	thread_exit(t); /* nobody would tell of it later */
	slab__slots_v6 = NOT_YET;
	return &shared_thread;
}

static bool are_own(const struct slab__slot *slots)
{
	return (uintptr_t)slots - (uintptr_t)slab_no_slots >= sizeof slab_no_slots;
}

struct slab_thread *slab_thread_lock(void)
{
	struct slab__slot *slots = slab__slots_v6;
	struct slab_thread *t;

	if (slab_likely(are_own(slots)))
		t = thread_of(slots);
	else
		t = slots == OVER ? &shared_thread : make_thread();
	pthread_mutex_lock(&t->lock);
	return t;
}

/*
 * As malloc: behind the last destructor of a detached thread the C library frees what belonged to
 * the stacks of others. A struct made for that would stay for ever: nobody tells of this end.
 */
struct slab_thread *slab_thread_lock_to_free(void)
{
	struct slab__slot *slots = slab__slots_v6;

	if (slab_likely(are_own(slots)) || slots == OVER || slots == NOT_YET + SLAB_FREES_BEFORE)
		return slab_thread_lock();
	slab__slots_v6 = slots + 1;
	pthread_mutex_lock(&shared_thread.lock);
	return &shared_thread;
}

void slab_thread_unlock(struct slab_thread *t)
{
	pthread_mutex_unlock(&t->lock);
}

static bool is_own(const struct slab_thread *t)
{
	return t->self == (uintptr_t)&slab__slots_v6;
}

/* The lock that is shared, and every thread's, the caller's only if own: it comes last where fork's
 * handlers take it. */
static void for_each_lock(bool own, int (*fn)(pthread_mutex_t *lock))
{
	struct slab_list *pos;

	fn(&shared_thread.lock);
	slab_list_for_each(pos, &slab_root.threads) {
		struct slab_thread *t = slab_container(pos, struct slab_thread, link);

		if (own || !is_own(t))
			fn(&t->lock);
	}
}

void slab_thread_stop_all(void)
{
	slab_registry_lock();
	for_each_lock(true, pthread_mutex_lock);
}

void slab_thread_go_on(void)
{
	for_each_lock(true, pthread_mutex_unlock);
	slab_registry_unlock();
}

void slab_thread_await(struct slab_cache *c)
{
	struct slab_list *pos, empties;
	struct slab_thread *t;
	bool mine;

	if (slab_release_is_over(c))
		return;
	slab_list_init(&empties);
	slab_registry_lock();
	mine = slab_release_overtake(&shared_thread, c, &empties);
	slab_list_for_each(pos, &slab_root.threads) {
		t = slab_container(pos, struct slab_thread, link);
		mine = slab_release_overtake(t, c, &empties) || mine;
	}
	slab_registry_unlock();
	if (mine)
		slab_misuse_own_destroy(c);
	t = slab_thread_lock();
	slab_release(t, &empties);
	slab_thread_unlock(t);
	while (!slab_release_is_over(c))
		sched_yield();
}

static void retire_one(struct slab_thread *t, struct slab_cache *c, void *ctx)
{
	(void)ctx;
	slab_slot_retire(t, c);
}

/* The destructor of the pthread key. Later destructors of the thread go on without magazines. */
static void thread_exit(void *arg)
{
	struct slab_thread *t = arg;
	struct slab_list empties;
	int saved_errno = errno;

	slab__slots_v6 = OVER;
	slab_list_init(&empties);
	pthread_mutex_lock(&t->lock);
	slab_slot_flush_all(t, &empties);
	slab_slot_for_each(t, retire_one, NULL);
	slab_release(t, &empties);
	pthread_mutex_unlock(&t->lock);
	slab_registry_lock();
	drop_struct_locked(t);
	slab_registry_unlock();
	errno = saved_errno;
}

/* Where this is part of a plugin that goes, the end of a thread would call into nothing. */
__attribute__((destructor(101))) static void leave(void)
{
	if (!slab_read(&exit_key_made))
		return;
	slab_write(&exit_key_made, false); /* who comes later has no struct of his own */
	pthread_key_delete(exit_key);
}

/* ---- fork ---- */

/* A handler of SIGABRT may fork to show where it was: with the locks as they are. */
static bool aborts(void)
{
	return slab_read(&slab_report_aborting) == (uintptr_t)&slab__slots_v6;
}

static uint32_t forks; /* that the holder of the registry's lock is in, one inside the other */

static bool forks_already(void)
{
	return slab_read(&slab_root.registry_owner) == (uintptr_t)&slab__slots_v6 && forks > 0;
}

/*
 * The program's handlers from before ours run while ours hold the locks, and may allocate: under
 * their thread's own lock, which is left alone. It guards nothing that a thread which forks is in
 * the middle of, and no other thread takes it without the registry's. They may fork, too: the locks
 * are taken by the outermost fork, and given back by it, in each process that comes out of it.
 */
static void fork_prepare(void)
{
	if (aborts())
		return;
	if (!forks_already() && !are_own(slab__slots_v6))
		slab_thread_unlock(slab_thread_lock()); /* makes the struct */
	slab_registry_lock();
	if (forks++ == 0)
		for_each_lock(false, pthread_mutex_lock);
}

static void fork_parent(void)
{
	if (aborts())
		return;
	if (--forks == 0)
		for_each_lock(false, pthread_mutex_unlock);
	slab_registry_unlock();
}

/*
 * Slabs that vanished threads had on their way to the spans never arrive; nobody may wait for them.
 * Those of the thread that forked do, and are counted again. The iterations of vanished threads do
 * not end by themselves either.
 */
static void forget_vanished_threads(void)
{
	struct slab_list *pos;

	slab_list_for_each(pos, &slab_root.caches) {
		struct slab_cache *c = slab_container(pos, struct slab_cache, link);

		slab_write(&c->slabs.gone_slabs, c->slabs.released_slabs);
		slab_slablist_forget_walks(c);
	}
	slab_release_forget(&shared_thread);
	slab_list_for_each(pos, &slab_root.threads)
		slab_release_forget(slab_container(pos, struct slab_thread, link));
	slab_release_recount(&shared_thread);
}

static void fork_child(void)
{
	struct slab_list *pos, *after;

	if (aborts())
		return;
	if (--forks == 0)
		pthread_mutex_unlock(&shared_thread.lock);
	forget_vanished_threads();
	slab_direct_recount();
	slab_list_for_each_safe(pos, after, &slab_root.threads) {
		struct slab_thread *t = slab_container(pos, struct slab_thread, link);

		if (is_own(t)) { /* at its end, too */
			t->tid = (uint64_t)syscall(SYS_gettid);
			slab_release_recount(t);
			continue;
		}
		pthread_mutex_unlock(&t->lock);
		slab_slot_adopt_all(t);
		drop_struct_locked(t);
	}
	slab_registry_unlock();
}
