/*
 * slab.h - a userspace slab / object-cache allocator for fixed-size objects
 *
 * The one header to include; link with -lslab (or libslab.a) and -pthread. A cache serves objects
 * of one size from slabs that come from mmap and go back through munmap. No init call, no
 * teardown: every function works before main, in constructors and in atexit handlers.
 *
 * Context of every function unless it says otherwise: any thread, no lock of the library held
 * while user code runs, usable in the child after fork. None is async-signal-safe. None ends by
 * cancellation: a thread that is cancelled within a constructor, a destructor or a callback ends
 * at its next cancellation point behind the call. None of those may be left by longjmp(), by an
 * exception or by pthread_exit().
 * Bytes are bytes, counts are objects, slabs or caches; no unit is hidden.
 */
#ifndef SLAB_H
#define SLAB_H

#include <stddef.h>
#include <stdint.h>

#if UINTPTR_MAX < UINT64_MAX
#error "slab needs 64-bit addresses"
#endif

/* One text for C and C++: its casts are C's. */
#ifdef __cplusplus
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
extern "C" {
#endif

/* The largest object that a cache serves, in bytes. */
#define SLAB_OBJECT_MAX ((size_t)65536)
/* The largest alignment of a cache, in bytes. */
#define SLAB_ALIGN_MAX ((size_t)4096)

/* Flags of a cache. */
#define SLAB_PANIC 0x1u /* create ends the program with a sentence instead of returning NULL */

/*
 * Debugging of one cache, in the kernel's words; docs/debugging.md tells more. The environment adds
 * to what a program asks for: SLAB_DEBUG=letters[,glob...][;letters[,glob...]...], of which the
 * first block that matches the cache's name counts. A cache without any of these pays nothing.
 */
#define SLAB_CONSISTENCY_CHECKS 0x100u /* F: every free is checked; freed objects wait a while */
#define SLAB_RED_ZONE 0x400u           /* Z: zones around each object, from its exact size on */
#define SLAB_POISON 0x800u             /* P: free objects hold a pattern, checked at alloc */
#define SLAB_STORE_USER 0x10000u       /* U: backtrace, thread and time of alloc and free */
#define SLAB_TRACE 0x200000u           /* T: a line on standard error for each alloc and free */
#define SLAB_FAULT_INJECT 0x2000000u   /* A: some allocs fail (A=N: one in N; A=N:SEED) */
#define SLAB_ONE_MALLOC 0x4000000u     /* M: each object is a malloc block of its own */

struct slab_cache; /* one cache; only ever handled by pointer */

/*
 * What create may be told beyond name and size. A zeroed field is the default. New fields are
 * added at the end; an old program passes the shorter struct, see slab_cache_create().
 */
struct slab_cache_args {
	size_t align;                       /* bytes, power of two to SLAB_ALIGN_MAX; 0: default */
	unsigned flags;                     /* SLAB_PANIC, SLAB_POISON, ... */
	unsigned reserved;                  /* zero */
	int (*ctor)(void *obj, void *ctx);  /* constructs one object; non-zero: it failed */
	void (*dtor)(void *obj, void *ctx); /* undoes ctor, once, before the memory goes back */
	void *ctx;                          /* handed to ctor and dtor */
};

/* What a cache holds; filled by slab_cache_stats(). New fields are added at the end. */
struct slab_cache_stats {
	char name[64];
	uint64_t id;               /* unique in the process, never reused */
	uint64_t flags;            /* flags given at create, and what SLAB_DEBUG added */
	uint64_t mode;             /* 0: slabs; 1: slabs under debug; 2: a malloc block each */
	uint64_t object_bytes;     /* size asked for */
	uint64_t stride_bytes;     /* distance of two objects in a slab */
	uint64_t align_bytes;      /* alignment of each object */
	uint64_t slab_bytes;       /* size of one slab */
	uint64_t objects_per_slab; /* slots in one slab */
	uint64_t slabs;            /* held now = slabs_full + slabs_partial + slabs_empty */
	uint64_t slabs_full;       /* every slot live or cached */
	uint64_t slabs_partial;    /* some slots free */
	uint64_t slabs_empty;      /* every slot free: pinned, or kept for its ctor's work */
	uint64_t objects_live;     /* in the program's hands = allocs - frees */
	uint64_t objects_cached;   /* parked: magazines of threads, depot, quarantine of debug */
	uint64_t objects_free;     /* free slots in slabs */
	uint64_t objects_capacity; /* objects_live + objects_cached + objects_free, at rest */
	uint64_t objects_peak;     /* most of live + cached, seen when magazines meet slabs */
	uint64_t allocs;           /* since create */
	uint64_t frees;            /* since create */
	uint64_t alloc_failures;   /* calls that returned NULL or 0 objects */
	uint64_t mapped_bytes;     /* slabs * slab_bytes */
	uint64_t returned_bytes;   /* bytes of slabs that this cache has given up since create */
};

/* What the whole process holds; filled by slab_totals(). New fields are added at the end. */
struct slab_totals {
	uint64_t mapped_bytes;   /* address space of spans, holes not counted */
	uint64_t reserve_bytes;  /* bytes of empty memory that may be kept at present */
	uint64_t holes;          /* gaps that munmap left inside spans */
	uint64_t lost_holes;     /* slabs whose hole another mapping has taken */
	uint64_t metadata_bytes; /* descriptors, magazines, thread tables */
	uint64_t unmap_failures; /* munmap or madvise calls that the kernel refused */
	uint64_t caches;         /* caches now */
	uint64_t threads;        /* threads that hold a slot table now */
};

/* What slab_set() can set, all in bytes but the last. */
enum slab_option {
	SLAB_RESERVE_BYTES = 1, /* empty slabs kept for reuse; default: 512 KiB to 4 MiB */
	SLAB_THREAD_BYTES = 2,  /* slab memory that one thread's magazines may pin; default 1 MiB */
	SLAB_HUGEPAGES = 3      /* 1: spans of 2 MiB on huge pages, given back whole; default 0 */
};

/**
 * slab_cache_create_sized - slab_cache_create() with the size of the caller's args
 * @args_size: sizeof(struct slab_cache_args) as the caller was compiled
 *
 * Return: as slab_cache_create(); EINVAL also for a non-zero byte of @args behind the fields
 * that this library knows.
 */
struct slab_cache *slab_cache_create_sized(const char *name, size_t size,
                                           const struct slab_cache_args *args, size_t args_size);

/**
 * slab_cache_create - make a cache
 * @name: shown in reports and by slabstat; copied, cut to 63 bytes, bytes outside
 *        [A-Za-z0-9_.:/+-] become '_'. Equal names are allowed.
 * @size: bytes of one object, 1 to SLAB_OBJECT_MAX
 * @args: NULL or a zeroed field: the default. Default alignment: 16 where @size is a multiple of
 *        16, else 8 from 8 bytes on, else the largest power of two that divides @size.
 *
 * The constructor runs for every object of a slab before the first of them is handed out, in the
 * allocating thread; an object keeps its constructed state across free and alloc. The destructor
 * runs once before the slab's memory goes back, in whichever thread empties the slab: by a free, or
 * by an alloc where more is parked than may be. Both may use, make and destroy other caches, not
 * this one.
 *
 * Context: takes the registry lock. Not from within slab_for_each_cache().
 * Return: the cache; NULL with EINVAL (bad name, size, alignment, flag) or ENOMEM. With
 * SLAB_PANIC it does not return in that case.
 * Source: Bonwick, "The Slab Allocator" (1994); the kernel's kmem_cache_create().
 */
static inline struct slab_cache *slab_cache_create(const char *name, size_t size,
                                                   const struct slab_cache_args *args)
{
	return slab_cache_create_sized(name, size, args, sizeof *args);
}

/**
 * slab_cache_destroy - give back everything a cache holds
 * @c: the cache, or NULL
 *
 * Objects parked in threads do not count as live. No other call on @c may run meanwhile. A later
 * call with @c is reported and ends the program, until the structure is reused for a new cache; so
 * is the call in a destructor of @c's own objects, whose end it would wait for.
 *
 * Context: takes the registry lock and every thread's lock. Not from within slab_for_each_cache().
 * Return: 0 (also for NULL); -1 with EBUSY while objects are live: a report names the cache, the
 * count and the first objects (with SLAB_STORE_USER also the stacks that allocated them), and
 * everything stays valid.
 */
int slab_cache_destroy(struct slab_cache *c);

/**
 * slab_cache_zalloc - take one zeroed object
 * Return: as slab_cache_alloc(); NULL with EINVAL for a cache with a constructor.
 */
void *slab_cache_zalloc(struct slab_cache *c);

/**
 * slab_cache_alloc_bulk - take @n objects, or none
 * @objs: room for @n pointers
 * Return: @n, or 0 with ENOMEM (or the constructor's errno) and nothing taken.
 */
size_t slab_cache_alloc_bulk(struct slab_cache *c, size_t n, void **objs);

/** slab_cache_free_bulk - give back @n objects; NULL entries are skipped. Never changes errno. */
void slab_cache_free_bulk(struct slab_cache *c, size_t n, void *const *objs);

/**
 * slab_cache_shrink - give back what one cache does not need
 *
 * Reaches the caller's own magazines of @c and its depot, not the magazines of other threads.
 * Return: bytes that went back to the system, empty slabs that other caches of the same slab size
 * had left in the reserve included.
 */
size_t slab_cache_shrink(struct slab_cache *c);

/**
 * slab_reap - give back what no cache needs
 *
 * Reaches the caller's magazines and the depot of every cache, not other threads' magazines.
 * Context: takes the registry lock. Return: bytes that went back to the system.
 */
size_t slab_reap(void);

/**
 * slab_thread_flush - empty the calling thread's magazines of every cache
 *
 * For a thread that is about to idle. The objects become free slots; slabs that are empty by it
 * go back as the reserve allows. Return: bytes of the objects handed back.
 */
size_t slab_thread_flush(void);

/* C++ lets a function share the name of its struct, as C does; g++ -Wshadow takes it for a slip. */
#if defined(__cplusplus) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif
/**
 * slab_cache_stats - figures of one cache
 * @out_size: sizeof *out as the caller was compiled; what fits is filled
 *
 * Context: takes the registry lock, no lock of a cache. Approximate while other threads run,
 * exact at rest. Return: 0, or -1 with EINVAL.
 */
int slab_cache_stats(const struct slab_cache *c, struct slab_cache_stats *out, size_t out_size);

/** slab_totals - figures of the process; context and return as slab_cache_stats(). */
int slab_totals(struct slab_totals *out, size_t out_size);
#if defined(__cplusplus) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

/**
 * slab_stats_json - write the figures of the process as JSON, as `slabstat --json` would
 * @fd: where to; `slabstat -` and `slabstat FILE` read it
 *
 * For processes into which slabstat may not look. Takes no memory from malloc; nothing is locked
 * while it writes. Not from within slab_for_each_cache().
 * Return: 0; -1 with ENOMEM, or the errno of write(2): then a part may have been written.
 */
int slab_stats_json(int fd);

/**
 * slab_set - change a setting from now on
 *
 * A lower figure takes effect at once, but for the magazines of other threads, which follow at
 * their next slow path. Return: 0, or -1 with EINVAL.
 */
int slab_set(enum slab_option option, size_t bytes);

/**
 * slab_for_each_cache - call @fn for every cache until it returns non-zero
 * Context: @fn runs under the registry lock: it may not create or destroy caches; every other call
 * is allowed.
 * Return: the last value of @fn, 0 without caches.
 */
int slab_for_each_cache(int (*fn)(struct slab_cache *c, void *ctx), void *ctx);

/**
 * slab_cache_for_each_object - call @fn for every live object until it returns non-zero
 *
 * Objects parked in magazines are not shown. No lock is held while @fn runs and the slab is
 * pinned: @fn may free its object and may allocate. Exact only while no other thread allocates
 * from or frees to @c; objects that @fn allocates may or may not be seen.
 * Return: the last value of @fn, 0 without objects; -1 with ENOMEM when it could not begin.
 */
int slab_cache_for_each_object(struct slab_cache *c, int (*fn)(void *obj, void *ctx), void *ctx);

/**
 * slab_cache_verify - check every structure of a cache, under debug also every zone and poison
 *
 * Also what the process knows of large blocks and of freed ones that it keeps.
 *
 * Context: takes each lock of @c in turn; exact while no other thread uses @c.
 * Return: the number of faults; each is reported, none ends the program.
 */
int slab_cache_verify(struct slab_cache *c);

/**
 * slab_cache_of - the cache that owns the live object at an address
 * @p: any address, inside an object or not, mapped or not
 * Return: the cache, or NULL (not ours, or the slot is free or parked).
 */
struct slab_cache *slab_cache_of(const void *p);

/*
 * By size: malloc's contracts over one cache per size class, larger blocks straight from mmap.
 * Internal waste is under 16 bytes below 128 and at most 12.5 % up to 64 KiB; larger blocks take
 * addresses by 64 KiB, and memory by the page that is written. Alignment 16. Size 0 gives
 * a block of its own; overflow and sizes above PTRDIFF_MAX give NULL with ENOMEM.
 * slab_aligned_alloc: EINVAL unless @align is a power of two. slab_free takes an object of any
 * cache as well, and never changes errno. slab_realloc to size 0 frees and returns NULL.
 */
void *slab_malloc(size_t size);
void *slab_calloc(size_t n, size_t size);
void *slab_realloc(void *p, size_t size);
void *slab_aligned_alloc(size_t align, size_t size);
void slab_free(void *p);
size_t slab_usable_size(const void *p);

/**
 * slab_set_reporter - where reports of misuse and damage go
 * @fn: gets one whole report, not zero-terminated; NULL: one write(2) to standard error again.
 *      It may not call into the library.
 * Context: any thread. One that reports at that moment may go on in the old function, with its own
 * @ctx, after the return.
 */
void slab_set_reporter(void (*fn)(const char *text, size_t len, void *ctx), void *ctx);

/* Used by the macros and inline functions below; not to be called by hand. */
struct slab_cache *slab__define(struct slab_cache **where, const char *name, size_t size,
                                const struct slab_cache_args *args, size_t args_size);
struct slab_cache *slab__create_type(const char *type, size_t size, size_t align,
                                     const struct slab_cache_args *args, size_t args_size);
void *slab__alloc_slow(struct slab_cache *c);
void slab__free_slow(struct slab_cache *c, void *obj);

/*
 * The fast path. Every thread has a table of slots, one per cache; a slot holds the loaded
 * magazine, an array of free objects used as a stack, and, while the thread uses no other cache,
 * one object outside, hot. A pair of free and alloc passes one object through hot and leaves the
 * stack alone: a processor forwards one store to one load instead of two to two. Either way the
 * calls touch the slot, the array, the first line of the cache and, on free, the map of addresses:
 * no lock, no atomic read-modify-write, nothing of the object or its slab; the object to be served
 * next is prefetched. A slot that the thread has not opened reads as zeroes, which send the call
 * down the slow path.
 * Layout and symbol name carry the same number; a mismatch fails at load.
 */
struct slab__slot {
	void **objs;                  /* the loaded magazine's objects; objs[-1] is always NULL */
	struct slab_magazine *prev;   /* the previous magazine, or NULL */
	uintptr_t cookie;             /* names the cache to slow paths; 0: never used */
	int64_t net;                  /* objects taken into this slot minus those moved out of it */
	uint64_t word;                /* count in the low bits, allocs of this thread above */
	uintptr_t hot;                /* an object outside the magazine; SLAB__VACANT, SLAB__NONE;
	                               * 0: none, and the next alloc takes the slow path */
	uint32_t cap;                 /* objects that objs may hold now; 0: slow path */
	uint32_t seq;                 /* odd while a slow path changes this slot */
	uint16_t prev_count;          /* objects in the previous magazine */
	uint16_t pin_4k;              /* slab memory that this slot may pin, in units of 4 KiB */
	uint16_t fill_pin_4k;         /* of that, at most this as full as the cache's slabs are */
	uint16_t grant;               /* what was granted last, and for how long: see budget.c;
	                               * without a magazine: calls of a rarely used size class */
};
#define SLAB__COUNT_BITS 16
#define SLAB__COUNT_MASK (((uint64_t)1 << SLAB__COUNT_BITS) - 1)
#define SLAB__ONE_ALLOC ((uint64_t)1 << SLAB__COUNT_BITS)
#define SLAB__VACANT ((uintptr_t)SLAB__COUNT_MASK)     /* none outside */
#define SLAB__NONE   ((uintptr_t)SLAB__COUNT_MASK - 1) /* nor may one be: see choose_hot() */

/*
 * Whose slab lies where: the map of addresses has for each page of 4 KiB the number of a cache, 0
 * for none, in leaves of 4 GiB. Free looks at it through a window: the leaf that the last slab of
 * the cache came from. An object elsewhere takes the slow path, which puts it where it would go
 * here. Who sees base of before and holder of after a move finds a number that is not the cache's,
 * or has an object of it all the same.
 */
#define SLAB__PAGE_SHIFT 12
#define SLAB__LEAF_SHIFT 32
#define SLAB__LEAF_PAGES ((uintptr_t)1 << (SLAB__LEAF_SHIFT - SLAB__PAGE_SHIFT))
struct slab__window {
	uintptr_t base;         /* SLAB__NOWHERE: none yet */
	const uint16_t *holder; /* the number of each page's cache */
};
#define SLAB__NOWHERE ((uintptr_t)1 << 63) /* no address of a program */

/* What every cache begins with; constant while it lives, but for the window. */
struct slab__head {
	uint32_t slot_bytes;        /* offset of its slot in every thread's table */
	uint16_t number;            /* of the cache, in the map of addresses */
	uint16_t unused;
	struct slab__window window;
};

extern __thread struct slab__slot *slab__slots_v6 __attribute__((tls_model("initial-exec")));

static inline const struct slab__head *slab__head_of(const struct slab_cache *c)
{
	return (const struct slab__head *)(const void *)c;
}

static inline struct slab__slot *slab__slot_of(const struct slab_cache *c)
{
	return (struct slab__slot *)(void *)((char *)slab__slots_v6 + slab__head_of(c)->slot_bytes);
}

/*
 * Hot, and the word that is counted up beside it, are plain accesses, so that a compiler keeps the
 * slot's address from an alloc to the free behind it; what free reads of the map likewise, so that
 * it is compared where it lies. Other threads and processes read and write them, one aligned word
 * each. The thread sanitizer is told what they are.
 */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SLAB__ATOMIC_WORDS 1
#endif
#elif defined(__SANITIZE_THREAD__)
#define SLAB__ATOMIC_WORDS 1
#endif
#ifdef SLAB__ATOMIC_WORDS
#define slab__get(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define slab__set(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#else
#define slab__get(p) (*(p))
#define slab__set(p, v) (*(p) = (v))
#endif

/* Into whatever calls it, large or small: reports under debug name the caller. */
#define SLAB__INLINE static inline __attribute__((always_inline))

/* Whether obj lies in a slab of c, in its window. Exact for an object that the caller holds. */
SLAB__INLINE int slab__is_in(const struct slab_cache *c, const void *obj)
{
	const struct slab__head *h = slab__head_of(c);
	uintptr_t page = ((uintptr_t)obj - slab__get(&h->window.base)) >> SLAB__PAGE_SHIFT;

	if (__builtin_expect(page >= SLAB__LEAF_PAGES, 0))
		return 0;
	return slab__get(&slab__get(&h->window.holder)[page]) == h->number;
}

SLAB__INLINE void *slab__alloc_fast(struct slab_cache *c)
{
	struct slab__slot *s = slab__slot_of(c);
	uintptr_t hot = slab__get(&s->hot);
	uint64_t word, count;
	void *obj;

	if (hot > SLAB__VACANT) {
		slab__set(&s->hot, SLAB__VACANT);
		slab__set(&s->word, slab__get(&s->word) + SLAB__ONE_ALLOC);
		/* both stores come before whatever makes the object known: for a fork in between */
		__asm__("" : "+r"(hot) : "m"(s->hot), "m"(s->word));
		return (void *)hot;
	}
	word = __atomic_load_n(&s->word, __ATOMIC_RELAXED);
	word += SLAB__ONE_ALLOC - 1; /* one more alloc, one object less, in one store */
	count = word & SLAB__COUNT_MASK;
	if (__builtin_expect(count >= hot, 0)) /* there was none, or hot is 0 */
		return slab__alloc_slow(c);
	obj = slab__get(&s->objs[count]);
	/* the next one, or NULL, comes into the cache while the program works on this one */
	__builtin_prefetch(slab__get(&s->objs[(ptrdiff_t)count - 1]), 1);
	__atomic_store_n(&s->word, word, __ATOMIC_RELAXED);
	return obj;
}

/* Parks an object in the slot of its cache. 0: not so, as it is full, closed, or has obj on top. */
SLAB__INLINE int slab__park(struct slab__slot *s, void *obj)
{
	uintptr_t hot = slab__get(&s->hot);
	uint64_t word, count;

	if (hot == SLAB__VACANT) {
		__atomic_signal_fence(__ATOMIC_RELEASE); /* after what the program did: likewise */
		slab__set(&s->hot, (uintptr_t)obj);
		return 1;
	}
	word = __atomic_load_n(&s->word, __ATOMIC_RELAXED);
	count = word & SLAB__COUNT_MASK;
	/* full, closed, or freed twice in a row */
	if (__builtin_expect((uint32_t)count >= s->cap, 0) ||
	    __builtin_expect(hot == (uintptr_t)obj, 0) ||
	    __builtin_expect(slab__get(&s->objs[(ptrdiff_t)count - 1]) == obj, 0))
		return 0;
	slab__set(&s->objs[count], obj);
	/* the object first, then the count: a fork in between loses nothing */
	__atomic_store_n(&s->word, word + 1, __ATOMIC_RELEASE);
	return 1;
}

SLAB__INLINE void slab__free_fast(struct slab_cache *c, void *obj)
{
	struct slab__slot *s = slab__slot_of(c);

	/* nothing to free, not of this cache, or elsewhere than most of it */
	if (__builtin_expect(!slab__is_in(c, obj), 0) || __builtin_expect(!slab__park(s, obj), 0))
		slab__free_slow(c, obj);
}

#ifdef SLAB_NO_INLINE
void *slab_cache_alloc(struct slab_cache *c);
void slab_cache_free(struct slab_cache *c, void *obj);
#else
/**
 * slab_cache_alloc - take one object
 *
 * The object is as the constructor or its last user left it (with SLAB_POISON and no constructor:
 * filled with 0x5a). Define SLAB_NO_INLINE before
 * including this header to call the library's copy instead of inlining the fast path.
 * Return: the object; NULL with ENOMEM, or with the errno that a failing constructor left.
 * errno is changed on failure only.
 * Source: magazines from Bonwick and Adams, "Magazines and Vmem" (2001).
 */
SLAB__INLINE void *slab_cache_alloc(struct slab_cache *c)
{
	return slab__alloc_fast(c);
}

/**
 * slab_cache_free - give back one object
 * @obj: from slab_cache_alloc() of @c in any thread, or NULL
 *
 * errno is never changed. Misuse is caught in every build and ends the program with a report: a
 * pointer of another cache, from nowhere, or into a slab that has gone back at once; an interior
 * pointer when its magazine reaches the slabs; a double free at once if no other call came between,
 * else when both copies reach the slabs with no allocation between (until then it may be served
 * twice). Under debug (SLAB_CONSISTENCY_CHECKS and its kin) each of these is named at once, and so
 * is what was written around the object.
 */
SLAB__INLINE void slab_cache_free(struct slab_cache *c, void *obj)
{
	slab__free_fast(c, obj);
}
#endif

#ifdef __cplusplus
}
#pragma GCC diagnostic pop
#endif

/* Arguments of the macros below as a struct, the same in C and C++, without a warning. */
#ifdef __cplusplus
#define SLAB__PRAGMA(text) _Pragma(#text)
#define SLAB__ARGS_BODY(...)                                                                       \
	SLAB__PRAGMA(GCC diagnostic push)                                                          \
	SLAB__PRAGMA(GCC diagnostic ignored "-Wmissing-field-initializers")                        \
	return __extension__ slab_cache_args{ __VA_ARGS__ };                                       \
	SLAB__PRAGMA(GCC diagnostic pop)
#define SLAB__CREATE(type, ...)                                                                    \
	([&]() -> struct slab_cache * {                                                            \
		const struct slab_cache_args slab__args =                                          \
		    ([&]() -> struct slab_cache_args { SLAB__ARGS_BODY(__VA_ARGS__) }());          \
		return slab__create_type(#type, sizeof(type), __alignof__(type), &slab__args,      \
		                         sizeof slab__args);                                       \
	}())
#define SLAB__ARGS(...) ([]() -> struct slab_cache_args { SLAB__ARGS_BODY(__VA_ARGS__) }())
#define SLAB__POINTER(type, p) static_cast<type *>(p)
#else
#define SLAB__POINTER(type, p) ((type *)(p))
#define SLAB__ARGS(...) (__extension__(struct slab_cache_args){ __VA_ARGS__ })
#define SLAB__CREATE(type, ...)                                                                    \
	slab__create_type(#type, sizeof(type), __alignof__(type), &SLAB__ARGS(__VA_ARGS__),        \
	                  sizeof(struct slab_cache_args))
#endif

/**
 * SLAB_CACHE(type, .field = ...) - create a cache from a type
 *
 * Named after the type without "struct ", with its size and alignment (a larger .align counts).
 * Return: as slab_cache_create(). In C++20 the fields go in their order of declaration; in C++ of
 * any year this stands inside of functions alone, at file scope SLAB_CACHE_DEFINE() does.
 */
#define SLAB_CACHE(...) SLAB__CREATE(__VA_ARGS__, )

/**
 * SLAB_CACHE_DEFINE(name, type, .field = ...) - a cache at file scope with typed functions
 *
 * Defines, static in this file, `type *name_alloc(void)`, `void name_free(type *)` and
 * `struct slab_cache *name_cache(void)`. The cache is made before main, or at the first call
 * from an earlier constructor; with .flags = SLAB_PANIC it always exists. End it with a semicolon.
 */
#define SLAB_CACHE_DEFINE(...) SLAB__DEFINE(__VA_ARGS__, )
#define SLAB__DEFINE(name, type, ...)                                                              \
	static struct slab_cache *name##_slab__cache;                                              \
	static __attribute__((noinline, unused)) struct slab_cache *name##_slab__make(void)        \
	{                                                                                          \
		const struct slab_cache_args args = SLAB__ARGS(__VA_ARGS__);                       \
		struct slab_cache_args full = args;                                                \
		if (full.align < __alignof__(type) && (full.align & (full.align - 1)) == 0)        \
			full.align = __alignof__(type);                                            \
		return slab__define(&name##_slab__cache, #name, sizeof(type), &full, sizeof full); \
	}                                                                                          \
	static __attribute__((constructor(110), unused)) void name##_slab__construct(void)         \
	{                                                                                          \
		(void)name##_slab__make();                                                         \
	}                                                                                          \
	static inline __attribute__((unused)) struct slab_cache *name##_cache(void)                \
	{                                                                                          \
		struct slab_cache *c = __atomic_load_n(&name##_slab__cache, __ATOMIC_ACQUIRE);     \
		return __builtin_expect(c != NULL, 1) ? c : name##_slab__make();                   \
	}                                                                                          \
	static inline __attribute__((unused)) type *name##_alloc(void)                             \
	{                                                                                          \
		struct slab_cache *c = name##_cache();                                             \
		return SLAB__POINTER(                                                              \
		    type, __builtin_expect(c != NULL, 1) ? slab_cache_alloc(c) : NULL);            \
	}                                                                                          \
	static inline __attribute__((unused)) void name##_free(type *obj)                          \
	{                                                                                          \
		if (obj != NULL)                                                                   \
			slab_cache_free(name##_cache(), obj);                                      \
	}                                                                                          \
	struct name##_slab__end /* takes the semicolon that follows */

#endif
