/*
 * check.h - macros of every file: checks, words that others read, what is exported       Floor 0
 *
 * SLAB_BUG_ON stays in every build: a corruption check that NDEBUG removes is no promise.
 * SLAB_ASSERT is for what the code itself guarantees; it is compiled always and removed by the
 * optimiser unless SLAB_CHECKS is 1.
 */
#ifndef SLAB_CHECK_H
#define SLAB_CHECK_H

#ifndef SLAB_CHECKS
#define SLAB_CHECKS 0 /* make CHECKS=1: assertions on */
#endif

/* What a program may call; all else is hidden (-fvisibility=hidden). */
#define EXPORT __attribute__((visibility("default")))

#define slab_likely(x) __builtin_expect(!!(x), 1)
#define slab_unlikely(x) __builtin_expect(!!(x), 0)

/* Reports the broken rule and aborts (report.c). */
void slab_bug(const char *file, int line, const char *rule) __attribute__((noreturn, cold));

#define SLAB_BUG_ON(broken)                                                                        \
	do {                                                                                       \
		if (slab_unlikely(broken))                                                         \
			slab_bug(__FILE__, __LINE__, #broken);                                     \
	} while (0)

#define SLAB_ASSERT(holds)                                                                         \
	do {                                                                                       \
		if (SLAB_CHECKS && slab_unlikely(!(holds)))                                        \
			slab_bug(__FILE__, __LINE__, "!(" #holds ")");                             \
	} while (0)

/* Counters that others read without the lock: one writer at a time, no torn value. */
#define slab_read(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define slab_write(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define slab_add(p, v) slab_write((p), slab_read(p) + (v))

/* Around a change of what a sequence count guards: it is odd meanwhile, so that a reader in another
 * process, which takes no lock, knows a torn read. One writer at a time. */
#define slab_seq_begin(seq)                                                                        \
	do {                                                                                       \
		slab_add((seq), 1);                                                                \
		__atomic_thread_fence(__ATOMIC_RELEASE); /* odd before anything else changes */    \
	} while (0)
#define slab_seq_end(seq) __atomic_store_n((seq), *(seq) + 1, __ATOMIC_RELEASE)

#endif
