/*
 * plot_svg.c - a record as an SVG                                                       Floor t11
 *
 * Called by slabstat.c. Two panels over the same time: the memory of slabs, stacked by cache, with
 * what live objects use of it; and live objects as lines. The largest caches have a colour each.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/output.h"
#include "tools/plot.h"
#include "tools/plot_svg.h"
#include "tools/text.h"

#define WIDTH     1000
#define HEIGHT    620
#define LEFT      78
#define RIGHT     730 /* of the panels; the legend is beyond */
#define MEMORY_Y  64
#define MEMORY_H  270
#define OBJECTS_Y 384
#define OBJECTS_H 180

static const char *const colours[PLOT_SERIES] = { "#2f6db5", "#e8862e", "#3f9b52", "#d14b4f",
						  "#8d67b5", "#2fa3a3", "#d6a92a", "#98a0a8" };

/* A rectangle of the picture and the values that it shows. */
struct panel {
	double top, height, most; /* value at the upper edge; 0 at the lower one */
	double step;              /* between two lines */
	double unit;              /* value of 1 in labels */
	const char *unit_name;
	double seconds;
};

static double x_of(const struct panel *panel, double seconds)
{
	return LEFT + (RIGHT - LEFT) * seconds / panel->seconds;
}

static double y_of(const struct panel *panel, double value)
{
	return panel->top + panel->height * (1 - value / panel->most);
}

/* Return: the least of 1, 2, 5 times a power of ten by which five steps or fewer reach most. */
static double step_for(double most)
{
	double power = 1e-3;

	while (power * 10 <= most / 5)
		power *= 10;
	return power * (most / 5 <= power       ? 1
			: most / 5 <= 2 * power ? 2
			: most / 5 <= 5 * power ? 5
						: 10);
}

/* Fits the panel to its largest value. */
static void scale(struct panel *panel, double most, bool bytes)
{
	static const char *const byte_units[] = { "bytes", "KiB", "MiB", "GiB", "TiB", "PiB" };
	static const char *const units[] = { "", "thousand", "million", "billion" };
	size_t unit = 0, last = bytes ? 5 : 3;

	panel->unit = 1;
	while (unit < last && most / panel->unit >= (bytes ? 4 * 1024.0 : 20e3)) {
		panel->unit *= bytes ? 1024 : 1000;
		unit++;
	}
	panel->unit_name = bytes ? byte_units[unit] : units[unit];
	panel->step = step_for(most / panel->unit) * panel->unit;
	if (panel->step < 1)
		panel->step = 1; /* neither bytes nor objects come in parts */
	for (panel->most = panel->step; panel->most < most;)
		panel->most += panel->step;
}

static void draw_grid(FILE *out, const struct panel *panel, const char *title)
{
	fprintf(out, "<text x=\"%d\" y=\"%.1f\" class=\"title\">%s%s%s%s</text>\n", LEFT,
		panel->top - 12, title, panel->unit_name[0] ? " (" : "", panel->unit_name,
		panel->unit_name[0] ? ")" : "");
	for (double value = 0; value < panel->most * 1.001; value += panel->step)
		fprintf(out,
			"<path d=\"M%d %.1fH%d\" class=\"grid\"/><text x=\"%d\" y=\"%.1f\" "
			"class=\"end\">%.6g</text>\n",
			LEFT, y_of(panel, value), RIGHT, LEFT - 8, y_of(panel, value) + 4,
			value / panel->unit);
}

/* Marks on the axis of time, about eight. */
static void draw_time(FILE *out, const struct panel *panel, bool labels)
{
	static const double steps[] = { .1,     .2,     .5,      1,       2,     5,     10,
					15,     30,     60,      120,     300,   600,   900,
					1800,   3600,   7200,    14400,   21600, 43200, 86400,
					172800, 604800, 2592000, 31536000 };
	double step = steps[0], bottom = panel->top + panel->height;
	double per = panel->seconds < 180 ? 1 : panel->seconds < 10800 ? 60 : 3600;

	for (size_t i = 0; i < sizeof steps / sizeof steps[0] && step * 9 < panel->seconds; i++)
		step = steps[i];
	if (step * 20 < panel->seconds)
		step = panel->seconds / 9;
	for (double at = 0; at < panel->seconds * 1.001; at += step) {
		fprintf(out, "<path d=\"M%.1f %.1fv5\" class=\"axis\"/>", x_of(panel, at), bottom);
		if (labels)
			fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" class=\"middle\">%.4g</text>",
				x_of(panel, at), bottom + 20, at / per);
		fputc('\n', out);
	}
	fprintf(out, "<path d=\"M%d %.1fH%d\" class=\"axis\"/>\n", LEFT, bottom, RIGHT);
	if (labels)
		fprintf(out,
			"<text x=\"%d\" y=\"%.1f\" class=\"middle\">%s since the start</text>\n",
			(LEFT + RIGHT) / 2, bottom + 42,
			per < 2     ? "seconds"
			: per < 100 ? "minutes"
				    : "hours");
}

/* One cache's area, between the sum of those below it and that with it. */
static void draw_area(FILE *out, const struct plot *plot, const struct panel *panel, size_t series)
{
	fprintf(out, "<path fill=\"%s\" d=\"M", colours[series]);
	for (size_t i = 0; i < 2 * plot->points; i++) {
		bool back = i >= plot->points;
		const struct plot_point *point = &plot->point[back ? 2 * plot->points - 1 - i : i];
		double sum = 0;

		for (size_t k = 0; k < series + !back; k++)
			sum += point->bytes[k];
		fprintf(out, "%s%.1f %.1f", i ? "L" : "", x_of(panel, point->seconds),
			y_of(panel, sum));
	}
	fprintf(out, "Z\"/>\n");
}

static void draw_line(FILE *out, const struct plot *plot, const struct panel *panel, int series,
		      const char *style)
{
	fprintf(out, "<path fill=\"none\" stroke-linejoin=\"round\" %s d=\"M", style);
	for (size_t i = 0; i < plot->points; i++) {
		const struct plot_point *point = &plot->point[i];

		fprintf(out, "%s%.1f %.1f", i ? "L" : "", x_of(panel, point->seconds),
			y_of(panel, series < 0 ? point->used_bytes : point->live[series]));
	}
	fprintf(out, "\"/>\n");
}

static void draw_legend(FILE *out, const struct plot *plot)
{
	const struct plot_point *last = &plot->point[plot->points - 1];
	char human[TEXT_HUMAN_BYTES];
	int y = MEMORY_Y + 4;

	for (size_t k = plot->series; k-- > 0; y += 40) {
		char others[32] = "";

		if (plot->others > 0 && k + 1 == plot->series)
			snprintf(others, sizeof others, " (%zu)", plot->others);
		fprintf(
		    out,
		    "<rect x=\"%d\" y=\"%d\" width=\"13\" height=\"13\" fill=\"%s\"/>"
		    "<text x=\"%d\" y=\"%d\">%.26s%s</text>"
		    "<text x=\"%d\" y=\"%d\" class=\"faint\">at the end %s, %.0f live</text>\n",
		    RIGHT + 24, y, colours[k], RIGHT + 44, y + 11, plot->name[k], others,
		    RIGHT + 44, y + 27,
		    text_human(human, (uint64_t)(last->bytes[k] < 1e18 ? last->bytes[k] : 1e18)),
		    last->live[k]);
	}
	fprintf(out,
		"<path d=\"M%d %dh22\" stroke=\"#111827\" stroke-width=\"2\" "
		"stroke-dasharray=\"5 3\"/><text x=\"%d\" y=\"%d\">used by live objects</text>\n",
		RIGHT + 20, y + 10, RIGHT + 50, y + 14);
}

static void draw_head(FILE *out, const struct plot *plot)
{
	double seconds = plot->point[plot->points - 1].seconds;
	time_t began = (time_t)(plot->began_ms / 1000);
	char when[64] = "";
	struct tm parts;

	if (localtime_r(&began, &parts))
		strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &parts);
	fprintf(
	    out,
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
	    "viewBox=\"0 0 %d %d\" font-family=\"Helvetica, Arial, sans-serif\" "
	    "font-size=\"13\" fill=\"#1f2937\">\n"
	    "<style>.grid{stroke:#e2e6eb}.axis{stroke:#4b5563}.title{font-weight:bold}"
	    ".end{text-anchor:end}.middle{text-anchor:middle}.faint{fill:#6b7280}</style>\n"
	    "<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n"
	    "<text x=\"16\" y=\"26\" font-size=\"16\" font-weight=\"bold\">Slab caches of process "
	    "%d</text>\n<text x=\"%d\" y=\"26\" class=\"faint end\">from %s, %.4g s, %zu "
	    "readings</text>\n",
	    WIDTH, HEIGHT, WIDTH, HEIGHT, plot->pid, WIDTH - 16, when, seconds, plot->readings);
}

static void draw(FILE *out, const struct plot *plot)
{
	double seconds = plot->point[plot->points - 1].seconds, bytes = 0, live = 0;
	struct panel memory = { MEMORY_Y, MEMORY_H, 1, 1, 1, "", seconds };
	struct panel objects = { OBJECTS_Y, OBJECTS_H, 1, 1, 1, "", seconds };
	char style[64];

	if (seconds <= 0) /* all at once */
		memory.seconds = objects.seconds = 1;
	for (size_t i = 0; i < plot->points; i++) {
		bytes = plot->point[i].all_bytes > bytes ? plot->point[i].all_bytes : bytes;
		bytes = plot->point[i].used_bytes > bytes ? plot->point[i].used_bytes : bytes;
		for (size_t k = 0; k < plot->series; k++)
			live = plot->point[i].live[k] > live ? plot->point[i].live[k] : live;
	}
	scale(&memory, bytes, true);
	scale(&objects, live, false);
	draw_head(out, plot);
	draw_grid(out, &memory, "Memory of slabs");
	for (size_t k = 0; k < plot->series; k++)
		draw_area(out, plot, &memory, k);
	draw_line(out, plot, &memory, -1,
		  "stroke=\"#111827\" stroke-width=\"2\" stroke-dasharray=\"5 3\"");
	draw_time(out, &memory, false);
	draw_grid(out, &objects, "Live objects");
	for (size_t k = plot->series; k-- > 0;) {
		snprintf(style, sizeof style, "stroke=\"%s\" stroke-width=\"2\"", colours[k]);
		draw_line(out, plot, &objects, (int)k, style);
	}
	draw_time(out, &objects, true);
	draw_legend(out, plot);
	fprintf(out, "</svg>\n");
}

enum fault_code verb_plot(const struct options *options, struct fault *fault)
{
	const char *path = options->targets[0];
	bool from_pipe = strcmp(path, "-") == 0;
	int fd = from_pipe ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	enum fault_code code;
	struct plot plot;
	FILE *out;

	if (fd < 0)
		return fault_set(fault, errno == EACCES ? FAULT_DENIED : FAULT_MISSING,
				 "%.200s cannot be read (%s): name a file of slabstat record.",
				 path, strerror(errno));
	code = plot_read(&plot, fd, from_pipe ? "standard input" : path, fault);
	if (plot.points > 1) {
		out = output_open(options->output, path, fault);
		if (out)
			draw(out, &plot);
		code = out ? output_close(out, options->output, code, fault) : fault->code;
	}
	plot_free(&plot);
	return code;
}
