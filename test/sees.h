/*
 * sees.h - a validator is shown a fault: one field changed, which must be reported
 */
#ifndef TEST_SEES_H
#define TEST_SEES_H

#include "test/unit.h"

static struct slab_cache *c; /* named "checked" */

/* Changes bytes at field to those of broken: a fault that is reported with these words. */
static void sees(void *field, const void *broken, size_t bytes, const char *words)
{
	char kept[64];
	int faults;

	memcpy(kept, field, bytes);
	cr_assert(memcmp(field, broken, bytes) != 0, "%s: nothing was changed", words);
	memcpy(field, broken, bytes);
	listen_to_reports();
	faults = slab_cache_verify(c);
	listen_no_more();
	memcpy(field, kept, bytes);
	cr_assert_gt(faults, 0, "not seen: %s", words);
	cr_assert_eq(heard.reports, (unsigned)faults); /* each is reported */
	cr_assert_not_null(strstr(heard.text, "slab: verify of cache 'checked': "));
	cr_assert_eq(slab_cache_verify(c), 0, "still there when put back: %s", words);
}

/* The same for a whole number: it is shown one more, and one less. */
#define SEES_NUMBER(field, words)                                                                  \
	do {                                                                                       \
		/* as a number even if it is a pointer, which may be NULL */                       \
		__typeof__(field) more = (__typeof__(field))((uintptr_t)(field) + 1);              \
		__typeof__(field) less = (__typeof__(field))((uintptr_t)(field)-1);                \
		sees(&(field), &more, sizeof more, words ", one more");                            \
		sees(&(field), &less, sizeof less, words ", one less");                            \
	} while (0)

#endif
