/*
 * picture.h - boxes, words and fields of cells as SVG or PNG                             Floor t2
 */
#ifndef SLABSTAT_PICTURE_H
#define SLABSTAT_PICTURE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum picture_colour {
	PICTURE_WHITE,
	PICTURE_TEXT,
	PICTURE_FAINT, /* less important words */
	PICTURE_LIVE,
	PICTURE_PARKED,
	PICTURE_FREE,
	PICTURE_DAMAGED,
	PICTURE_HOLE,
	PICTURE_UNREAD,
	PICTURE_COLOURS
};

#define PICTURE_CHAR_PX 12 /* width of a character, at most */
#define PICTURE_LINE_PX 18 /* from line to line */

struct picture {
	FILE *out;
	bool svg, failed;
	uint32_t width, height;
	uint8_t *pixel; /* PNG: a colour each */
};

/* Return: false without memory. picture_end() in each case. */
bool picture_begin(struct picture *picture, FILE *out, bool svg, uint32_t width, uint32_t height);

void picture_box(struct picture *picture, uint32_t x, uint32_t y, uint32_t width, uint32_t height,
		 enum picture_colour colour);

/* y is the upper edge of the line. The words hold nothing that XML would have to quote. */
void picture_text(struct picture *picture, uint32_t x, uint32_t y, const char *text,
		  enum picture_colour colour);

/* A field of square cells, row by row, a colour each; white ones are left out. */
void picture_cells(struct picture *picture, uint32_t x, uint32_t y, uint32_t cell_px,
		   uint32_t columns, uint32_t rows, const uint8_t *cells);

/* Return: whether all of it could be made. Writing errors stay with the file. */
bool picture_end(struct picture *picture);

#endif
