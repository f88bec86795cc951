/*
 * report.c - sentences about misuse and damage                                           Floor 1
 *
 * Called by every floor above, mostly on the way to abort().
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "slab/report.h"
#include "slab/check.h"

void slab_report_text(struct slab_report *r, const char *text)
{
	size_t room = sizeof r->text - 1 - r->len; /* one byte stays for the newline */
	size_t len = strlen(text);

	if (len > room)
		len = room;
	memcpy(r->text + r->len, text, len);
	r->len += len;
}

void slab_report_begin(struct slab_report *r, const char *what)
{
	r->len = 0;
	r->bare = false;
	slab_report_text(r, "slab: ");
	slab_report_text(r, what);
}

static void report_number(struct slab_report *r, uint64_t value, unsigned base)
{
	char digits[24];
	size_t at = sizeof digits;

	digits[--at] = '\0';
	do {
		digits[--at] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value != 0);
	slab_report_text(r, digits + at);
}

void slab_report_dec(struct slab_report *r, uint64_t value)
{
	report_number(r, value, 10);
}

void slab_report_hex(struct slab_report *r, uintptr_t value)
{
	slab_report_text(r, "0x");
	report_number(r, value, 16);
}

void slab_report_cache(struct slab_report *r, const struct slab_cache *c)
{
	slab_report_text(r, "cache '");
	slab_report_text(r, c->name);
	slab_report_text(r, "'");
}

/* False: nowhere left to say it; the root keeps it. */
static bool write_out(const struct slab_report *r)
{
	size_t done = 0;

	while (done < r->len) {
		ssize_t n = write(STDERR_FILENO, r->text + done, r->len - done);

		if (n < 0 && errno != EINTR)
			return false;
		done += n > 0 ? (size_t)n : 0;
	}
	return true;
}

/* A pipe without a reader ends nobody who may go on, nor by SIGPIPE who is to end by SIGABRT. */
static void write_quietly(const struct slab_report *r)
{
	const struct timespec at_once = { 0 };
	sigset_t pipe, before;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe, &before);
	/* of this thread, for this write; where it was blocked, one may have waited before */
	if (!write_out(r) && errno == EPIPE && !sigismember(&before, SIGPIPE))
		sigtimedwait(&pipe, NULL, &at_once);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/*
 * Function and context are read without a lock, which the one who aborts might wait for: the next
 * pair is written beside the one before, then made the last. A reader that was so slow that its
 * pair may have been written over looks again.
 */
struct reporter {
	void (*fn)(const char *text, size_t len, void *ctx);
	void *ctx;
};

#define REPORTERS 8 /* that can come while one is read */

static struct reporter reporters[REPORTERS];
static uint64_t last_reporter;

void slab_report_to(void (*fn)(const char *text, size_t len, void *ctx), void *ctx)
{
	struct reporter *next = &reporters[(last_reporter + 1) % REPORTERS];

	slab_write(&next->fn, fn);
	slab_write(&next->ctx, ctx);
	slab_write(&slab_root.reporter_ctx, ctx); /* for readers from outside */
	__atomic_store_n(&last_reporter, last_reporter + 1, __ATOMIC_RELEASE);
}

static struct reporter reporter_now(void)
{
	struct reporter r;
	uint64_t n;

	do {
		n = __atomic_load_n(&last_reporter, __ATOMIC_ACQUIRE);
		r.fn = slab_read(&reporters[n % REPORTERS].fn);
		r.ctx = slab_read(&reporters[n % REPORTERS].ctx);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (slab_read(&last_reporter) - n >= REPORTERS - 1);
	return r;
}

/* To the reporter, if there is one. Both may be a place where a thread is cancelled, which would
 * die with the locks of whoever reports. */
static void tell(const struct slab_report *r, struct reporter reporter)
{
	int saved_errno = errno, cancel;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	if (reporter.fn != NULL)
		reporter.fn(r->text, r->len, reporter.ctx);
	else
		write_quietly(r);
	pthread_setcancelstate(cancel, NULL);
	errno = saved_errno;
}

void slab_report_write(struct slab_report *r)
{
	r->text[r->len++] = '\n';
	tell(r, (struct reporter){ 0 });
}

/* Without a lock, which the one who aborts might wait for: of two at a time the root may show some
 * of both. */
static void keep(const struct slab_report *r)
{
	for (size_t i = 0; i < r->len; i++)
		slab_write(&slab_root.report[i], r->text[i]);
	slab_write(&slab_root.report_bytes, (uint32_t)r->len);
}

void slab_report_send(struct slab_report *r)
{
	r->text[r->len++] = '\n';
	keep(r);
	tell(r, reporter_now());
}

uintptr_t slab_report_aborting;

/* A handler of SIGABRT may allocate: not with the struct whose lock the caller may hold. */
void slab_report_abort(struct slab_report *r)
{
	slab_report_send(r);
	slab_write(&slab_report_aborting, (uintptr_t)&slab__slots_v6);
	slab__slots_v6 = slab_no_slots + 1 + SLAB_FREES_BEFORE;
	abort();
}

void slab_bug(const char *file, int line, const char *rule)
{
	struct slab_report r;

	slab_report_begin(&r, "internal rule broken: ");
	slab_report_text(&r, rule);
	slab_report_text(&r, " at ");
	slab_report_text(&r, file);
	slab_report_text(&r, ":");
	slab_report_dec(&r, (uint64_t)line);
	slab_report_abort(&r);
}
