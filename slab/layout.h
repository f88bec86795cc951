/*
 * layout.h - every struct and constant of the library, grouped by floor                  Floor 0
 *
 * The data structures are the design: read this file first. Included by every file of slab/ and,
 * for the numbers of the field table alone, by the stats tool. The floors, from the roof down:
 *
 *  12  malloc.c deepbind.c              the C library's names, in libslab-malloc.so alone
 *  11  sized.c                          the by-size front end
 *  10  cache.c destroy.c slow.c         create; destroy; slow paths of alloc and free;
 *      stats.c walk.c verify.c          figures; iteration; validators;
 *      reap.c json.c                    giving back; the figures as JSON
 *   9  magazine.c thread.c leaks.c      taking from and giving to the magazines; threads come and
 *                                       go; fork; init; what is still held
 *   8  budget.c release.c               what a slot may park; letting go of slabs
 *   7  slot.c large.c quarantine.c      one thread's slots; large blocks; freed objects of caches
 *                                       under debug
 *   6  take.c reserve.c direct.c        a slab for a cache; how much may be kept; mode M: one
 *      debug.c                          malloc an object; zones, poison and tracks
 *   5  depot.c slablist.c return.c      shelf of full magazines; slabs of one cache; pages for
 *      misuse.c damage.c recent.c       the kernel; wrongs by name; an overwritten object, shown
 *      runs.c                           in the kernel's form; freed large blocks that are kept;
 *                                       whether the lists of large blocks are consistent
 *   4  span.c home.c owner.c fallow.c   runs of slabs from mmap; partial slabs by age; whose
 *                                       malloc block is it; addresses of freed large blocks
 *   3  meta.c map.c config.c            memory for descriptors; whose address is it; SLAB_DEBUG
 *   2  page.c slabpage.c track.c        the kernel's memory calls; one slab, pure functions;
 *                                       who did something, and when
 *   1  bitmap.h list.h registry.h       containers; the outermost lock; sentences; the one root;
 *      report.c root.c valgrind.h       a tool that watches
 *   0  layout.h check.h
 *
 * Lock order, outermost first; a thread takes them downwards only:
 *   root.registry_lock   lists of caches and threads, create, destroy
 *   thread.lock          one thread's slots. Every slow path runs under the lock of its own
 *                        thread; so whoever holds all thread locks (fork) knows that no lock
 *                        below is held. Released while constructors and destructors run.
 *   quarantine.lock      objects that wait under debug; leaf
 *   depot.lock | slablist.lock    one cache's magazines | slabs; never both
 *   root.return_lock     one thread at a time takes pages away from spans
 *   root.span_lock       spans, their bitmaps, the address map's writers, the reserve's figures
 *   root.meta_lock       free descriptors; leaf
 *
 * A slab is in one of these states:
 *   state      owner   on a list             bitmap        pages
 *   partial    cache   slablist.band[0..3]   some bits 0   resident
 *              (in a span of its cache alone: a bit of span.partial instead of a list)
 *   full       cache   none                  all bits 1    resident
 *   empty      cache   band[3]               all bits 0    resident
 *              (new, pinned by an iteration, or kept for what its constructor made)
 *   leaving    thread  one of its own        all bits 0    resident; band = BAND_NONE
 *              (until its destructors have run; lost to a child that forks meanwhile)
 *   warm       span    none                  -             resident, stale contents
 *   clean      span    none                  -             mapped, no page behind it
 *   hole       span    none                  -             unmapped; may belong to someone else
 *   lost       nobody  none                  -             a hole that someone else has taken
 */
#ifndef SLAB_LAYOUT_H
#define SLAB_LAYOUT_H

#include <pthread.h>
#include <stdbool.h>

#include "slab.h"

/* A lock that is held for less than it takes to put a thread to sleep and to wake it: who finds it
 * taken looks again a few times first. */
#ifdef PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP /* with _GNU_SOURCE */
#define SLAB_SHORT_LOCK PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP
#else
#define SLAB_SHORT_LOCK PTHREAD_MUTEX_INITIALIZER
#endif

#define SLAB_MAGIC 0x3130746f6f72626cULL /* "lbroot01" as bytes in memory, little end first */
#define SLAB_LAYOUT_VERSION 1u
#define SLAB_NAME_BYTES 64
#define SLAB_REPORT_BYTES 4096
#define SLAB_RESERVE_SHARE 16 /* besides the reserve, one part in 16 of the slabs in use */

struct slab_list {
	struct slab_list *next, *prev;
};

/* ---- floor 2: one slab ------------------------------------------------------------------- */

#define SLAB_BANDS 4              /* partial slabs by fill: 0 fullest, 3 emptiest */
#define SLAB_BAND_NONE SLAB_BANDS /* full: on no list */
#define SLAB_BAND_HOME (SLAB_BANDS + 1) /* partial: a bit in its span */
#define SLAB_SLAB_MAX_BYTES ((size_t)1 << 20)
#define SLAB_COLOUR_SHIFT 17 /* slabs that share a set of a cache differ in bits from here on */

/*
 * How the slabs of one cache are cut; fixed at create. The header stands at k * colour_bytes, where
 * k is chosen by the slab's address (slab_of), between whole objects: those before it lie at
 * i * stride_bytes, those behind it at i * stride_bytes + header_bytes. This costs no object.
 * Where objects would all start in the same few sets of a cache, all follow the header, and before
 * it are k * colour_bytes of what no object fills: first_mask is -1.
 */
struct slab_geometry {
	uint32_t object_bytes;
	uint32_t stride_bytes; /* object_bytes rounded up to align_bytes */
	uint32_t align_bytes;
	uint32_t slab_bytes;   /* root.page_bytes << order */
	uint32_t order;
	uint32_t header_bytes; /* set aside for header and bitmap, a multiple of align_bytes */
	uint32_t objects;      /* slots in a slab */
	uint32_t words;        /* of the bitmap = ceil(objects / 64) */
	uint32_t colours;      /* places for the header - 1; 0: always at the start */
	uint32_t colour_bytes; /* distance of two places: whole lines; whole objects or none */
	int32_t first_mask;    /* & a header = where slot 0 is; -1 where all follow the header */
	uint32_t area_bytes;   /* = objects * stride_bytes */
	uint32_t track_offset; /* of its struct slab_track, from an object; 0: not under debug */
	uint32_t lead_bytes;   /* zone before each object; the first one's is in header_bytes */
	uint64_t reciprocal;   /* ceil(2^40 / stride_bytes); exact for offsets below 1 MiB */
};

/*
 * The header of a slab. cookie = address of the cache ^ address of the slab ^
 * root.secret, so stale bytes and foreign pages do not pass for one.
 * Invariants (under slablist.lock): in_use = ones of bitmap; band = BAND_NONE <=> in_use = objects
 * <=> on no list, but for a leaving one, whose in_use is 0; in_use >= band_floor;
 * band = BAND_HOME <=> at_home and 0 < in_use < objects <=> its bit of span.partial is 1.
 */
struct slab {
	uintptr_t cookie;
	struct slab_list link;  /* slablist.band[band] */
	uint16_t in_use;        /* slots live or parked in a magazine */
	uint16_t band_floor;    /* below this many in use the slab changes its band, or is thin:
	                         * then 1 */
	uint8_t band;
	uint8_t kept : 1;       /* empty, and stays for what its constructor made */
	uint8_t at_home : 1;    /* its span serves its cache alone */
	uint16_t pins;          /* iterations that keep an empty slab from leaving */
	uint64_t bitmap[];      /* 1 = in use; bits from objects on are 1 for ever */
};

/* ---- floor 3: what SLAB_DEBUG says --------------------------------------------------------- */

#define SLAB_DEBUG_FLAGS                                                                           \
	(SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER | SLAB_TRACE |    \
	 SLAB_FAULT_INJECT)
#define SLAB_CONFIG_OFF 0x80000000u /* '-' matched: the real pool, whatever tool runs; no flag */
#define SLAB_CONFIG_BYTES 1024

/* Written once, under registry_lock, before state is SLAB_CONFIG_READ; constant from then on. */
struct slab_config {
	uint32_t state;          /* 0: the environment was not there yet */
	bool leaks;              /* L: say at exit what each cache holds */
	bool repair;             /* r: report, repair, go on */
	int leak_status;         /* L=CODE: exit status when something is held; 0: left alone */
	uint64_t fail_every;     /* A=N: one alloc in N fails */
	uint64_t fail_seed;      /* A=N:SEED: chooses which */
	size_t quarantine_bytes; /* Q=BYTES: freed objects that wait, of the process */
	char blocks[SLAB_CONFIG_BYTES]; /* the blocks that are valid, each ended by ';' */
};
#define SLAB_CONFIG_READ 1

/* ---- floor 3: descriptors ---------------------------------------------------------------- */

/* Begins each piece of memory that meta.c has mapped: a reader knows what is the library's. */
struct slab_meta_chunk {
	struct slab_meta_chunk *next; /* root.meta_chunks, newest first; never taken out */
	size_t bytes;                 /* mapped from here on */
};

/* ---- floor 3: address map ---------------------------------------------------------------- */

#define SLAB_GRANULE_SHIFT 16 /* the map knows addresses in steps of 64 KiB */
#define SLAB_GRANULE_BYTES ((size_t)1 << SLAB_GRANULE_SHIFT)
#define SLAB_LEAF_BYTES    ((uintptr_t)1 << SLAB__LEAF_SHIFT)
#define SLAB_LEAF_GRANULES ((size_t)1 << (SLAB__LEAF_SHIFT - SLAB_GRANULE_SHIFT))
#define SLAB_MAP_LARGE 15

/*
 * Written under span_lock, read without a lock; map.c holds the SLAB_LEAVES pointers to them. For
 * each page of a slab the number of its cache is in one of two arrays, and 0 in the other: slab.h
 * asks for caches of one type, sized.h for size classes, and neither finds what it must not take.
 * The kernel brings a page of a leaf with its first use.
 */
#define SLAB_LEAVES ((uintptr_t)1 << 16) /* 48 bits of address */
struct slab_map_leaf {
	uint16_t by_size[SLAB__LEAF_PAGES]; /* of the caches of malloc's size classes */
	uint16_t number[SLAB__LEAF_PAGES];  /* of all others */
	/* the struct slab_span; in its low bits order + 1, SLAB_MAP_LARGE, or 0: not ours */
	uintptr_t span[SLAB_LEAF_GRANULES];
};

#define SLAB_OWNER_STEP 8 /* malloc blocks begin at multiples of this */
#define SLAB_OWNER_WORDS (SLAB_GRANULE_BYTES / SLAB_OWNER_STEP)

/* Mode M: which blocks begin in a granule of malloc's memory, see owner.h. Atomic, no lock. */
struct slab_owner_leaf {
	uint64_t live; /* words of blocks that are not freed */
	uint64_t word[SLAB_OWNER_WORDS];
};

/* ---- floor 4: spans ---------------------------------------------------------------------- */

#define SLAB_ORDERS 9          /* slabs of page_bytes << 0 .. 8: 4 KiB .. 1 MiB */
#define SLAB_SPAN_SLABS 512
#define SLAB_SPAN_WORDS (SLAB_SPAN_SLABS / 64)
#define SLAB_SPAN_MIN_BYTES ((size_t)64 << 10)
#define SLAB_SPAN_MAX_BYTES ((size_t)2 << 20)

/*
 * What one mmap brought, cut into slabs of one order. Per slab three bits say its state:
 *   held by a cache: free 0 hole 0 | warm: free 1 warm 1 | clean: free 1 warm 0 hole 0
 *   hole: free 1 hole 1 warm 0     | lost: free 0 hole 1
 * n_free, n_warm = ones of free, warm; n_lost counts the lost. All under root.span_lock.
 */
struct slab_span {
	/* a large block, and what is kept of freed ones, have these alone: SLAB_SPAN_RUN_BYTES */
	struct slab_list all_link;  /* root.spans of its order, root.large, recent or fallow */
	uintptr_t base;
	size_t bytes;
	uint64_t mapping;           /* of those: the mmap that it is a part of */
	/* and these where slabs are cut from it */
	struct slab_list link;      /* pool.warm (n_warm > 0), pool.cold (n_free > 0), or alone */
	struct slab_list warm_link; /* root.warm of its order (n_warm > 0), or alone */
	struct slab_cache *owner;   /* the large cache that it serves, or NULL: shared */
	uint32_t slabs;
	uint32_t n_free, n_warm, n_lost;
	uint8_t order;
	bool huge;                  /* on huge pages: given back whole or not at all */
	bool busy;                  /* pages are on their way back: on no list but all_link's */
	uint64_t free[SLAB_SPAN_WORDS];
	uint64_t warm[SLAB_SPAN_WORDS];
	uint64_t hole[SLAB_SPAN_WORDS];
	uint16_t slot[SLAB_SPAN_SLABS]; /* number of the holder's slot; 0: it has none */
	/* of the owner's slabs in here; under the slablist.lock of the owner */
	struct slab_list home_link; /* slablist.homes, while n_home > 0 */
	uint64_t home_serial;       /* grows along that list */
	uint32_t n_home;            /* all */
	uint32_t n_partial;         /* ones of partial */
	uint64_t partial[SLAB_SPAN_WORDS]; /* 1 = some slots in use, some free */
} __attribute__((aligned(SLAB_MAP_LARGE + 1)));
#define SLAB_SPAN_RUN_BYTES offsetof(struct slab_span, link)

#define SLAB_FALLOW_LOGS 32 /* runs of 1 granule, 2 to 3, 4 to 7 ... */

/* Spans with free slabs; one pool per order for all small caches, one per large cache. */
struct slab_pool {
	struct slab_list warm, cold;
	size_t bytes; /* of the pool's spans; the next span is about as large */
};

/* What is kept, and what is known about returned pages; under root.span_lock. */
struct slab_reserve {
	size_t reserve_bytes;     /* kept now; grows and shrinks between min and max */
	size_t min_bytes, max_bytes;
	size_t max_share;         /* setting: grows to one part in so many of what is in use, large
	                           * blocks included, where that is less than max; 0: to max */
	size_t held_bytes;        /* in slabs of caches; read relaxed without the lock */
	size_t warm_bytes;        /* empty and resident; likewise */
	size_t returned_bytes;    /* given back since the reserve was last changed */
	size_t refault_bytes;     /* of those, taken again */
	size_t gone_bytes;        /* given back and not taken again yet, */
	size_t paid_bytes;        /* and taken again, since min_bytes was last raised */
	size_t idle_bytes;        /* warm because a cache gave them up, not made present ahead */
	size_t turned_bytes;      /* of those, taken again since the reserve was last changed */
	size_t warm_quarters;     /* setting: of the ceiling for warm slabs in any case, 1 to 4 */
	size_t parked_quarters;   /* setting: of the ceiling for what one thread has parked;
	                           * these two are read relaxed without the lock */
};

/* ---- floor 5: one cache's slabs and magazines -------------------------------------------- */

/*
 * Slabs of one cache. Everything under lock; the counters are read relaxed without it.
 * Invariants: slabs = full + partial + empty; used = ones of all bitmaps = live + parked.
 */
struct slab_slablist {
	pthread_mutex_t lock;
	struct slab_list band[SLAB_BANDS];
	struct slab_list homes;   /* spans with slabs at home, in the order of home_serial */
	struct slab_span *oldest; /* none before it has partial slabs; NULL: none at all */
	uint64_t next_serial;     /* of a span that joins */
	uint64_t generation;      /* odd while changing */
	uint64_t slabs, full, empty; /* all; on no list; with no slot in use */
	uint64_t thin;            /* hardly in use: band_floor is 1 */
	uint64_t used, used_peak; /* slots */
	uint64_t given;           /* freed since any were last taken; without the lock a hint */
	uint64_t waiting;         /* of used: freed, in the quarantine; relaxed atomic */
	uint64_t released_slabs;  /* left the cache, since create */
	uint64_t gone_slabs;      /* of those, back with their spans; atomic, touched last */
	uint64_t direct_allocs;   /* calls that passed no magazine; atomic, without the lock */
	uint64_t direct_frees;
	uint64_t retired_allocs;  /* of threads that have ended */
	int64_t retired_net;      /* their allocs - frees */
	struct slab_list walks;   /* iterations that pin slabs */
};

/*
 * One iteration over the objects of a cache; under slablist.lock. It begins pages of its own, where
 * a child of fork finds it when its thread is no more.
 */
struct slab_walk {
	struct slab_list link;    /* slablist.walks, while the slabs are pinned */
	uintptr_t self;           /* of its thread, as in struct slab_thread */
	size_t mapped_bytes;      /* of the pages */
	size_t room, n;           /* of slabs */
	struct slab *slabs[];
};

/* A fixed array of objects, used as a stack. Memory from meta.c, in five sizes. */
struct slab_magazine {
	struct slab_magazine *next; /* on a depot's shelf */
	uint16_t cap;
	uint16_t count;             /* exact while the magazine is not loaded in a slot */
	uint32_t filler;            /* tid of who filled it and put it on the shelf; 0: none yet */
	uint32_t seen;              /* of the slot's word at the last sweep while it was loaded */
	void *bottom;               /* NULL: what the fast path reads below an empty stack */
	void *objs[];
};
#define SLAB_MAGAZINE_MAX 256

/* Parked objects of a large cache come from anywhere in it, and are served before those whose turn
 * it is by address: the fewer are parked, the nearer to each other lie objects that are allocated
 * together. */
#define SLAB_SCATTERED_BYTES ((size_t)8 << 20)

/* Shelf of magazines that hold something, and of some empty ones to give in exchange. Under lock;
 * objects is read relaxed without it. */
struct slab_depot {
	pthread_mutex_t lock;
	struct slab_magazine *shelf;
	uint64_t objects;      /* = sum of count over the shelf */
	uint64_t generation;   /* odd while changing */
	uint64_t pin_bytes;    /* slab memory it may pin; its share of root.depot_pin_bytes */
	uint32_t contended;    /* times the lock was found taken in this window */
	uint32_t exchanges;    /* in this window; at its end contention makes magazines larger */
	struct slab_magazine *spare; /* empty ones, count 0 */
	uint32_t spares;
};

/* ---- floor 6: caches under debug ---------------------------------------------------------- */

/*
 * A slot of a cache under debug, stride_bytes long, from the object on:
 *   object_bytes      the object, exactly as large as was asked for; a live block of sized.c has
 *                     track.asked bytes, and the zone begins there
 *   to track_offset   zone behind it (SLAB_RED_ZONE), SLAB_ZONE_BYTES or up to 7 more
 *   track record      struct slab_track; with SLAB_STORE_USER all of it, else up to taken
 *   lead_bytes        zone before the next object; the first object's ends the header
 */
#define SLAB_ZONE_BYTES 16
#define SLAB_FRAMES 16

/* Who did something to an object, and when. */
struct slab_event {
	uint64_t time_ns; /* CLOCK_MONOTONIC; 0: it never happened */
	uint32_t thread;  /* as gettid() */
	uint32_t frames;  /* of frame, the innermost first */
	uintptr_t frame[SLAB_FRAMES];
};

/* What fills what: free objects and new ones (SLAB_POISON), zones of free objects and of live
 * ones (SLAB_RED_ZONE). */
#define SLAB_POISON_FREE 0x6b
#define SLAB_POISON_END 0xa5 /* the last byte of a free object */
#define SLAB_POISON_NEW 0x5a
#define SLAB_ZONE_FREE 0xbb
#define SLAB_ZONE_LIVE 0xcc

/* Written by the thread that holds the object, under its thread's lock. */
struct slab_track {
	uint64_t state;   /* one of the three below; anything else: overwritten */
	uint64_t asked;   /* bytes that a live object's owner asked for; <= object_bytes */
	struct slab_event taken, freed;
};
#define SLAB_TRACK_FREE 0x5a00a56565726600ULL    /* nobody's: the slot's bit is 0 */
#define SLAB_TRACK_LIVE 0x5a00a5657669c600ULL    /* the program's */
#define SLAB_TRACK_WAITING 0x5a00a57469617700ULL /* freed, in the quarantine; the bit is 1 */

/* ---- floor 7: threads -------------------------------------------------------------------- */

#define SLAB_SLOTS 16384 /* caches that can have magazines; further ones work without */
#define SLAB_SLOTS_PER_PAGE 64
#define SLAB_SLOT_PAGES (SLAB_SLOTS / SLAB_SLOTS_PER_PAGE)

/*
 * One thread: a page for this struct, then its slot table, of which only touched pages exist.
 * A slot's word is written by its thread alone, without a lock; everything else under lock.
 */
struct slab_thread {
	struct slab_list link;    /* root.threads; under registry_lock */
	pthread_mutex_t lock;
	uint64_t tid;
	uintptr_t self;           /* where the thread's slab__slots_v6 is: the same after fork */
	struct slab__slot *slots; /* SLAB_SLOTS of them; slot 0 stays zero for ever */
	uint64_t touched[SLAB_SLOT_PAGES / 64]; /* pages of slots with an open slot, by bit */
	uint64_t open;            /* open slots */
	uint64_t pin_bytes;       /* sum of what the slots may pin at worst */
	uint64_t fill_pin_bytes;  /* and of what they pin as full as the slabs are */
	struct slab_thread *next_spare; /* once ended: root.spare_threads */
	uint32_t sweep_credit;    /* exchanges until idle slots may be swept again */
	struct slab_list leaving; /* slab_leaving.link */
};

/* What a thread has still to let go while it runs a destructor; on its stack. Under thread.lock. */
struct slab_leaving {
	struct slab_list link;    /* thread.leaving */
	struct slab_list *rest;   /* slabs that come after the one that is destructed */
	struct slab_cache *cache; /* of that one */
	uintptr_t self;           /* as thread.self: a struct may be shared */
};

/* What a slot may pin of slab memory, or may be let pin: at worst, and as full as slabs are now. */
struct slab_pin {
	size_t worst_bytes, fill_bytes;
};

/* What a slot may park besides its hot object. */
struct slab_grant {
	uint32_t cap; /* objects in the loaded magazine; 0: none */
	bool pair;    /* as many in the previous one; else there is none */
};

/* ---- floor 7: quarantine ------------------------------------------------------------------ */

struct slab_waiting {
	struct slab_cache *cache; /* NULL: taken out before its turn */
	void *obj;
};

/*
 * Objects freed under debug, in the order of their frees; under lock. Entry n stands in
 * ring[n % room], for first <= n < next; bytes = sum of their strides.
 */
struct slab_quarantine {
	pthread_mutex_t lock;
	struct slab_waiting *ring; /* pages of its own, made at the first use; never given back */
	uint64_t room;
	uint64_t first, next;
	size_t bytes;
};

/* ---- floor 10: caches --------------------------------------------------------------------- */

enum slab_cache_state { SLAB_CACHE_LIVE = 1, SLAB_CACHE_DEAD = 2 };

/* All but the first have slot_bytes 0, so that every call takes the slow path. In the last a "slab"
 * of the figures is one malloc block: slabs = full = used, atomic, without the slablist's lock. */
enum slab_cache_mode {
	SLAB_MODE_POOL = 0,
	SLAB_MODE_DEBUG = 1, /* slabs, with zones, poison or tracks around the objects */
	SLAB_MODE_MALLOC = 2 /* each object is a malloc block */
};

/* Never unmapped: a destroyed one waits in root.dead until it is made into a new cache. */
struct slab_cache {
	uint32_t slot_bytes;     /* offset of its slot in every thread's table; 0: no magazines */
	uint16_t number;         /* in the map, slab_cache_by_slot, and slab_span.slot; 0: none */
	struct slab__window window; /* up to here: struct slab__head of slab.h, see there */
	struct slab_list link;   /* root.caches or root.dead */
	uint64_t id;
	uint32_t state;          /* enum slab_cache_state */
	uint32_t flags;
	uint32_t mode;           /* enum slab_cache_mode */
	uint32_t magazine_cap;   /* objects a magazine should have; grows with contention */
	uint32_t by_size;        /* 0 or 1: serves a size class */
	struct slab_geometry geo;
	int (*ctor)(void *obj, void *ctx);
	void (*dtor)(void *obj, void *ctx);
	void *ctx;
	uint64_t alloc_failures; /* relaxed atomic */
	struct slab_pool own;    /* spans of this cache alone, once it is large */
	char name[SLAB_NAME_BYTES];
	struct slab_slablist slabs;
	struct slab_depot depot;
} __attribute__((aligned(64)));

/* ---- the root ---------------------------------------------------------------------------- */

/*
 * The table by which a reader in another process finds its way: offset and size of each field,
 * in the order of this list. New entries go to the end; none is ever removed or renumbered.
 */
#define SLAB_FIELDS(X)                                                                             \
	X(ROOT_GENERATION, struct slab_root, generation)                                           \
	X(ROOT_SECRET, struct slab_root, secret)                                                   \
	X(ROOT_PAGE_BYTES, struct slab_root, page_bytes)                                           \
	X(ROOT_CACHES, struct slab_root, caches)                                                   \
	X(ROOT_CACHE_COUNT, struct slab_root, cache_count)                                         \
	X(ROOT_THREADS, struct slab_root, threads)                                                 \
	X(ROOT_THREAD_COUNT, struct slab_root, thread_count)                                       \
	X(ROOT_MAPPED_BYTES, struct slab_root, mapped_bytes)                                       \
	X(ROOT_METADATA_BYTES, struct slab_root, metadata_bytes)                                   \
	X(ROOT_HOLES, struct slab_root, holes)                                                     \
	X(ROOT_LOST_HOLES, struct slab_root, lost_holes)                                           \
	X(ROOT_UNMAP_FAILURES, struct slab_root, unmap_failures)                                   \
	X(ROOT_RESERVE, struct slab_root, reserve)                                                 \
	X(ROOT_SPANS, struct slab_root, spans)                                                     \
	X(ROOT_LARGE, struct slab_root, large)                                                     \
	X(ROOT_REPORT, struct slab_root, report)                                                   \
	X(RESERVE_BYTES, struct slab_reserve, reserve_bytes)                                       \
	X(RESERVE_HELD_BYTES, struct slab_reserve, held_bytes)                                     \
	X(RESERVE_WARM_BYTES, struct slab_reserve, warm_bytes)                                     \
	X(CACHE_SLOT_BYTES, struct slab_cache, slot_bytes)                                         \
	X(CACHE_LINK, struct slab_cache, link)                                                     \
	X(CACHE_ID, struct slab_cache, id)                                                         \
	X(CACHE_STATE, struct slab_cache, state)                                                   \
	X(CACHE_FLAGS, struct slab_cache, flags)                                                   \
	X(CACHE_MODE, struct slab_cache, mode)                                                     \
	X(CACHE_NAME, struct slab_cache, name)                                                     \
	X(CACHE_OBJECT_BYTES, struct slab_cache, geo.object_bytes)                                 \
	X(CACHE_STRIDE_BYTES, struct slab_cache, geo.stride_bytes)                                 \
	X(CACHE_ALIGN_BYTES, struct slab_cache, geo.align_bytes)                                   \
	X(CACHE_SLAB_BYTES, struct slab_cache, geo.slab_bytes)                                     \
	X(CACHE_HEADER_BYTES, struct slab_cache, geo.header_bytes)                                 \
	X(CACHE_OBJECTS, struct slab_cache, geo.objects)                                           \
	X(CACHE_ALLOC_FAILURES, struct slab_cache, alloc_failures)                                 \
	X(CACHE_BAND, struct slab_cache, slabs.band)                                               \
	X(CACHE_GENERATION, struct slab_cache, slabs.generation)                                   \
	X(CACHE_SLABS, struct slab_cache, slabs.slabs)                                             \
	X(CACHE_FULL, struct slab_cache, slabs.full)                                               \
	X(CACHE_EMPTY, struct slab_cache, slabs.empty)                                             \
	X(CACHE_USED, struct slab_cache, slabs.used)                                               \
	X(CACHE_USED_PEAK, struct slab_cache, slabs.used_peak)                                     \
	X(CACHE_RELEASED_SLABS, struct slab_cache, slabs.released_slabs)                           \
	X(CACHE_DIRECT_ALLOCS, struct slab_cache, slabs.direct_allocs)                             \
	X(CACHE_DIRECT_FREES, struct slab_cache, slabs.direct_frees)                               \
	X(CACHE_RETIRED_ALLOCS, struct slab_cache, slabs.retired_allocs)                           \
	X(CACHE_RETIRED_NET, struct slab_cache, slabs.retired_net)                                 \
	X(CACHE_DEPOT_OBJECTS, struct slab_cache, depot.objects)                                   \
	X(CACHE_DEPOT_GENERATION, struct slab_cache, depot.generation)                             \
	X(CACHE_DEPOT_SHELF, struct slab_cache, depot.shelf)                                       \
	X(CACHE_DEPOT_CONTENDED, struct slab_cache, depot.contended)                               \
	X(THREAD_LINK, struct slab_thread, link)                                                   \
	X(THREAD_TID, struct slab_thread, tid)                                                     \
	X(THREAD_SLOTS, struct slab_thread, slots)                                                 \
	X(THREAD_TOUCHED, struct slab_thread, touched)                                             \
	X(SLOT_WORD, struct slab__slot, word)                                                      \
	X(SLOT_OBJS, struct slab__slot, objs)                                                      \
	X(SLOT_PREV, struct slab__slot, prev)                                                      \
	X(SLOT_PREV_COUNT, struct slab__slot, prev_count)                                          \
	X(SLOT_SEQ, struct slab__slot, seq)                                                        \
	X(SLOT_NET, struct slab__slot, net)                                                        \
	X(MAGAZINE_NEXT, struct slab_magazine, next)                                               \
	X(MAGAZINE_COUNT, struct slab_magazine, count)                                             \
	X(MAGAZINE_OBJS, struct slab_magazine, objs[0])                                            \
	X(SPAN_ALL_LINK, struct slab_span, all_link)                                               \
	X(SPAN_BASE, struct slab_span, base)                                                       \
	X(SPAN_BYTES, struct slab_span, bytes)                                                     \
	X(SPAN_SLABS, struct slab_span, slabs)                                                     \
	X(SPAN_ORDER, struct slab_span, order)                                                     \
	X(SPAN_FREE, struct slab_span, free)                                                       \
	X(SPAN_WARM, struct slab_span, warm)                                                       \
	X(SPAN_HOLE, struct slab_span, hole)                                                       \
	X(SPAN_SLOT, struct slab_span, slot)                                                       \
	X(CACHE_COLOURS, struct slab_cache, geo.colours)                                           \
	X(CACHE_COLOUR_BYTES, struct slab_cache, geo.colour_bytes)                                 \
	X(SLAB_COOKIE, struct slab, cookie)                                                        \
	X(SLAB_IN_USE, struct slab, in_use)                                                        \
	X(SLAB_BITMAP, struct slab, bitmap[0])                                                     \
	X(SLOT_HOT, struct slab__slot, hot)                                                        \
	X(ROOT_META_CHUNKS, struct slab_root, meta_chunks)                                         \
	X(META_CHUNK_NEXT, struct slab_meta_chunk, next)                                           \
	X(META_CHUNK_BYTES, struct slab_meta_chunk, bytes)                                         \
	X(CACHE_CTX, struct slab_cache, ctx)                                                       \
	X(ROOT_REPORTER_CTX, struct slab_root, reporter_ctx)                                       \
	X(CACHE_NUMBER, struct slab_cache, number)                                                 \
	X(CACHE_WAITING, struct slab_cache, slabs.waiting)                                         \
	X(CACHE_TRACK_OFFSET, struct slab_cache, geo.track_offset)                                 \
	X(CACHE_LEAD_BYTES, struct slab_cache, geo.lead_bytes)                                     \
	X(TRACK_STATE, struct slab_track, state)                                                   \
	X(TRACK_TAKEN, struct slab_track, taken)                                                   \
	X(TRACK_FREED, struct slab_track, freed)                                                   \
	X(EVENT_TIME, struct slab_event, time_ns)                                                  \
	X(EVENT_THREAD, struct slab_event, thread)                                                 \
	X(EVENT_FRAMES, struct slab_event, frames)                                                 \
	X(EVENT_FRAME, struct slab_event, frame[0])                                                \
	X(CACHE_MAGAZINE_CAP, struct slab_cache, magazine_cap)                                     \
	X(CACHE_CTOR, struct slab_cache, ctor)                                                     \
	X(CACHE_DTOR, struct slab_cache, dtor)                                                     \
	X(CACHE_DEPOT_EXCHANGES, struct slab_cache, depot.exchanges)                               \
	X(SPAN_OWNER, struct slab_span, owner)                                                     \
	X(ROOT_RECENT, struct slab_root, recent)

/* Numbers in the table that are no field: what a reader must know about encodings. */
#define SLAB_CONSTANTS(X)                                                                          \
	X(COUNT_BITS, SLAB__COUNT_BITS)     /* low bits of a slot's word that are the count */     \
	X(SLOT_BYTES, sizeof(struct slab__slot))                                                   \
	X(SLOTS, SLAB_SLOTS)                                                                       \
	X(SLOTS_PER_PAGE, SLAB_SLOTS_PER_PAGE)                                                     \
	X(ORDERS, SLAB_ORDERS)                                                                     \
	X(BANDS, SLAB_BANDS)                                                                       \
	X(STATE_LIVE, SLAB_CACHE_LIVE)                                                             \
	X(COLOUR_SHIFT, SLAB_COLOUR_SHIFT)                                                        \
	X(SLOT_VACANT, SLAB__VACANT) /* an object in hot is above this */                          \
	X(RESERVE_SHARE, SLAB_RESERVE_SHARE) /* one part in this of slabs in use may be kept */    \
	X(MODE_DEBUG, SLAB_MODE_DEBUG)   /* its slots have tracks at CACHE_TRACK_OFFSET */         \
	X(MODE_MALLOC, SLAB_MODE_MALLOC) /* its objects are no slots of slabs */                   \
	X(FLAG_STORE_USER, SLAB_STORE_USER) /* of CACHE_FLAGS: tracks have TAKEN and FREED */      \
	X(TRACK_FREE, SLAB_TRACK_FREE)                                                             \
	X(TRACK_LIVE, SLAB_TRACK_LIVE)                                                             \
	X(TRACK_WAITING, SLAB_TRACK_WAITING) /* its slot counts as used, and as cached */          \
	X(EVENT_FRAMES_MAX, SLAB_FRAMES)

enum slab_field_id {
#define X(id, type, field) SLAB_F_##id,
	SLAB_FIELDS(X)
#undef X
	    SLAB_F_COUNT
};
enum slab_constant_id {
#define X(id, value) SLAB_K_##id,
	SLAB_CONSTANTS(X)
#undef X
	    SLAB_K_COUNT
};

struct slab_field {
	uint32_t offset_bytes;
	uint32_t size_bytes; /* of an array at the end: of one element */
};

/*
 * Everything is reachable from here. Found by a reader through the ELF note .note.slab (owner
 * "Slab", type 0x534c), whose body is the 8-byte distance from itself to this struct. The fields
 * up to constant_count are fixed for ever.
 */
struct slab_root {
	uint64_t magic;           /* SLAB_MAGIC, once the root is usable */
	uint64_t self;            /* its own address */
	uint32_t layout_version;  /* changed when a field changes its meaning */
	uint32_t root_bytes;      /* sizeof(struct slab_root) */
	uint32_t fields_offset_bytes;
	uint32_t field_count;
	uint32_t constants_offset_bytes;
	uint32_t constant_count;

	uint64_t generation;      /* odd while caches or threads come or go */
	uint64_t secret;          /* mixed into every cookie */
	uint64_t page_bytes;

	pthread_mutex_t registry_lock; /* through registry.h only */
	uintptr_t registry_owner;
	uint32_t registry_depth;
	struct slab_list caches;  /* slab_cache.link, in order of creation */
	struct slab_list dead;    /* destroyed caches, oldest first */
	uint64_t cache_count, dead_count, next_id;
	struct slab_list threads; /* slab_thread.link */
	uint64_t thread_count;
	struct slab_thread *spare_threads; /* ended ones, kept for the next */
	uint64_t spare_thread_count;
	uint64_t slots_used[SLAB_SLOTS / 64]; /* slot numbers taken; 0 is never given */

	struct slab_quarantine quarantine;

	pthread_mutex_t return_lock;
	pthread_mutex_t span_lock;
	struct slab_list spans[SLAB_ORDERS];  /* slab_span.all_link */
	struct slab_list large;               /* blocks of the by-size front end above 60 KiB */
	struct slab_list recent;              /* freed and kept (recent.c), the newest first */
	uint64_t large_bytes, recent_bytes;   /* sums over those two */
	uint64_t large_count, recent_count;   /* the former is read relaxed without the lock */
	uint64_t mappings;                    /* made for large blocks so far */
	uint64_t recent_gone_bytes;           /* of what was kept, given back; bounded */
	uint64_t recent_missed_bytes;         /* of those, mapped again since more was kept */
	uint64_t recent_doubled;              /* times that more was kept from then on */
	struct slab_list fallow[SLAB_FALLOW_LOGS]; /* freed, without pages (fallow.c), by length */
	uint64_t fallow_bytes;                /* sum over those */
	struct slab_pool shared[SLAB_ORDERS];
	struct slab_reserve reserve;
	struct slab_list warm[SLAB_ORDERS];   /* slab_span.warm_link: those of all pools */
	uint64_t mapped_bytes;
	uint64_t holes;
	uint64_t lost_holes;
	uint64_t unmap_failures;              /* relaxed atomic */
	uint64_t hugepages;                   /* setting */
	uint64_t whole_spans;                 /* setting: of a span in use pages are only dropped */
	uint64_t thread_bytes_set;            /* 1: thread_bytes is what the program wants */

	pthread_mutex_t meta_lock;
	void *meta_free[8];                   /* by kind */
	struct slab_meta_chunk *meta_chunks;  /* all; the newest first */
	uintptr_t meta_chunk;                 /* unused part of the newest chunk */
	size_t meta_chunk_bytes;
	uint64_t metadata_bytes;              /* relaxed atomic */

	uint64_t depot_pin_bytes;             /* sum over all depots; relaxed atomic */
	uint64_t kept_bytes;                  /* of slabs that are kept; relaxed atomic */
	uint64_t thread_bytes;                /* setting: slab memory a thread may pin */

	void *reporter_ctx;                   /* the last one; report.c has it with its function */
	uint32_t report_bytes;                /* length of report */
	uint32_t unused;
	char report[SLAB_REPORT_BYTES];       /* the last one, so that a core shows it */

	struct slab_field fields[SLAB_F_COUNT];
	uint64_t constants[SLAB_K_COUNT];
};

/* The caches by the number of their slot; entry 0 stays NULL. Written under registry_lock. */
extern struct slab_cache *slab_cache_by_slot[SLAB_SLOTS] __attribute__((visibility("hidden")));

/*
 * What a thread without slots of its own reads: zeroes. Its slab__slots_v6 points to the first when
 * its end is over, else to one behind that, further by the number of its frees so far.
 */
#define SLAB_FREES_BEFORE 64 /* slow ones that a thread makes before it gets a struct for them */
extern struct slab__slot slab_no_slots[1 + SLAB_FREES_BEFORE + SLAB_SLOTS]
    __attribute__((visibility("hidden")));

extern struct slab_root slab_root __attribute__((visibility("hidden")));

#endif
