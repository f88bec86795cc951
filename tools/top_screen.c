/*
 * top_screen.c - top on a whole terminal                                                Floor t12
 *
 * Called by top.c. Keys only change the view. Without ncurses this file says that it was not built.
 */
#define _GNU_SOURCE 1
#include "tools/top_screen.h"

#ifdef SLAB_WITH_NCURSES
#include <curses.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/report.h"
#include "tools/top_detail.h"
#include "tools/top_view.h"

#include <term.h> /* the last: it makes macros of everyday words */

#define INTERVAL_MIN 0.1
#define INTERVAL_MAX 60.0

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* ---- reading ----------------------------------------------------------------------------- */

/* After a new order: finds the selected cache again. */
static void order(struct top_view *s)
{
	top_model_order(&s->model, s->sort, s->all, s->filter);
	for (size_t i = 0; i < s->model.showns; i++)
		if (s->model.shown[i]->now.root == s->root &&
		    s->model.shown[i]->now.stats.id == s->id)
			s->selected = i;
	if (s->selected >= s->model.showns)
		s->selected = s->model.showns ? s->model.showns - 1 : 0;
}

static void select_row(struct top_view *s, long long by)
{
	long long at = (long long)s->selected + by;

	if (at >= (long long)s->model.showns)
		at = (long long)s->model.showns - 1;
	s->selected = at > 0 ? (size_t)at : 0;
	if (top_view_selected(s)) {
		s->root = top_view_selected(s)->now.root;
		s->id = top_view_selected(s)->now.stats.id;
	}
}

static void refresh_detail(struct top_view *s)
{
	if (!s->detail || !top_view_selected(s) || s->ended)
		return;
	free(s->detail);
	s->detail = top_detail_text(&s->source->target, &s->model, top_view_selected(s));
}

/* Return: the fault of the first reading; later ones end the watching, not the program. */
static enum fault_code read_again(struct top_view *s, struct fault *fault)
{
	struct figures figures;
	enum fault_code code = source_figures(s->source, &figures, fault);
	bool alive = s->source->target.alive(&s->source->target);

	if (figures.roots > 0 && (alive || s->model.last <= 0)) {
		if (s->options->globs)
			figures_keep(&figures, s->options->globs);
		if (!top_model_add(&s->model, &figures, now()))
			code = fault_set(fault, FAULT_PARTIAL, "slabstat ran out of memory.");
		order(s);
	}
	if (figures.roots > 0 && alive)
		s->message[0] = '\0';
	else if (alive && code != FAULT_NONE) /* what is shown is old: say so */
		snprintf(s->message, sizeof s->message, " No new figures: %.140s", fault->text);
	figures_free(&figures);
	if (!alive) {
		s->ended = true;
		snprintf(s->message, sizeof s->message,
			 " %.80s has ended: these are its last figures. Press any key to leave. ",
			 s->source->label);
	}
	return code;
}

/* ---- keys -------------------------------------------------------------------------------- */

static void edit(struct top_view *s, int key)
{
	size_t length = strlen(s->filter);

	if (key == '\n' || key == '\r' || key == KEY_ENTER)
		s->editing = false;
	else if (key == 27) /* escape */
		s->editing = false, s->filter[0] = '\0';
	else if ((key == KEY_BACKSPACE || key == 127 || key == '\b') && length > 0)
		s->filter[length - 1] = '\0';
	else if (key > ' ' && key < 127 && length + 1 < sizeof s->filter)
		memcpy(s->filter + length, (char[2]){ (char)key, '\0' }, 2);
	order(s);
}

static void scroll_detail(struct top_view *s, int by)
{
	size_t count = 0;

	for (const char *at = s->detail; (at = strchr(at, '\n')); at++)
		count++;
	if (by < 0)
		s->detail_line -= s->detail_line < (size_t)-by ? s->detail_line : (size_t)-by;
	else
		s->detail_line += (size_t)by;
	if (s->detail_line >= count)
		s->detail_line = count ? count - 1 : 0;
}

/* Keys that move. Return: whether it was one. */
static bool move_by(struct top_view *s, int key)
{
	int page = LINES - TOP_VIEW_HEAD - 2 > 1 ? LINES - TOP_VIEW_HEAD - 2 : 1;
	int by = key == KEY_DOWN ? 1 : key == KEY_UP ? -1 : key == KEY_NPAGE ? page : -page;

	if (key == KEY_HOME || key == KEY_END)
		by = key == KEY_END ? 1 << 24 : -(1 << 24);
	else if (key != KEY_DOWN && key != KEY_UP && key != KEY_NPAGE && key != KEY_PPAGE)
		return false;
	if (s->detail)
		scroll_detail(s, by);
	else
		select_row(s, by);
	return true;
}

static void close_detail(struct top_view *s)
{
	free(s->detail);
	s->detail = NULL;
	s->detail_line = 0;
}

static void open_detail(struct top_view *s)
{
	if (s->detail) {
		close_detail(s);
	} else if (top_view_selected(s)) {
		select_row(s, 0);
		s->detail = top_detail_text(&s->source->target, &s->model, top_view_selected(s));
	}
}

/* Return: whether to go on. */
static bool handle(struct top_view *s, int key, bool *again)
{
	if (s->editing) {
		edit(s, key);
		return true;
	}
	if (move_by(s, key))
		return true;
	if (key == '\n' || key == '\r' || key == KEY_ENTER)
		open_detail(s);
	else if (key == 27 || (s->detail && (key == KEY_LEFT || key == KEY_BACKSPACE)))
		close_detail(s);
	else if (key == 'q' || key == 'Q')
		return false;
	else if (key == ' ')
		*again = true;
	else if (key == '/')
		s->editing = true;
	else if (key == '!')
		s->all = !s->all;
	else if (key == '+' && s->interval * 2 <= INTERVAL_MAX)
		s->interval *= 2;
	else if (key == '-' && s->interval / 2 >= INTERVAL_MIN)
		s->interval /= 2;
	else if (key > 0 && key < 128 && strchr(REPORT_SORTS TOP_SORTS, key))
		s->sort = (char)key;
	if (key >= 'A' && key < 'Z' && strchr(REPORT_SORTS TOP_SORTS, key - 'A' + 'a'))
		s->sort = (char)(key - 'A' + 'a'); /* either case, as slabtop */
	order(s);
	return true;
}

/* Return: whether ncurses knows this terminal; initscr() would end the program. */
static bool begin(struct top_view *s)
{
	const char *no_colour = getenv("NO_COLOR"), *codeset;

	setlocale(LC_CTYPE, "");
	codeset = nl_langinfo(CODESET);
	s->blocks = SLAB_WITH_NCURSES && strcmp(codeset, "UTF-8") == 0;
	if (!newterm(NULL, stdout, stdin))
		return false;
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	set_escdelay(50);
	curs_set(0);
	if ((no_colour && no_colour[0]) || !has_colors() || start_color() == ERR)
		return true;
	s->colours = true;
	use_default_colors();
	init_pair(TOP_GROWS, COLOR_RED, -1);
	init_pair(TOP_SHRINKS, COLOR_GREEN, -1);
	init_pair(TOP_TREND, COLOR_CYAN, -1);
	return true;
}

/* Where hangups are ignored, no key comes any more, and nobody waits for one either. */
static bool terminal_is_gone(void)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };

	return poll(&in, 1, 0) == 1 && (in.revents & (POLLHUP | POLLERR | POLLNVAL));
}

static void watch(struct top_view *s)
{
	double due = now() + s->interval;

	for (bool on = true; on;) {
		double left = s->ended ? 0 : due - now();
		bool again = false;
		int key;

		top_view_draw(s);
		timeout(s->ended ? -1 : left <= 0 ? 0 : (int)(left * 1000) + 1);
		key = getch();
		if (key == ERR && terminal_is_gone())
			return;
		if (s->ended && key != KEY_RESIZE && (s->detail || !move_by(s, key)))
			return;
		if (!s->ended && key != ERR && key != KEY_RESIZE)
			on = handle(s, key, &again);
		if (!s->ended && (again || now() >= due)) {
			struct fault late = { 0 };

			read_again(s, &late);
			refresh_detail(s);
			due = now() + s->interval;
		} else if (due > now() + s->interval) {
			due = now() + s->interval; /* it was made shorter */
		}
	}
}

/* A terminal that nobody knows is top_screen()'s to tell of. */
bool top_screen_possible(void)
{
	int error;

	return setupterm(NULL, STDOUT_FILENO, &error) == ERR || tigetstr("cup");
}

enum fault_code top_screen(struct source *source, const struct options *options,
			   struct fault *fault)
{
	struct top_view s = { .source = source,
			      .options = options,
			      .sort = options->sort ? options->sort : REPORT_SORT_DEFAULT,
			      .all = options->all,
			      .interval =
				  options->interval > 0 ? options->interval : TOP_SCREEN_INTERVAL };
	enum fault_code code = read_again(&s, fault);

	if (s.model.last > 0 && (code == FAULT_NONE || code == FAULT_PARTIAL)) {
		if (begin(&s)) {
			select_row(&s, 0);
			watch(&s);
			endwin();
		} else {
			code = fault_set(fault, FAULT_USAGE,
					 "ncurses knows no terminal '%.40s': set TERM to one that "
					 "it knows.",
					 getenv("TERM") ? getenv("TERM") : "");
		}
	}
	close_detail(&s);
	top_model_free(&s.model);
	return code;
}

#else

bool top_screen_possible(void)
{
	return false;
}

enum fault_code top_screen(struct source *source, const struct options *options,
			   struct fault *fault)
{
	(void)options;
	return fault_set(fault, FAULT_USAGE, "%.200s: slabstat was built without ncurses.",
			 source->label);
}
#endif
