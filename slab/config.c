/*
 * config.c - what SLAB_DEBUG says                                                        Floor 3
 *
 * Called by thread.c (init), cache.c, sized.c and all that debugs. The valid blocks are kept as
 * text and looked through at every create: there are few of both. A block with a fault in it is
 * named in one line and ignored; the others count.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "slab/config.h"
#include "slab/check.h"
#include "slab/page.h"
#include "slab/registry.h"
#include "slab/report.h"

#define FAIL_EVERY 100                      /* A without a number */
#define QUARANTINE_BYTES ((size_t)1 << 20)  /* without Q */
#define USUAL                                                                                      \
	(SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER)

static struct slab_config config;

/* What one block says; process: what it says of the process. */
struct block {
	const char *letters, *globs, *end; /* globs: behind the letters; end: at ';' or the 0 */
	uint32_t flags;                    /* of the caches that it matches; 0: it matches none */
	struct slab_config process;
	const char *bad;                   /* what cannot be read, or NULL */
};

/* ---- reading one block ---- */

/* "=123": false when that is no number. Nothing there: *value stays. */
static bool read_number(const char **at, char mark, uint64_t *value)
{
	const char *p = *at;
	uint64_t n = 0;

	if (*p != mark)
		return true;
	for (p++; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *p - '0', &n))
			return false;
	if (p == *at + 1)
		return false;
	*at = p;
	*value = n;
	return true;
}

/* "=123", "=64K", "=1M", in either case. Behind other numbers an M is the letter. */
static bool read_bytes(const char **at, uint64_t *value)
{
	unsigned shift = 0;

	if (**at != '=' || !read_number(at, '=', value))
		return false;
	if (**at == 'K' || **at == 'k')
		shift = 10;
	else if (**at == 'M' || **at == 'm')
		shift = 20;
	*at += shift != 0;
	return !__builtin_mul_overflow(*value, (uint64_t)1 << shift, value);
}

/* The letter at *at with its number. False: there is none such. */
static bool read_letter(struct block *b, const char **at)
{
	static const char letters[] = "FZPUTAM";
	static const uint32_t flags[] = {
		SLAB_CONSISTENCY_CHECKS, SLAB_RED_ZONE, SLAB_POISON, SLAB_STORE_USER,
		SLAB_TRACE, SLAB_FAULT_INJECT, SLAB_ONE_MALLOC,
	};
	char letter = *(*at)++;
	uint64_t number = 0;
	const char *known;

	if (letter >= 'a' && letter <= 'z')
		letter = (char)(letter - 'a' + 'A');
	known = strchr(letters, letter);
	if (known != NULL)
		b->flags |= flags[known - letters];
	switch (letter) {
	case 'A':
		if (!read_number(at, '=', &b->process.fail_every) || b->process.fail_every == 0)
			return false;
		return read_number(at, ':', &b->process.fail_seed);
	case 'L':
		b->process.leaks = true;
		if (!read_number(at, '=', &number) || number > 255)
			return false;
		b->process.leak_status = (int)number;
		return true;
	case 'Q':
		if (!read_bytes(at, &number))
			return false;
		b->process.quarantine_bytes = number;
		return true;
	case 'R':
		b->process.repair = true;
		return true;
	}
	return known != NULL;
}

static size_t glob_bytes(const char *glob, const char *end)
{
	const char *comma = memchr(glob, ',', (size_t)(end - glob));

	return (size_t)((comma != NULL ? comma : end) - glob);
}

/* "FZPU,r" is what people write for "FZPUr", in either case: such a glob is that setting. */
static bool is_repair(const char *glob, size_t bytes)
{
	return bytes == 1 && (*glob == 'r' || *glob == 'R');
}

/* The block at text, up to its ';' or the end; process settings are added to those in b. */
static void read_block(struct block *b, const char *text)
{
	const char *p = text;

	b->letters = text;
	b->end = text + strcspn(text, ";");
	b->globs = text + strcspn(text, ",;");
	b->flags = 0;
	b->bad = NULL;
	while (p < b->globs && b->bad == NULL) {
		const char *at = p;

		if (*p == '-' && b->globs == text + 1) {
			b->flags = SLAB_CONFIG_OFF;
			p++;
		} else if (!read_letter(b, &p)) {
			b->bad = at;
		}
	}
	if (b->globs == text && b->end > text)
		b->flags = USUAL;
	for (p = b->globs; p < b->end; p += glob_bytes(p + 1, b->end) + 1)
		b->process.repair |= is_repair(p + 1, glob_bytes(p + 1, b->end));
}

/* ---- the whole ---- */

static char printable(char byte)
{
	return byte >= ' ' && byte <= '~' ? byte : '?';
}

static void report_bad(const struct block *b)
{
	struct slab_report r;
	char letter[2] = { printable(*b->bad), '\0' }, block[80] = "";
	size_t bytes = (size_t)(b->end - b->letters);

	memcpy(block, b->letters, bytes < sizeof block ? bytes : sizeof block - 1);
	for (char *p = block; *p != '\0'; p++)
		*p = printable(*p); /* one line, whatever stands there */
	slab_report_begin(&r, "SLAB_DEBUG: '");
	slab_report_text(&r, letter);
	slab_report_text(&r, "' in '");
	slab_report_text(&r, block);
	slab_report_text(&r, "' is no letter that is known, or its number is wrong; the block is");
	slab_report_text(&r, " ignored (letters: F Z P U T A[=N[:SEED]] M L[=CODE] Q=BYTES r; -)");
	slab_report_send(&r);
}

static void report_long(void)
{
	struct slab_report r;

	slab_report_begin(&r, "SLAB_DEBUG: longer than ");
	slab_report_dec(&r, SLAB_CONFIG_BYTES - 2);
	slab_report_text(&r, " bytes; the blocks behind that are ignored");
	slab_report_send(&r);
}

static void report_seed(const struct slab_config *c)
{
	struct slab_report r;

	slab_report_begin(&r, "SLAB_DEBUG: one alloc in ");
	slab_report_dec(&r, c->fail_every);
	slab_report_text(&r, " fails where A is set; A=");
	slab_report_dec(&r, c->fail_every);
	slab_report_text(&r, ":");
	slab_report_dec(&r, c->fail_seed);
	slab_report_text(&r, " makes the same ones fail again");
	slab_report_send(&r);
}

static void parse(const char *text)
{
	struct block b = { .process = config };
	size_t used = 0;
	bool fails = false;

	for (; text != NULL && *text != '\0'; text = b.end + (*b.end == ';')) {
		struct slab_config before = b.process;
		size_t bytes;

		read_block(&b, text);
		bytes = (size_t)(b.end - text);
		if (b.bad != NULL) {
			report_bad(&b);
			b.process = before;
		} else if (used + bytes + 2 > sizeof config.blocks) {
			report_long();
			b.process = before;
			break;
		} else if (b.flags != 0) {
			memcpy(config.blocks + used, text, bytes);
			used += bytes;
			config.blocks[used++] = ';';
			fails |= (b.flags & SLAB_FAULT_INJECT) != 0;
		}
	}
	memcpy(b.process.blocks, config.blocks, sizeof config.blocks);
	config = b.process;
	if (fails)
		report_seed(&config);
}

static void parse_locked(const char *text)
{
	config = (struct slab_config){
		.fail_every = FAIL_EVERY,
		.fail_seed = slab_page_random() % 1000000007,
		.quarantine_bytes = QUARANTINE_BYTES,
	};
	parse(text);
	__atomic_store_n(&config.state, SLAB_CONFIG_READ, __ATOMIC_RELEASE);
}

void slab_config_set(const char *text)
{
	slab_registry_lock();
	parse_locked(text);
	slab_registry_unlock();
}

void slab_config_read(void)
{
	if (slab_likely(__atomic_load_n(&config.state, __ATOMIC_ACQUIRE) == SLAB_CONFIG_READ))
		return;
	if (environ == NULL)
		return; /* this early in a process's life there is no environment yet */
	slab_registry_lock();
	if (config.state != SLAB_CONFIG_READ)
		parse_locked(secure_getenv("SLAB_DEBUG"));
	slab_registry_unlock();
}

/* ---- asking ---- */

/* One glob of so many bytes against a name; after a mismatch the last '*' takes one more. */
static bool matches(const char *glob, size_t bytes, const char *name)
{
	size_t g = 0, star = bytes, n = 0, after_star = 0;

	while (name[n] != '\0') {
		if (g < bytes && glob[g] == '*') {
			star = g++;
			after_star = n;
		} else if (g < bytes && (glob[g] == '?' || glob[g] == name[n])) {
			g++;
			n++;
		} else if (star < bytes) {
			g = star + 1;
			n = ++after_star;
		} else {
			return false;
		}
	}
	while (g < bytes && glob[g] == '*')
		g++;
	return g == bytes;
}

/* Without globs a block matches every cache. */
static bool block_matches(const struct block *b, const char *name)
{
	bool any = true;

	for (const char *p = b->globs; p < b->end;) {
		size_t bytes = glob_bytes(++p, b->end);

		if (bytes > 0 && !is_repair(p, bytes)) {
			if (matches(p, bytes, name))
				return true;
			any = false;
		}
		p += bytes;
	}
	return any;
}

uint32_t slab_config_flags(const char *name)
{
	struct block b;

	slab_config_read();
	if (config.blocks[0] == '\0')
		return 0;
	b = (struct block){ .process = config };
	for (const char *text = config.blocks; *text != '\0'; text = b.end + 1) {
		read_block(&b, text);
		if (block_matches(&b, name))
			return b.flags;
	}
	return 0;
}

const struct slab_config *slab_config(void)
{
	return &config;
}
