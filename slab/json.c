/*
 * json.c - the figures of the process as the JSON document that slabstat writes           Floor 10
 *
 * Called by users. The text is collected in pages of its own while the registry is locked, and
 * written when no lock is held, so a slow reader stops nobody. No malloc, no stdio.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "slab/layout.h"
#include "slab/check.h"
#include "slab/page.h"

#define FIRST_BYTES ((size_t)64 << 10)

/* What slab_stats_json() has to say so far. */
struct text {
	char *at;
	size_t len, room;
	bool failed;                 /* no memory */
	bool consistent;             /* every cache so far */
	struct slab_cache_stats sum; /* over the caches */
	uint64_t waste_bytes, stranded_bytes; /* likewise */
	uint64_t caches;
};

static void grow(struct text *t)
{
	size_t room = t->room > 0 ? 2 * t->room : FIRST_BYTES;
	char *more = (char *)slab_page_map(room, slab_page_size());

	if (more == NULL) {
		t->failed = true;
		return;
	}
	if (t->at != NULL) {
		memcpy(more, t->at, t->len);
		slab_page_unmap((uintptr_t)t->at, t->room);
	}
	t->at = more;
	t->room = room;
}

static void add(struct text *t, const char *text)
{
	size_t len = strlen(text);

	while (!t->failed && t->room - t->len < len)
		grow(t);
	if (t->failed)
		return;
	memcpy(t->at + t->len, text, len);
	t->len += len;
}

static void add_number(struct text *t, const char *before, uint64_t value)
{
	char digits[24];
	size_t at = sizeof digits;

	digits[--at] = '\0';
	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value != 0);
	add(t, before);
	add(t, digits + at);
}

static const char *truth(bool value)
{
	return value ? "true" : "false";
}

#define NUMBER(key) add_number(t, ", \"" #key "\": ", st->key)

static void add_counts(struct text *t, const struct slab_cache_stats *st)
{
	NUMBER(slabs_full);
	NUMBER(slabs_partial);
	NUMBER(slabs_empty);
	NUMBER(objects_live);
	NUMBER(objects_cached);
	NUMBER(objects_free);
	NUMBER(objects_capacity);
}

/* Memory of slabs that no object can use. */
static uint64_t waste_bytes(const struct slab_cache_stats *st)
{
	uint64_t usable = st->objects_capacity * st->object_bytes;

	return st->mapped_bytes > usable ? st->mapped_bytes - usable : 0;
}

/* Free slots of partial slabs. */
static uint64_t stranded_bytes(const struct slab_cache_stats *st)
{
	uint64_t empty = st->slabs_empty * st->objects_per_slab;

	return st->objects_free > empty ? (st->objects_free - empty) * st->stride_bytes : 0;
}

static void add_cache(struct text *t, const struct slab_cache_stats *st)
{
	bool agree = st->objects_live == st->allocs - st->frees;

	add(t, t->caches++ > 0 ? ",\n  {\"name\": \"" : "\n  {\"name\": \"");
	add(t, st->name);
	add_number(t, "\", \"id\": ", st->id);
	NUMBER(flags);
	NUMBER(mode);
	NUMBER(object_bytes);
	NUMBER(stride_bytes);
	NUMBER(align_bytes);
	NUMBER(slab_bytes);
	NUMBER(objects_per_slab);
	NUMBER(slabs);
	add_counts(t, st);
	NUMBER(objects_peak);
	NUMBER(allocs);
	NUMBER(frees);
	NUMBER(alloc_failures);
	NUMBER(mapped_bytes);
	NUMBER(returned_bytes);
	add_number(t, ", \"waste_bytes\": ", waste_bytes(st));
	add_number(t, ", \"stranded_bytes\": ", stranded_bytes(st));
	add(t, ", \"consistent\": ");
	add(t, truth(agree));
	add(t, "}");
	t->consistent &= agree;
}

static int take_cache(struct slab_cache *c, void *ctx)
{
	struct text *t = ctx;
	struct slab_cache_stats st;

	if (slab_cache_stats(c, &st, sizeof st) != 0)
		return 0;
	add_cache(t, &st);
	t->sum.slabs += st.slabs;
	t->sum.slabs_full += st.slabs_full;
	t->sum.slabs_partial += st.slabs_partial;
	t->sum.slabs_empty += st.slabs_empty;
	t->sum.objects_live += st.objects_live;
	t->sum.objects_cached += st.objects_cached;
	t->sum.objects_free += st.objects_free;
	t->sum.objects_capacity += st.objects_capacity;
	t->sum.allocs += st.allocs;
	t->sum.frees += st.frees;
	t->sum.alloc_failures += st.alloc_failures;
	t->sum.mapped_bytes += st.mapped_bytes;
	t->sum.returned_bytes += st.returned_bytes;
	t->waste_bytes += waste_bytes(&st);
	t->stranded_bytes += stranded_bytes(&st);
	return t->failed;
}

static void add_head(struct text *t, const struct slab_totals *all, const struct text *caches)
{
	const struct slab_cache_stats *st = &caches->sum;

	add_number(t, "{\"schema\": 1, \"tool\": \"slabstat\", \"pid\": ", (uint64_t)getpid());
	add(t, ", \"source\": \"self\", \"consistent\": ");
	add(t, truth(caches->consistent));
	add_number(t, ",\n \"totals\": {\"mapped_bytes\": ", all->mapped_bytes);
	add_number(t, ", \"reserve_bytes\": ", all->reserve_bytes);
	add_number(t, ", \"holes\": ", all->holes);
	add_number(t, ", \"lost_holes\": ", all->lost_holes);
	add_number(t, ", \"metadata_bytes\": ", all->metadata_bytes);
	add_number(t, ", \"unmap_failures\": ", all->unmap_failures);
	add_number(t, ", \"caches\": ", all->caches);
	add_number(t, ", \"threads\": ", all->threads);
	add_number(t, ",\n  \"slabs\": ", st->slabs);
	add_counts(t, st);
	NUMBER(allocs);
	NUMBER(frees);
	NUMBER(alloc_failures);
	add_number(t, ", \"caches_mapped_bytes\": ", st->mapped_bytes);
	NUMBER(returned_bytes);
	add_number(t, ", \"waste_bytes\": ", caches->waste_bytes);
	add_number(t, ", \"stranded_bytes\": ", caches->stranded_bytes);
	add(t, "},\n \"caches\": [");
}

/* Return: 0 or an errno. A thread that is cancelled meanwhile would leave the text behind. */
static int write_out(int fd, const struct text *t)
{
	int error = 0, cancel;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	for (size_t done = 0; done < t->len && error == 0;) {
		ssize_t n = write(fd, t->at + done, t->len - done);

		if (n < 0 && errno != EINTR)
			error = errno;
		done += n > 0 ? (size_t)n : 0;
	}
	pthread_setcancelstate(cancel, NULL);
	return error;
}

static void end(struct text *t)
{
	if (t->at != NULL)
		slab_page_unmap((uintptr_t)t->at, t->room);
}

EXPORT int slab_stats_json(int fd)
{
	struct text head = { 0 }, caches = { .consistent = true };
	struct slab_totals totals;
	int error = ENOMEM;

	slab_for_each_cache(take_cache, &caches);
	add(&caches, caches.caches > 0 ? "\n ]}\n" : "]}\n");
	if (slab_totals(&totals, sizeof totals) == 0)
		add_head(&head, &totals, &caches);
	if (!head.failed && !caches.failed) {
		error = write_out(fd, &head);
		if (error == 0)
			error = write_out(fd, &caches);
	}
	end(&head);
	end(&caches);
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}
