/*
 * picture.c - boxes, words and fields of cells as SVG or PNG                             Floor t2
 *
 * Called by map_picture.c. A small field of cells becomes a path for each colour in SVG; a large
 * one a picture within the picture, a pixel for each cell, so that it stays small and sharp.
 */
#define _GNU_SOURCE 1
#include <stdlib.h>

#include "tools/font.h"
#include "tools/picture.h"
#include "tools/png.h"

#define PATH_CELLS ((uint64_t)60000) /* larger fields are pictures */
#define PIXELS_MAX ((uint64_t)512 << 20)

static const uint8_t palette[PNG_COLOURS][3] = {
	[PICTURE_WHITE] = { 0xff, 0xff, 0xff },   [PICTURE_TEXT] = { 0x1f, 0x29, 0x37 },
	[PICTURE_FAINT] = { 0x6b, 0x72, 0x80 },   [PICTURE_LIVE] = { 0x1d, 0x6f, 0xb8 },
	[PICTURE_PARKED] = { 0xf2, 0xa9, 0x1e },  [PICTURE_FREE] = { 0xdd, 0xe3, 0xea },
	[PICTURE_DAMAGED] = { 0xd6, 0x1f, 0x3a }, [PICTURE_HOLE] = { 0xf3, 0xd9, 0xf0 },
	[PICTURE_UNREAD] = { 0x4b, 0x4f, 0x58 },
};

static void print_colour(FILE *out, unsigned colour)
{
	const uint8_t *rgb = palette[colour % PNG_COLOURS];

	fprintf(out, "#%02x%02x%02x", rgb[0], rgb[1], rgb[2]);
}

bool picture_begin(struct picture *picture, FILE *out, bool svg, uint32_t width, uint32_t height)
{
	*picture = (struct picture){ .out = out, .svg = svg, .width = width, .height = height };
	if (!svg) {
		if ((uint64_t)width * height <= PIXELS_MAX)
			picture->pixel = calloc((size_t)width * height, 1); /* 0 is white */
		picture->failed = !picture->pixel;
		return !picture->failed;
	}
	fprintf(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" "
		"viewBox=\"0 0 %u %u\" font-family=\"monospace\" font-size=\"15\">\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n",
		width, height, width, height);
	return true;
}

void picture_box(struct picture *picture, uint32_t x, uint32_t y, uint32_t width, uint32_t height,
		 enum picture_colour colour)
{
	if (picture->svg) {
		fprintf(picture->out, "<rect x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\" fill=\"",
			x, y, width, height);
		print_colour(picture->out, colour);
		fprintf(picture->out, "\"/>\n");
		return;
	}
	for (uint32_t row = y; picture->pixel && row < y + height && row < picture->height; row++)
		for (uint32_t at = x; at < x + width && at < picture->width; at++)
			picture->pixel[(size_t)row * picture->width + at] = (uint8_t)colour;
}

static void draw_character(struct picture *picture, uint32_t x, uint32_t y, char character,
			   enum picture_colour colour)
{
	const uint8_t *columns = font_columns(character);

	for (uint32_t column = 0; column < FONT_WIDTH; column++)
		for (uint32_t dot = 0; dot < FONT_HEIGHT; dot++)
			if (columns[column] >> dot & 1)
				picture_box(picture, x + 2 * column, y + 2 * dot, 2, 2, colour);
}

void picture_text(struct picture *picture, uint32_t x, uint32_t y, const char *text,
		  enum picture_colour colour)
{
	if (picture->svg) {
		fprintf(picture->out, "<text x=\"%u\" y=\"%u\" xml:space=\"preserve\" fill=\"", x,
			y + 14);
		print_colour(picture->out, colour);
		fprintf(picture->out, "\">%s</text>\n", text);
		return;
	}
	for (; *text; text++, x += PICTURE_CHAR_PX)
		draw_character(picture, x, y, *text, colour);
}

static void draw_cells(struct picture *picture, uint32_t x, uint32_t y, uint32_t cell_px,
		       uint32_t columns, uint32_t rows, const uint8_t *cells)
{
	uint32_t edge = cell_px >= 4 ? 1 : 0; /* a line between cells, where there is room */

	for (uint32_t row = 0; row < rows; row++)
		for (uint32_t column = 0; column < columns; column++) {
			uint8_t colour = cells[(size_t)row * columns + column];

			if (colour != PICTURE_WHITE)
				picture_box(picture, x + column * cell_px, y + row * cell_px,
					    cell_px - edge, cell_px - edge,
					    (enum picture_colour)colour);
		}
}

/* A path of all cells of one colour. */
static void print_path(struct picture *picture, uint32_t x, uint32_t y, uint32_t cell_px,
		       uint32_t columns, uint32_t rows, const uint8_t *cells, unsigned colour)
{
	uint32_t size = cell_px >= 4 ? cell_px - 1 : cell_px;
	bool begun = false;

	for (size_t i = 0; i < (size_t)columns * rows; i++) {
		if (cells[i] != colour)
			continue;
		if (!begun) {
			fprintf(picture->out, "<path fill=\"");
			print_colour(picture->out, colour);
			fprintf(picture->out, "\" d=\"");
		}
		begun = true;
		fprintf(picture->out, "M%u %uh%uv%uh-%uz", x + (uint32_t)(i % columns) * cell_px,
			y + (uint32_t)(i / columns) * cell_px, size, size, size);
	}
	if (begun)
		fprintf(picture->out, "\"/>\n");
}

static void print_base64(FILE *out, const uint8_t *data, size_t bytes)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < bytes; i += 3) {
		uint32_t three = (uint32_t)data[i] << 16;

		if (i + 1 < bytes)
			three |= (uint32_t)data[i + 1] << 8;
		if (i + 2 < bytes)
			three |= data[i + 2];
		fputc(digits[three >> 18 & 63], out);
		fputc(digits[three >> 12 & 63], out);
		fputc(i + 1 < bytes ? digits[three >> 6 & 63] : '=', out);
		fputc(i + 2 < bytes ? digits[three & 63] : '=', out);
	}
}

static void print_image(struct picture *picture, uint32_t x, uint32_t y, uint32_t cell_px,
			uint32_t columns, uint32_t rows, const uint8_t *cells)
{
	char *data = NULL;
	size_t bytes = 0;
	FILE *png = open_memstream(&data, &bytes);

	if (!png || !png_write(png, cells, columns, rows, palette))
		picture->failed = true;
	if (png && fclose(png) != 0)
		picture->failed = true;
	if (!picture->failed) {
		fprintf(picture->out,
			"<image x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\" "
			"preserveAspectRatio=\"none\" style=\"image-rendering:pixelated\" "
			"href=\"data:image/png;base64,",
			x, y, columns * cell_px, rows * cell_px);
		print_base64(picture->out, (const uint8_t *)data, bytes);
		fprintf(picture->out, "\"/>\n");
	}
	free(data);
}

void picture_cells(struct picture *picture, uint32_t x, uint32_t y, uint32_t cell_px,
		   uint32_t columns, uint32_t rows, const uint8_t *cells)
{
	if (!picture->svg) {
		draw_cells(picture, x, y, cell_px, columns, rows, cells);
	} else if ((uint64_t)columns * rows > PATH_CELLS) {
		print_image(picture, x, y, cell_px, columns, rows, cells);
	} else {
		for (unsigned colour = PICTURE_WHITE + 1; colour < PICTURE_COLOURS; colour++)
			print_path(picture, x, y, cell_px, columns, rows, cells, colour);
	}
}

bool picture_end(struct picture *picture)
{
	if (picture->svg)
		fprintf(picture->out, "</svg>\n");
	else if (!picture->failed &&
		 !png_write(picture->out, picture->pixel, picture->width, picture->height, palette))
		picture->failed = true;
	free(picture->pixel);
	return !picture->failed;
}
