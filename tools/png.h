/*
 * png.h - a picture of up to 16 colours as a PNG file                                    Floor t1
 */
#ifndef SLABSTAT_PNG_H
#define SLABSTAT_PNG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define PNG_COLOURS 16

/* pixels: a byte each, row by row, below PNG_COLOURS. Return: false without memory. */
bool png_write(FILE *out, const uint8_t *pixels, uint32_t width, uint32_t height,
	       const uint8_t palette[PNG_COLOURS][3]);

/* Whether files are compressed, by zlib; else they are as large as their pixels. */
bool png_compresses(void);

#endif
