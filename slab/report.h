/*
 * report.h - sentences about misuse and damage                                           Floor 1
 *
 * A report is built in a fixed buffer on the stack with the calls below, then sent whole: to the
 * user's reporter, or by one write(2) to standard error. It also stays in the root, so that a core
 * shows it. No malloc, no stdio, no lock.
 */
#ifndef SLAB_REPORT_H
#define SLAB_REPORT_H

#include "slab/layout.h"

struct slab_report {
	size_t len;
	bool bare; /* frames have no names: to ask for those takes the loader's lock */
	char text[SLAB_REPORT_BYTES];
};

void slab_report_begin(struct slab_report *r, const char *what); /* "slab: what" */
void slab_report_text(struct slab_report *r, const char *text);
void slab_report_dec(struct slab_report *r, uint64_t value);
void slab_report_hex(struct slab_report *r, uintptr_t value);
void slab_report_cache(struct slab_report *r, const struct slab_cache *c); /* cache 'name' */
void slab_report_send(struct slab_report *r);                              /* adds the newline */
void slab_report_write(struct slab_report *r); /* adds the newline; to standard error alone */
void slab_report_abort(struct slab_report *r) __attribute__((noreturn, cold));

/* Who gets the reports from now on; NULL: standard error. Under registry_lock. */
void slab_report_to(void (*fn)(const char *text, size_t len, void *ctx), void *ctx);

/* The thread that ends the program by a report, as the address of its slots' pointer; 0: none. */
extern uintptr_t slab_report_aborting __attribute__((visibility("hidden")));

#endif
