/*
 * slabdemo_scan.c - from folders to words                                                Floor t2
 *
 * Called by slabdemo.c. Each file takes a scanner from a pool and gives it back; its constructor
 * fills a table of characters that stays valid from file to file.
 */
#define _DEFAULT_SOURCE
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/slabdemo_scan.h"

#define BLOCK_BYTES 4096

struct scanner {
	unsigned char fold[256]; /* the lower-case letter of a word, or 0 between words */
	char block[BLOCK_BYTES];
	char word[INDEX_WORD_MAX + 1];
	size_t len; /* of word; above INDEX_WORD_MAX: too long */
};

static int make_scanner(void *obj, void *ctx)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz_0123456789";
	struct scanner *sc = obj;
	struct scan *s = ctx;

	memset(sc->fold, 0, sizeof sc->fold);
	for (const char *c = letters; *c; c++)
		sc->fold[(unsigned char)*c] = (unsigned char)*c;
	for (char c = 'a'; c <= 'z'; c++)
		sc->fold[c - 'a' + 'A'] = (unsigned char)c;
	s->scanners_made++;
	return 0;
}

static void unmake_scanner(void *obj, void *ctx)
{
	struct scan *s = ctx;

	(void)obj;
	s->scanners_unmade++;
}

static bool open_scanners(struct pool *pool, struct scan *s, bool on_malloc)
{
	struct slab_cache *cache = NULL;

	if (!on_malloc)
		cache = SLAB_CACHE(struct scanner, .ctor = make_scanner, .dtor = unmake_scanner,
		                   .ctx = s);
	if (!pool_open(pool, on_malloc, sizeof(struct scanner), cache))
		return false;
	pool->ctor = make_scanner;
	pool->dtor = unmake_scanner;
	pool->ctx = s;
	return true;
}

/* ---- one file ---------------------------------------------------------------------------- */

/* Words are 2 to INDEX_WORD_MAX letters, digits and _, and do not begin with a digit. */
static bool end_word(struct scanner *sc, struct index *x)
{
	size_t len = sc->len;

	sc->len = 0;
	if (len < 2 || len > INDEX_WORD_MAX || (sc->word[0] >= '0' && sc->word[0] <= '9'))
		return true;
	return index_add_word(x, sc->word, len);
}

static bool scan_block(struct scanner *sc, size_t n, struct index *x)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = sc->fold[(unsigned char)sc->block[i]];

		if (c == 0) {
			if (sc->len && !end_word(sc, x))
				return false;
			continue;
		}
		if (sc->len < INDEX_WORD_MAX)
			sc->word[sc->len] = (char)c;
		sc->len += sc->len <= INDEX_WORD_MAX;
	}
	return true;
}

static void unreadable(struct scan *s, const char *path, int why)
{
	if (s->unreadable++ == 0)
		fprintf(stderr, "Cannot read %s: %s. It is left out.\n", path, strerror(why));
}

static ssize_t read_block(int fd, struct scanner *sc)
{
	ssize_t n;

	do
		n = read(fd, sc->block, sizeof sc->block);
	while (n < 0 && errno == EINTR);
	return n;
}

/* Return: false when memory is short. */
static bool scan_open_file(struct scan *s, struct scanner *sc, int fd, const char *path)
{
	ssize_t n = read_block(fd, sc);
	struct index *x = s->index;

	if (n > 0 && memchr(sc->block, 0, (size_t)n)) {
		s->binary_files++;
		return true;
	}
	if (n >= 0 && !index_add_file(x, path))
		return false;
	for (sc->len = 0; n > 0 && !*s->stop; n = read_block(fd, sc)) {
		x->files[x->n_files - 1]->bytes += (uint64_t)n;
		if (!scan_block(sc, (size_t)n, x))
			return false;
	}
	if (n < 0)
		unreadable(s, path, errno);
	return end_word(sc, x);
}

static bool scan_file(struct scan *s, struct pool *scanners, const char *path)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct scanner *sc;
	bool ok;

	if (fd < 0) {
		unreadable(s, path, errno);
		return true;
	}
	sc = pool_alloc(scanners);
	ok = sc && scan_open_file(s, sc, fd, path);
	pool_free(scanners, sc);
	close(fd);
	return ok;
}

/* ---- all files --------------------------------------------------------------------------- */

/* The next regular file, or NULL at the end. @tell: count what cannot be read. */
static FTSENT *next_file(FTS *tree, struct scan *s, bool tell)
{
	FTSENT *e;

	while ((e = fts_read(tree)) != NULL) {
		if (e->fts_level > 0 && e->fts_name[0] == '.') {
			fts_set(tree, e, FTS_SKIP);
			continue;
		}
		switch (e->fts_info) {
		case FTS_F:
			return e;
		case FTS_DNR:
		case FTS_ERR:
		case FTS_NS:
			if (tell)
				unreadable(s, e->fts_path, e->fts_errno);
			break;
		default:
			break;
		}
	}
	return NULL;
}

static FTS *open_tree(char *const *paths)
{
	return fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
}

static bool measure(struct scan *s, char *const *paths)
{
	FTS *tree = open_tree(paths);
	FTSENT *e;

	if (!tree)
		return false;
	while (!*s->stop && (e = next_file(tree, s, false)) != NULL)
		s->total_bytes += (uint64_t)e->fts_statp->st_size;
	fts_close(tree);
	return true;
}

bool scan_paths(struct scan *s, char *const *paths, bool on_malloc)
{
	struct pool scanners;
	bool ok = true;
	FTSENT *e;
	FTS *tree;
	int err;

	if (!measure(s, paths) || !open_scanners(&scanners, s, on_malloc))
		return false;
	tree = open_tree(paths);
	ok = tree != NULL;
	while (ok && !*s->stop && (e = next_file(tree, s, true)) != NULL) {
		ok = scan_file(s, &scanners, e->fts_path);
		s->bytes += (uint64_t)e->fts_statp->st_size;
		s->progress(s, s->ctx);
	}
	err = errno;
	if (tree)
		fts_close(tree);
	pool_close(&scanners);
	errno = err;
	return ok;
}
