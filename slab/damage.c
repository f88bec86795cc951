/*
 * damage.c - an object of a cache under debug, shown in the kernel's form                Floor 5
 *
 * Called by debug.c.
 */
#include "slab/damage.h"
#include "slab/config.h"
#include "slab/slabpage.h"
#include "slab/track.h"

#define LINE_BYTES 16
#define FIRST_LINES 4  /* of an object, shown in any case */
#define MOST_LINES 16  /* of all there is to show */

/* What dumping goes through: lines are left while some are to be had. */
struct dump {
	struct slab_report *r;
	const struct slab_damage *damage;
	unsigned lines;
};

static bool is_wrong(const struct slab_damage *damage, const unsigned char *p)
{
	return p >= damage->from && p < damage->end && *p != damage->should;
}

static void dump_line(struct dump *d, const char *label, const unsigned char *p, size_t bytes)
{
	char text[LINE_BYTES * 3 + 3 + LINE_BYTES + 2];
	size_t at = 0;

	for (size_t i = 0; i < LINE_BYTES; i++) {
		bool there = i < bytes;

		text[at++] = there && is_wrong(d->damage, p + i) ? '>' : ' ';
		text[at++] = there ? "0123456789abcdef"[p[i] >> 4] : ' ';
		text[at++] = there ? "0123456789abcdef"[p[i] & 15] : ' ';
	}
	text[at++] = ' ';
	text[at++] = ' ';
	for (size_t i = 0; i < bytes; i++)
		text[at++] = (char)(p[i] >= ' ' && p[i] < 0x7f ? p[i] : '.');
	text[at] = '\0';
	slab_report_text(d->r, "\n  ");
	slab_report_text(d->r, label);
	slab_report_hex(d->r, (uintptr_t)p);
	slab_report_text(d->r, ":");
	slab_report_text(d->r, text);
}

/* The bytes from p to end: the first lines, those with wrong bytes, and dots for the others. */
static void dump(struct dump *d, const char *label, const unsigned char *p,
                 const unsigned char *end, unsigned first_lines)
{
	bool dots = false;

	for (; p < end; p += LINE_BYTES) {
		size_t bytes = (size_t)(end - p) < LINE_BYTES ? (size_t)(end - p) : LINE_BYTES;
		bool wrong = p < d->damage->end && p + bytes > d->damage->from;

		if ((first_lines > 0 || wrong) && d->lines > 0) {
			dump_line(d, label, p, bytes);
			first_lines -= first_lines > 0;
			d->lines--;
			dots = false;
		} else if (!dots) {
			slab_report_text(d->r, "\n  ...");
			dots = true;
		}
	}
}

/* "bytes 16 to 17 behind its end are wrong, the first is 0x41, should be 0xcc" */
static void add_place(struct slab_report *r, const struct slab_cache *c, const unsigned char *obj,
                      const struct slab_damage *damage)
{
	int64_t offset = damage->from - obj, bytes = (int64_t)slab_track_asked(c, obj);

	slab_report_text(r, ": ");
	slab_report_dec(r, (uint64_t)(damage->end - damage->from));
	slab_report_text(r, damage->end - damage->from == 1 ? " byte from " : " bytes from ");
	slab_report_hex(r, (uintptr_t)damage->from);
	slab_report_text(r, ", ");
	if (offset < 0) {
		slab_report_dec(r, (uint64_t)-offset);
		slab_report_text(r, " before the object");
	} else if (offset >= bytes) {
		slab_report_dec(r, (uint64_t)(offset - bytes));
		slab_report_text(r, " behind the object's end");
	} else {
		slab_report_text(r, "at offset ");
		slab_report_dec(r, (uint64_t)offset);
		slab_report_text(r, " of the object");
	}
	slab_report_text(r, "; the first is ");
	slab_report_hex(r, *damage->from);
	slab_report_text(r, ", should be ");
	slab_report_hex(r, damage->should);
}

static void add_slab(struct slab_report *r, const struct slab_cache *c, const void *obj)
{
	const struct slab *s = slab_of(&c->geo, obj);
	size_t bytes = slab_track_asked(c, obj);

	slab_report_text(r, "\n  object ");
	slab_report_hex(r, (uintptr_t)obj);
	slab_report_text(r, " of ");
	slab_report_dec(r, bytes);
	slab_report_text(r, bytes == 1 ? " byte, slot " : " bytes, slot ");
	slab_report_dec(r, slab_slot_at(s, &c->geo, obj));
	slab_report_text(r, " of slab ");
	slab_report_hex(r, slab_base(&c->geo, s));
	slab_report_text(r, ", which has ");
	slab_report_dec(r, s->in_use);
	slab_report_text(r, " of ");
	slab_report_dec(r, c->geo.objects);
	slab_report_text(r, " in use");
}

void slab_damage_add_users(struct slab_report *r, const struct slab_cache *c, const void *obj)
{
	const struct slab_track *track = slab_track_of(c, obj);

	if ((c->flags & SLAB_STORE_USER) == 0)
		return;
	slab_event_report(r, "allocated", &track->taken);
	slab_event_report(r, "freed", &track->freed);
}

void slab_damage_send(struct slab_report *r)
{
	if (!slab_config()->repair)
		slab_report_abort(r);
	slab_report_send(r);
}

void slab_damage_report(const struct slab_cache *c, const void *obj,
                        const struct slab_damage *damage, bool fatal)
{
	struct slab_report r;
	struct dump d = { &r, damage, MOST_LINES };
	const unsigned char *p = obj, *track = (const unsigned char *)slab_track_of(c, obj);
	const unsigned char *end = p + slab_track_asked(c, obj);
	bool zones = (c->flags & SLAB_RED_ZONE) != 0;

	slab_report_begin(&r, damage->what);
	r.bare = !fatal; /* verify holds every lock: another thread may wait for one in dlopen() */
	slab_report_text(&r, " in ");
	slab_report_cache(&r, c);
	add_place(&r, c, p, damage);
	add_slab(&r, c, obj);
	if (zones && damage->from < p - SLAB_ZONE_BYTES) /* alignment can make it longer */
		dump(&d, "zone   ", p - c->geo.lead_bytes, p - SLAB_ZONE_BYTES, 0);
	if (zones)
		dump(&d, "zone   ", p - SLAB_ZONE_BYTES, p, 1);
	dump(&d, "object ", p, end, FIRST_LINES);
	if (zones)
		dump(&d, "zone   ", end, track, 2);
	if (damage->from >= track)
		dump(&d, "track  ", track, track + sizeof(uint64_t), 1);
	slab_damage_add_users(&r, c, obj);
	if (fatal)
		slab_damage_send(&r);
	else
		slab_report_send(&r);
}
