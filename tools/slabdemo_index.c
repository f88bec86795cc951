/*
 * slabdemo_index.c - which word stands how often in which file                           Floor t1
 *
 * Filled by slabdemo_scan.c, asked and dropped by slabdemo.c.
 */
#include <string.h>

#include "tools/slabdemo_index.h"

#define FIRST_BUCKETS 1024

static const size_t text_bytes[INDEX_TEXTS] = { 16, 32, 64, 128, 256, 4096 };

/* ---- strings ----------------------------------------------------------------------------- */

static struct pool *text_pool(struct index *x, size_t len)
{
	unsigned i = 0;

	while (i < INDEX_TEXTS - 1 && len >= text_bytes[i])
		i++;
	return len < text_bytes[i] ? &x->text_pool[i] : NULL;
}

static char *text_copy(struct index *x, const char *text, size_t len)
{
	struct pool *pool = text_pool(x, len);
	char *copy;

	if (!pool) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	copy = pool_alloc(pool);
	if (!copy)
		return NULL;
	memcpy(copy, text, len);
	copy[len] = '\0';
	x->n_texts++;
	return copy;
}

static void text_drop(struct index *x, char *text)
{
	pool_free(text_pool(x, strlen(text)), text);
}

/* ---- opening ----------------------------------------------------------------------------- */

static bool open_text_pool(struct pool *pool, size_t bytes, bool on_malloc)
{
	char name[24] = "text-";
	struct slab_cache *cache = NULL;
	char digits[8];
	unsigned n = 0, at = 5;

	for (size_t left = bytes; left; left /= 10)
		digits[n++] = (char)('0' + left % 10);
	while (n)
		name[at++] = digits[--n];
	if (!on_malloc)
		cache = slab_cache_create(name, bytes, NULL);
	return pool_open(pool, on_malloc, bytes, cache);
}

bool index_open(struct index *x, bool on_malloc)
{
	memset(x, 0, sizeof *x);
	if (!POOL_OPEN(&x->word_pool, on_malloc, struct word) ||
	    !POOL_OPEN(&x->posting_pool, on_malloc, struct posting) ||
	    !POOL_OPEN(&x->file_pool, on_malloc, struct file))
		return false;
	for (unsigned i = 0; i < INDEX_TEXTS; i++) {
		if (!open_text_pool(&x->text_pool[i], text_bytes[i], on_malloc))
			return false;
	}
	x->n_buckets = FIRST_BUCKETS;
	x->buckets = calloc(x->n_buckets, sizeof(struct word *));
	return x->buckets != NULL;
}

/* ---- adding ------------------------------------------------------------------------------ */

bool index_add_file(struct index *x, const char *path)
{
	struct file *f;

	if (x->n_files == x->files_cap) {
		uint32_t cap = x->files_cap ? x->files_cap * 2 : 256;
		struct file **files = realloc(x->files, cap * sizeof(struct file *));

		if (!files)
			return false;
		x->files = files;
		x->files_cap = cap;
	}
	f = pool_alloc(&x->file_pool);
	if (!f)
		return false;
	f->bytes = 0;
	f->path = text_copy(x, path, strlen(path));
	if (!f->path) {
		pool_free(&x->file_pool, f);
		return false;
	}
	x->files[x->n_files++] = f;
	return true;
}

static uint32_t hash_of(const char *text, size_t len)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)text[i]) * 16777619u;
	return h ^ h >> 15;
}

static struct word *find(const struct index *x, const char *text, size_t len, uint32_t hash)
{
	struct word *w = x->buckets[hash & (x->n_buckets - 1)];

	while (w && (w->hash != hash || strncmp(w->text, text, len) != 0 || w->text[len]))
		w = w->next;
	return w;
}

/* Twice the buckets; where memory is short the table stays as it is. */
static void grow(struct index *x)
{
	size_t n = x->n_buckets * 2;
	struct word **buckets = calloc(n, sizeof(struct word *));

	if (!buckets)
		return;
	for (size_t i = 0; i < x->n_buckets; i++) {
		for (struct word *w = x->buckets[i], *next; w; w = next) {
			next = w->next;
			w->next = buckets[w->hash & (n - 1)];
			buckets[w->hash & (n - 1)] = w;
		}
	}
	free(x->buckets);
	x->buckets = buckets;
	x->n_buckets = n;
}

static struct word *new_word(struct index *x, const char *text, size_t len, uint32_t hash)
{
	struct word **bucket, *w = pool_alloc(&x->word_pool);

	if (!w)
		return NULL;
	*w = (struct word){ .hash = hash, .text = text_copy(x, text, len) };
	if (!w->text) {
		pool_free(&x->word_pool, w);
		return NULL;
	}
	if (x->n_words++ >= x->n_buckets)
		grow(x);
	bucket = &x->buckets[hash & (x->n_buckets - 1)];
	w->next = *bucket;
	*bucket = w;
	return w;
}

/* One more occurrence of @w in the newest file. */
static bool count_hit(struct index *x, struct word *w)
{
	struct posting *p = w->last;
	uint32_t file = x->n_files - 1;

	w->count++;
	if (p && p->hits[p->used - 1].file == file) {
		p->hits[p->used - 1].count++;
		return true;
	}
	if (!p || p->used == POSTING_HITS) {
		p = pool_alloc(&x->posting_pool);
		if (!p)
			return false;
		p->next = NULL;
		p->used = 0;
		x->n_postings++;
		if (w->last)
			w->last->next = p;
		else
			w->first = p;
		w->last = p;
	}
	p->hits[p->used++] = (struct hit){ .file = file, .count = 1 };
	w->files++;
	return true;
}

bool index_add_word(struct index *x, const char *text, size_t len)
{
	uint32_t hash = hash_of(text, len);
	struct word *w = find(x, text, len, hash);

	if (!w)
		w = new_word(x, text, len, hash);
	return w && count_hit(x, w);
}

/* ---- asking ------------------------------------------------------------------------------ */

struct cursor {
	const struct posting *p;
	uint32_t i;
};

/* The hit of @c in @file, or NULL; files are asked for in ascending order. */
static const struct hit *hit_in(struct cursor *c, uint32_t file)
{
	while (c->p && c->p->hits[c->i].file < file) {
		if (++c->i == c->p->used) {
			c->p = c->p->next;
			c->i = 0;
		}
	}
	return c->p && c->p->hits[c->i].file == file ? &c->p->hits[c->i] : NULL;
}

static void rank(struct answer *out, struct hit h)
{
	uint32_t at = out->n_top;

	out->count += h.count;
	out->files++;
	while (at > 0 && out->top[at - 1].count < h.count)
		at--;
	if (at == INDEX_TOP)
		return;
	if (out->n_top < INDEX_TOP)
		out->n_top++;
	for (uint32_t i = out->n_top - 1; i > at; i--)
		out->top[i] = out->top[i - 1];
	out->top[at] = h;
}

void index_query(const struct index *x, const char *const *terms, unsigned n, struct answer *out)
{
	struct cursor cursors[INDEX_TERMS];

	memset(out, 0, sizeof *out);
	for (unsigned t = 0; t < n; t++) {
		size_t len = strlen(terms[t]);
		const struct word *w = find(x, terms[t], len, hash_of(terms[t], len));

		if (!w)
			return;
		cursors[t] = (struct cursor){ .p = w->first };
	}
	for (uint32_t file = 0; file < x->n_files; file++) {
		struct hit all = { .file = file };
		unsigned t = 0;

		for (; t < n; t++) {
			const struct hit *h = hit_in(&cursors[t], file);

			if (!h)
				break;
			all.count += h->count;
		}
		if (t == n)
			rank(out, all);
	}
}

/* ---- dropping ---------------------------------------------------------------------------- */

static void drop_word(struct index *x, struct word *w)
{
	for (struct posting *p = w->first, *next; p; p = next) {
		next = p->next;
		pool_free(&x->posting_pool, p);
	}
	text_drop(x, w->text);
	pool_free(&x->word_pool, w);
}

uint64_t index_drop(struct index *x)
{
	uint64_t n = x->n_words + x->n_postings + x->n_files + x->n_texts;

	for (size_t i = 0; x->buckets && i < x->n_buckets; i++) {
		for (struct word *w = x->buckets[i], *next; w; w = next) {
			next = w->next;
			drop_word(x, w);
		}
	}
	for (uint32_t i = 0; i < x->n_files; i++) {
		text_drop(x, x->files[i]->path);
		pool_free(&x->file_pool, x->files[i]);
	}
	free(x->buckets);
	free(x->files);
	x->buckets = NULL;
	x->files = NULL;
	x->n_buckets = x->n_files = x->files_cap = 0;
	x->n_words = x->n_postings = x->n_texts = 0;
	return n;
}

bool index_close(struct index *x)
{
	bool clean = pool_close(&x->word_pool);

	clean &= pool_close(&x->posting_pool);
	clean &= pool_close(&x->file_pool);
	for (unsigned i = 0; i < INDEX_TEXTS; i++)
		clean &= pool_close(&x->text_pool[i]);
	return clean;
}
