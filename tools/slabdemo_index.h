/*
 * slabdemo_index.h - which word stands how often in which file                           Floor t1
 *
 * A hash table of words; each word has a list of postings, filled in order of the files. All
 * objects come from pools; only the two arrays (buckets, files) come from malloc.
 */
#ifndef SLABDEMO_INDEX_H
#define SLABDEMO_INDEX_H

#include <stdint.h>

#include "tools/slabdemo_pool.h"

#define INDEX_WORD_MAX 63 /* longer words are not indexed */
#define INDEX_TEXTS 6     /* sizes of strings: 16 to 4096 bytes */
#define INDEX_TOP 3       /* files named in an answer */
#define INDEX_TERMS 8     /* words in one query */
#define POSTING_HITS 6

struct hit {
	uint32_t file, count;
};

/* A block of hits, 64 bytes: one object per word and six files. */
struct posting {
	struct posting *next;
	uint32_t used;
	struct hit hits[POSTING_HITS];
};

struct word {
	struct word *next; /* in its bucket */
	char *text;
	struct posting *first, *last;
	uint64_t count;    /* occurrences in all files */
	uint32_t hash;
	uint32_t files;
};

struct file {
	char *path;
	uint64_t bytes;
};

struct index {
	struct pool word_pool, posting_pool, file_pool, text_pool[INDEX_TEXTS];
	struct word **buckets;
	size_t n_buckets; /* a power of two */
	struct file **files;
	uint32_t n_files, files_cap;
	uint64_t n_words, n_postings, n_texts;
};

struct answer {
	uint64_t count; /* occurrences of all terms in the files found */
	uint32_t files;
	uint32_t n_top;
	struct hit top[INDEX_TOP]; /* most occurrences first */
};

/* All return false with errno when memory is short, and leave @x fit for index_drop(). */
bool index_open(struct index *x, bool on_malloc);
bool index_add_file(struct index *x, const char *path); /* later words count for it */
bool index_add_word(struct index *x, const char *text, size_t len);

/* Files that have every one of @n terms (1 to INDEX_TERMS). */
void index_query(const struct index *x, const char *const *terms, unsigned n, struct answer *out);

/* Frees every object. Return: how many they were. */
uint64_t index_drop(struct index *x);
bool index_close(struct index *x); /* after index_drop(); see pool_close() */

#endif
