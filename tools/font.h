/*
 * font.h - letters of 5 by 7 dots                                                        Floor t0
 */
#ifndef SLABSTAT_FONT_H
#define SLABSTAT_FONT_H

#include <stdint.h>

#define FONT_WIDTH  5
#define FONT_HEIGHT 8 /* with what hangs below the line */

/* The columns of a character, the topmost dot in the lowest bit; '?' for what is no ASCII. */
const uint8_t *font_columns(char character);

#endif
