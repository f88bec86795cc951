/*
 * damage.h - an object of a cache under debug, shown in the kernel's form                Floor 5
 *
 * One report: what is wrong with which object of which cache, the bytes of object and zones with
 * the wrong ones marked, who took it and who freed it. The caller may hold its thread's lock.
 */
#ifndef SLAB_DAMAGE_H
#define SLAB_DAMAGE_H

#include "slab/layout.h"
#include "slab/report.h"

/* Wrong bytes, from the first to behind the last, and what each should be. */
struct slab_damage {
	const char *what;
	const unsigned char *from, *end;
	unsigned char should;
};

/* fatal: as slab_damage_send(), else the program goes on. */
void slab_damage_report(const struct slab_cache *c, const void *obj,
                        const struct slab_damage *damage, bool fatal);

/* Who took and who freed it, as far as the cache keeps that. */
void slab_damage_add_users(struct slab_report *r, const struct slab_cache *c, const void *obj);

/* Sends; ends the program unless it is to go on (SLAB_DEBUG has r). */
void slab_damage_send(struct slab_report *r);

#endif
