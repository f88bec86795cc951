/*
 * figures.c - the figures of a target, consistent where that can be had                  Floor t7
 *
 * Called by sources.c and processes.c. The target runs on meanwhile. A pass reads the lists, all
 * slots, then the generations once more: whatever did not change in between is of one moment.
 * Caches that did change are read again alone, which takes microseconds; if caches or threads came
 * or went, the whole pass is made again. What never comes to rest is shown as it is, marked.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "tools/figures.h"
#include "tools/row.h"
#include "tools/text.h"

#define TRIES        8
#define RETRY_PARTS  ((size_t)8 << 20) /* pieces read in retries: seconds at the very most */
#define BATCH_CACHES 256

/*
 * Waits before try number n. The first tries follow at once, while all that the kernel needs is
 * in the processor's caches; then longer each time: a lock holder may be waiting for a processor.
 */
static void pause_before(unsigned n)
{
	const unsigned at_once = TRIES / 2;
	const struct timespec time = { .tv_nsec = 100000L
						  << (n < at_once ? 0 : 2 * (n - at_once)) };

	if (n >= at_once)
		nanosleep(&time, NULL);
}

/* One pass over one root. */
struct pass {
	struct walk walk;
	struct figures_row *row; /* one per walk.cache */
	size_t rows, inconsistent;
	size_t parts_left;
	int error;   /* errno of what could not be read, EBADMSG: a damaged list */
	bool steady; /* no cache or thread came or went meanwhile */
	bool moved;  /* but did while rows were read again */
	bool blind;  /* not all threads could be looked at: what is parked is unknown */
};

static uint64_t root_generation(struct pass *pass)
{
	const struct table *table = pass->walk.table;
	uint64_t generation = 0;
	int error = target_read(pass->walk.target,
				walk_place(&pass->walk, table->root, SLAB_F_ROOT_GENERATION),
				&generation, table->field[SLAB_F_ROOT_GENERATION].size_bytes);

	if (error && !pass->error)
		pass->error = error;
	return generation;
}

/* Reads the two generations of some caches again; rows whose cache changed are inconsistent. */
static int recheck(struct pass *pass, size_t from, size_t count)
{
	static const enum slab_field_id ids[2] = { SLAB_F_CACHE_GENERATION,
						   SLAB_F_CACHE_DEPOT_GENERATION };
	struct target_part parts[2 * BATCH_CACHES];
	uint64_t now[2 * BATCH_CACHES] = { 0 };
	struct walk *walk = &pass->walk;
	int error;

	for (size_t i = 0; i < 2 * count; i++)
		parts[i] = (struct target_part){
			.addr = walk_place(walk, walk->cache[from + i / 2].addr, ids[i % 2]),
			.to = &now[i],
			.bytes = walk->table->field[ids[i % 2]].size_bytes,
		};
	error = walk->target->read(walk->target, parts, 2 * count);
	for (size_t i = 0; i < count; i++) {
		const struct walk_cache *cache = &walk->cache[from + i];

		if (error || now[2 * i] != cache->generation ||
		    now[2 * i + 1] != cache->depot_generation)
			pass->row[from + i].consistent = false;
	}
	return error;
}

static int derive_rows(struct pass *pass, const struct slots_sum *sums)
{
	const struct slots_sum none = { 0 }; /* of a cache without a slot */
	struct walk *walk = &pass->walk;
	int error = 0;

	for (size_t i = 0; i < pass->rows; i++) {
		const struct walk_cache *cache = &walk->cache[i];
		struct figures_row *row = &pass->row[i];
		uint64_t slot;
		bool valid = row_slot(walk, cache, &slot);

		row->consistent =
		    row_derive(walk, cache, slot ? &sums[slot] : &none, &row->stats) && valid;
	}
	for (size_t i = 0; i < pass->rows && !error; i += BATCH_CACHES) {
		size_t left = pass->rows - i;

		error = recheck(pass, i, left < BATCH_CACHES ? left : BATCH_CACHES);
	}
	return error;
}

/* Reads one inconsistent row again. */
static void retry_row(struct pass *pass, size_t i)
{
	struct walk *walk = &pass->walk;
	struct slots_moment moment;
	struct slots_sum sum;
	uint64_t slot, slot_now;

	if (!row_slot(walk, &walk->cache[i], &slot) ||
	    slots_read_cache(walk, walk->cache[i].addr, slot, &pass->parts_left, &moment, &sum) !=
		0)
		return;
	if (!row_slot(walk, &moment.cache, &slot_now) || slot_now != slot ||
	    moment.cache.id != walk->cache[i].id)
		return; /* it is another cache by now */
	if (moment.root_generation != walk->generation)
		pass->moved = true;
	pass->row[i].consistent = row_derive(walk, &moment.cache, &sum, &pass->row[i].stats) &&
				  moment.steady && !pass->moved;
	pass->inconsistent -= pass->row[i].consistent;
}

static void retry_rows(struct pass *pass)
{
	unsigned tries = pass->walk.target->core ? 1 : TRIES; /* a core stays as it is */

	for (unsigned try = 0; try < tries && pass->inconsistent > 0 && !pass->moved; try++) {
		pause_before(try);
		for (size_t i = 0; i < pass->rows && !pass->moved; i++)
			if (!pass->row[i].consistent)
				retry_row(pass, i);
	}
}

/* Makes rows of what walk_take() has found. */
static void fill_rows(struct pass *pass, unsigned root)
{
	struct walk *walk = &pass->walk;
	struct slots_sum *sums = calloc(walk->table->constant[SLAB_K_SLOTS], sizeof *sums);
	int slots_error = ENOMEM, row_error;

	free(pass->row);
	pass->rows = 0;
	pass->row = calloc(walk->caches + 1, sizeof *pass->row);
	if (sums && pass->row) {
		pass->rows = walk->caches;
		slots_error = slots_sum_all(walk, sums);
		row_error = derive_rows(pass, sums);
		if (slots_error == 0)
			slots_error = row_error;
	}
	free(sums);
	pass->blind = !walk->threads_whole || slots_error == ESRCH || slots_error == E2BIG ||
		      slots_error == ENOMEM;
	if (pass->error == 0)
		pass->error = slots_error;
	pass->inconsistent = 0;
	for (size_t i = 0; i < pass->rows; i++) {
		pass->row[i].root = root;
		pass->inconsistent += !pass->row[i].consistent;
	}
}

/* Return: whether another pass may do better. */
static bool make_pass(struct pass *pass, unsigned root)
{
	struct walk *walk = &pass->walk;

	pass->error = walk_take(walk);
	if (pass->error == ESRCH && pass->rows > 0)
		return false; /* keep what the last pass found */
	fill_rows(pass, root);
	pass->steady = walk->generation % 2 == 0 && root_generation(pass) == walk->generation;
	pass->moved = false;
	if (pass->steady && pass->error == 0)
		retry_rows(pass);
	if (pass->steady && !pass->moved && pass->error == 0 && walk->caches == walk->cache_count &&
	    walk->threads == walk->thread_count)
		return false;
	return !walk->target->core && pass->error != ESRCH && pass->error != ENOMEM &&
	       pass->error != E2BIG;
}

static void add_totals(struct slab_totals *totals, const struct walk *walk)
{
	totals->mapped_bytes += walk->mapped_bytes;
	totals->reserve_bytes += walk->reserve_bytes;
	totals->holes += walk->holes;
	totals->lost_holes += walk->lost_holes;
	totals->metadata_bytes += walk->metadata_bytes;
	totals->unmap_failures += walk->unmap_failures;
	totals->caches += walk->cache_count;
	totals->threads += walk->thread_count;
}

/* Adds the rows of a root to the figures. */
static bool append(struct figures *figures, struct pass *pass)
{
	size_t count = figures->count + pass->rows;
	struct figures_row *rows = realloc(figures->rows, (count + 1) * sizeof *rows);

	if (!rows)
		return false;
	for (size_t i = 0; i < pass->rows; i++) {
		rows[figures->count + i] = pass->row[i];
		if (!pass->steady || pass->blind)
			rows[figures->count + i].consistent = false;
	}
	figures->rows = rows;
	figures->count = count;
	figures->roots++;
	add_totals(&figures->totals, &pass->walk);
	return true;
}

static enum fault_code explain(struct target *target, int error, struct fault *fault)
{
	const char *cause = target->core ? "part of its memory is not in the file"
					 : "part of its memory could not be read";

	if (error == ENOMEM)
		cause = "slabstat ran out of memory";
	else if (error == E2BIG)
		cause = "it has more threads and caches than can be read";
	else if (error == ESRCH || !target->alive(target))
		cause = "it ended while it was being read";
	else if (error == EBADMSG)
		cause = target->core ? "one of its lists is damaged"
				     : "one of its lists changed all the while, or is damaged";
	return fault_set(fault, FAULT_PARTIAL, "the figures of %s are incomplete: %s.",
			 target->label, cause);
}

static enum fault_code take_root(struct figures *figures, struct target *target, uint64_t root,
				 struct fault *fault)
{
	struct pass pass = { .parts_left = RETRY_PARTS };
	enum fault_code code;
	struct table table;

	code = table_load(&table, target, root, fault);
	if (code != FAULT_NONE)
		return code;
	walk_begin(&pass.walk, target, &table);
	for (unsigned try = 0; try < TRIES; try++) {
		pause_before(try);
		if (!make_pass(&pass, (unsigned)figures->roots))
			break;
	}
	if (pass.error || pass.inconsistent > 0 || !pass.steady ||
	    pass.walk.caches != pass.walk.cache_count ||
	    pass.walk.threads != pass.walk.thread_count)
		figures->consistent = false;
	if (!append(figures, &pass))
		pass.error = ENOMEM;
	free(pass.row);
	walk_end(&pass.walk);
	return pass.error ? explain(target, pass.error, fault) : FAULT_NONE;
}

enum fault_code figures_take(struct figures *figures, struct target *target,
			     const struct note_roots *roots, struct fault *fault)
{
	enum fault_code code = FAULT_NONE;

	*figures =
	    (struct figures){ .pid = target->pid, .source = target->source, .consistent = true };
	for (size_t i = 0; i < roots->count; i++) {
		enum fault_code this = take_root(figures, target, roots->addr[i], fault);

		if (code == FAULT_NONE)
			code = this;
	}
	if (code != FAULT_NONE)
		figures->consistent = false;
	return code;
}

struct slab_cache_stats figures_sum(const struct figures *figures)
{
	struct slab_cache_stats sum = { 0 };

	for (size_t i = 0; i < figures->count; i++) {
		const struct slab_cache_stats *stats = &figures->rows[i].stats;

		sum.slabs += stats->slabs;
		sum.slabs_full += stats->slabs_full;
		sum.slabs_partial += stats->slabs_partial;
		sum.slabs_empty += stats->slabs_empty;
		sum.objects_live += stats->objects_live;
		sum.objects_cached += stats->objects_cached;
		sum.objects_free += stats->objects_free;
		sum.objects_capacity += stats->objects_capacity;
		sum.allocs += stats->allocs;
		sum.frees += stats->frees;
		sum.alloc_failures += stats->alloc_failures;
		sum.mapped_bytes += stats->mapped_bytes;
		sum.returned_bytes += stats->returned_bytes;
	}
	return sum;
}

void figures_keep(struct figures *figures, const char *globs)
{
	size_t kept = 0;

	for (size_t i = 0; i < figures->count; i++)
		if (text_matches(globs, figures->rows[i].stats.name))
			figures->rows[kept++] = figures->rows[i];
		else
			figures->dropped |= !figures->rows[i].consistent;
	figures->count = kept;
}

void figures_free(struct figures *figures)
{
	free(figures->rows);
}

enum fault_code figures_of_target(struct figures *figures, struct target *target,
				  struct fault *fault)
{
	struct note_roots roots;
	enum fault_code code;

	*figures = (struct figures){ .pid = target->pid };
	code = note_find(target, &roots, fault);
	if (code == FAULT_NONE)
		code = figures_take(figures, target, &roots, fault);
	if (target->truncated_bytes > 0 && code == FAULT_NONE)
		code = fault_set(fault, FAULT_PARTIAL,
				 "%s is truncated, %llu bytes are missing: what is shown is whole, "
				 "but memory of slabs may not be in it.",
				 target->label, (unsigned long long)target->truncated_bytes);
	return code;
}

enum fault_code figures_of_process(struct figures *figures, int pid, struct fault *fault)
{
	struct target target;
	enum fault_code code;

	*figures = (struct figures){ .pid = pid };
	code = target_open_live(&target, pid, fault);
	if (code != FAULT_NONE)
		return code;
	code = figures_of_target(figures, &target, fault);
	target_close_live(&target);
	return code;
}
