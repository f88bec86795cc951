/*
 * root.c - the one root, and the note by which a reader finds it                         Floor 1
 *
 * Statically initialised as far as can be, so that everything works before any constructor;
 * thread.c completes it (page size, secret) before its first use.
 */
#define _GNU_SOURCE
#include "slab/layout.h"

#define ON_ITSELF(list) { &slab_root.list, &slab_root.list }
#define POOL(n) { ON_ITSELF(shared[n].warm), ON_ITSELF(shared[n].cold), 0 }

#define FALLOW(n) ON_ITSELF(fallow[n]), ON_ITSELF(fallow[(n) + 1]), ON_ITSELF(fallow[(n) + 2]),    \
	ON_ITSELF(fallow[(n) + 3])

struct slab_cache *slab_cache_by_slot[SLAB_SLOTS];

struct slab__slot slab_no_slots[1 + SLAB_FREES_BEFORE + SLAB_SLOTS];

struct slab_root slab_root = {
	.self = (uint64_t)(uintptr_t)&slab_root,
	.layout_version = SLAB_LAYOUT_VERSION,
	.root_bytes = sizeof(struct slab_root),
	.fields_offset_bytes = offsetof(struct slab_root, fields),
	.field_count = SLAB_F_COUNT,
	.constants_offset_bytes = offsetof(struct slab_root, constants),
	.constant_count = SLAB_K_COUNT,
	.registry_lock = PTHREAD_MUTEX_INITIALIZER,
	.caches = ON_ITSELF(caches),
	.dead = ON_ITSELF(dead),
	.threads = ON_ITSELF(threads),
	.slots_used = { 1 },
	.quarantine = { .lock = PTHREAD_MUTEX_INITIALIZER },
	.return_lock = PTHREAD_MUTEX_INITIALIZER,
	.span_lock = SLAB_SHORT_LOCK,
	.spans = { ON_ITSELF(spans[0]), ON_ITSELF(spans[1]), ON_ITSELF(spans[2]),
	           ON_ITSELF(spans[3]), ON_ITSELF(spans[4]), ON_ITSELF(spans[5]),
	           ON_ITSELF(spans[6]), ON_ITSELF(spans[7]), ON_ITSELF(spans[8]) },
	.large = ON_ITSELF(large),
	.recent = ON_ITSELF(recent),
	.fallow = { FALLOW(0), FALLOW(4), FALLOW(8), FALLOW(12), FALLOW(16), FALLOW(20), FALLOW(24),
	            FALLOW(28) },
	.warm = { ON_ITSELF(warm[0]), ON_ITSELF(warm[1]), ON_ITSELF(warm[2]), ON_ITSELF(warm[3]),
	          ON_ITSELF(warm[4]), ON_ITSELF(warm[5]), ON_ITSELF(warm[6]), ON_ITSELF(warm[7]),
	          ON_ITSELF(warm[8]) },
	.shared = { POOL(0), POOL(1), POOL(2), POOL(3), POOL(4), POOL(5), POOL(6), POOL(7),
	            POOL(8) },
	.reserve = { .reserve_bytes = (size_t)512 << 10,
	             .min_bytes = (size_t)512 << 10,
	             .max_bytes = (size_t)4 << 20,
	             .warm_quarters = 1,
	             .parked_quarters = 2 },
	.meta_lock = SLAB_SHORT_LOCK,
	.thread_bytes = (uint64_t)1 << 20,
	.fields = {
#define X(id, type, field) { offsetof(type, field), sizeof(((type *)0)->field) },
		SLAB_FIELDS(X)
#undef X
	},
	.constants = {
#define X(id, value) (value),
		SLAB_CONSTANTS(X)
#undef X
	},
};

/* Survives strip, static and PIE links, and is in cores: it sits in the file's first page. */
__asm__(".pushsection .note.slab,\"a\",@note\n"
        "	.balign 4\n"
        "	.long 5, 8, 0x534c\n" /* bytes of the name, bytes of the body, type */
        "	.asciz \"Slab\"\n"
        "	.balign 4\n"
        "1:	.quad slab_root - 1b\n"
        "	.popsection\n");
