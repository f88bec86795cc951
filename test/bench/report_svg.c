/* report_svg.c - the figures as a picture: a panel per row, a group per size, a bar for each */
#include "run.h"

#include <math.h>
#include <string.h>

#define COLUMNS 3
#define PANEL_W 400
#define PANEL_H 216
#define PLOT_X  44 /* of the plot in its panel */
#define PLOT_Y  34
#define PLOT_W  346
#define PLOT_H  148
#define HEAD_H  76

/* Told apart also by those who see few colours; slab stands out, bounds are grey. */
static const char *const colors[] = { "#0072b2", "#e69f00", "#56b4e9", "#009e73", "#cc79a7",
	                              "#d55e00", "#8c6d31", "#7b61a8" };
static const char *const greys[] = { "#9a9a9a", "#cfcfcf" };

static bool shown(const struct peer *p)
{
	return p->kind == SUBJECT || p->kind == PEER || p->kind == EAGER || p->kind == BOUND;
}

static const char *color(const struct run *run, size_t peer)
{
	size_t i, n = 0;
	bool grey = run->peers[peer].kind == BOUND;

	if (run->peers[peer].kind == SUBJECT)
		return "#c1121f";
	for (i = 0; i < peer; i++) {
		if (shown(&run->peers[i]) && run->peers[i].kind != SUBJECT &&
		    (run->peers[i].kind == BOUND) == grey)
			n++;
	}
	return grey ? greys[n % 2] : colors[n % (sizeof colors / sizeof *colors)];
}

static void text(FILE *f, double x, double y, const char *style, const char *words)
{
	fprintf(f, "<text x=\"%.1f\" y=\"%.1f\" %s>", x, y, style);
	for (; *words != '\0'; words++) {
		switch (*words) {
		case '<': fputs("&lt;", f); break;
		case '>': fputs("&gt;", f); break;
		case '&': fputs("&amp;", f); break;
		default: putc(*words, f);
		}
	}
	fputs("</text>\n", f);
}

static bool measured(const struct run *run, size_t peer)
{
	size_t i;

	for (i = 0; i < run->n_results; i++) {
		if (run->results[i].cells[peer].n > 0)
			return true;
	}
	return false;
}

static void legend(const struct run *run, FILE *f)
{
	double x = 16, y = 50;
	size_t i;

	text(f, 16, 26, "class=\"t\"",
	     "slab and other allocators: less is better, logarithmic scales");
	for (i = 0; i < run->n_peers; i++) {
		const struct peer *p = &run->peers[i];
		char words[300];

		if (!shown(p) || !measured(run, i))
			continue;
		snprintf(words, sizeof words, "%s%s", p->name,
		         p->kind == BOUND ? " (a bound)" : "");
		fprintf(f, "<rect x=\"%.0f\" y=\"%.0f\" width=\"11\" height=\"11\" fill=\"%s\"/>\n",
		        x, y - 10, color(run, i));
		text(f, x + 15, y, "", words);
		x += 32 + 6.6 * (double)strlen(words);
		if (x > COLUMNS * PANEL_W - 120) {
			x = 16;
			y += 18;
		}
	}
}

/* The next step down or up of 1, 2, 5, 10, 20, 50 ... */
static double step(double value, bool up)
{
	static const double parts[] = { 1, 2, 5, 10 };
	double decade = pow(10, floor(log10(value))), part = value / decade;
	int i;

	if (up) {
		for (i = 0; i < 3 && parts[i] <= part * 1.0001; i++)
			;
	} else {
		for (i = 2; i > 0 && parts[i] >= part * 0.9999; i--)
			;
		if (i == 0 && part <= 1.0001)
			return decade / 2;
	}
	return decade * parts[i];
}

struct scale {
	double low, high;
};

static double height(const struct scale *s, double value)
{
	if (value <= s->low)
		return 1;
	return PLOT_H * log(value / s->low) / log(s->high / s->low);
}

static struct scale scale_of(const struct run *run, const struct row *row)
{
	struct scale s = { 1e9, 0 };
	size_t i, k;

	for (i = 0; i < run->n_results; i++) {
		for (k = 0; k < run->n_peers && run->results[i].row == row; k++) {
			double value = run->results[i].cells[k].median;

			if (!shown(&run->peers[k]) || value <= 0)
				continue;
			s.low = value < s.low ? value : s.low;
			s.high = value > s.high ? value : s.high;
		}
	}
	if (s.high <= 0)
		s.low = s.high = 1;
	if (s.low < s.high / 10000)
		s.low = s.high / 10000;
	s.low = step(s.low, false);
	s.high = step(s.high, true);
	return s;
}

static void axis(FILE *f, double x, double y, const struct scale *s)
{
	double value = s->low, last = -99;
	char words[32];

	for (; value <= s->high * 1.001; value = step(value, true)) {
		double at = value <= s->low ? 0 : height(s, value);

		if (at - last < 13)
			continue;
		last = at;
		fprintf(f, "<path d=\"M%.1f %.1fh%d\" stroke=\"#e3e3e3\"/>\n", x, y + PLOT_H - at,
		        PLOT_W);
		snprintf(words, sizeof words, "%g", value);
		text(f, x - 5, y + PLOT_H - at + 4, "class=\"s\" text-anchor=\"end\"", words);
	}
}

static void group(const struct run *run, const struct result *r, FILE *f, double x, double y,
                  double width, const struct scale *s)
{
	double bar, label = 0;
	size_t i, n = 0;
	char words[32];

	for (i = 0; i < run->n_peers; i++)
		n += shown(&run->peers[i]) && r->cells[i].n > 0;
	if (n == 0)
		return;
	bar = width * 0.9 / (double)n;
	snprintf(words, sizeof words, r->point % 1000000 == 0 ? "%zuM" :
	                              r->point % 1000 == 0 ? "%zuk" : "%zu",
	         r->point / (r->point % 1000000 == 0 ? 1000000 : r->point % 1000 == 0 ? 1000 : 1));
	text(f, x + width / 2, y + PLOT_H + 15, "text-anchor=\"middle\"", words);
	x += width * 0.05;
	for (i = 0; i < run->n_peers; i++) {
		double value = r->cells[i].median, h = height(s, value);

		if (!shown(&run->peers[i]) || r->cells[i].n == 0)
			continue;
		fprintf(f, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
		           "fill=\"%s\"><title>%s: %.4g</title></rect>\n",
		        x, y + PLOT_H - h, bar * 0.92, h, color(run, i), run->peers[i].name, value);
		if (run->peers[i].kind == SUBJECT)
			label = x + bar / 2;
		x += bar;
	}
	if (label > 0) { /* last, so that no bar covers it */
		double value = median_of(run, r, subject(run));

		snprintf(words, sizeof words, value < 100 ? "%.3g" : "%.0f", value);
		text(f, label, y + PLOT_H - height(s, value) - 3, "class=\"v\"", words);
	}
}

static void panel(const struct run *run, const struct row *row, FILE *f, double x, double y)
{
	static const char *const units[] = { "ns", "bytes", "%" };
	struct scale s = scale_of(run, row);
	size_t i, n = 0, at = 0;
	char words[128];

	snprintf(words, sizeof words, "%s (%s): %s", row->name, units[row->measure], row->what);
	text(f, x + 12, y + 18, "class=\"h\"", words);
	axis(f, x + PLOT_X, y + PLOT_Y, &s);
	for (i = 0; i < run->n_results; i++)
		n += run->results[i].row == row;
	for (i = 0; i < run->n_results; i++) {
		if (run->results[i].row != row)
			continue;
		group(run, &run->results[i], f,
		      x + PLOT_X + PLOT_W * (double)at / (double)n, y + PLOT_Y,
		      (double)PLOT_W / (double)n, &s);
		at++;
	}
}

void report_svg(const struct run *run, FILE *f)
{
	const struct row *last = NULL;
	size_t i, n = 0;
	int width = COLUMNS * PANEL_W, all;

	for (i = 0; i < run->n_results; last = run->results[i++].row)
		n += run->results[i].row != last;
	all = HEAD_H + (int)((n + COLUMNS - 1) / COLUMNS) * PANEL_H + 24;
	fprintf(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
	           "width=\"%d\" height=\"%d\">\n", width, all, width, all);
	fputs("<style>text{font:12px sans-serif;fill:#222}.t{font-size:17px;font-weight:bold}"
	      ".h{font-weight:bold}.s{font-size:10px}"
	      ".v{font-size:10px;font-weight:bold;fill:#c1121f;text-anchor:middle;stroke:#fff;"
	      "stroke-width:2.5px;paint-order:stroke}</style>\n", f);
	fprintf(f, "<rect width=\"%d\" height=\"%d\" fill=\"#ffffff\"/>\n", width, all);
	legend(run, f);
	n = 0;
	last = NULL;
	for (i = 0; i < run->n_results; last = run->results[i++].row) {
		if (run->results[i].row == last)
			continue;
		panel(run, run->results[i].row, f, (double)(n % COLUMNS) * PANEL_W,
		      HEAD_H + (double)(n / COLUMNS) * PANEL_H);
		n++;
	}
	text(f, 16, all - 10, "",
	     "Groups: bytes of an object; for cost, objects alive. Machine, versions and spread: "
	     "docs/benchmarks.md");
	fputs("</svg>\n", f);
}
