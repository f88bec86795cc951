/*
 * png.c - a picture of up to 16 colours as a PNG file                                    Floor t1
 *
 * Called by picture.c. Four bits a pixel; one IDAT chunk, deflated by zlib where that was found,
 * else in stored blocks (RFC 1950, 1951).
 */
#include <stdlib.h>
#include <string.h>

#ifdef SLAB_WITH_ZLIB
#include <zlib.h>
#endif

#include "tools/png.h"

#define STORED_MAX 65535u

static uint32_t crc_of(uint32_t crc, const uint8_t *at, size_t bytes)
{
	static uint32_t table[256];

	for (uint32_t i = 0; table[255] == 0 && i < 256; i++) {
		uint32_t value = i;

		for (int bit = 0; bit < 8; bit++)
			value = value & 1 ? 0xedb88320u ^ value >> 1 : value >> 1;
		table[i] = value;
	}
	for (crc = ~crc; bytes > 0; bytes--)
		crc = table[(crc ^ *at++) & 0xff] ^ crc >> 8;
	return ~crc;
}

static void put32(uint8_t *to, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		to[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void write_chunk(FILE *out, const char *type, const uint8_t *data, uint32_t bytes)
{
	uint8_t word[4];
	uint32_t crc = crc_of(0, (const uint8_t *)type, 4);

	put32(word, bytes);
	fwrite(word, 1, 4, out);
	fwrite(type, 1, 4, out);
	if (bytes)
		fwrite(data, 1, bytes, out);
	put32(word, crc_of(crc, data, bytes));
	fwrite(word, 1, 4, out);
}

/* Rows of a filter byte (none) and two pixels a byte. */
static uint8_t *make_rows(const uint8_t *pixels, uint32_t width, uint32_t height, size_t *bytes)
{
	size_t row_bytes = 1 + ((size_t)width + 1) / 2;
	uint8_t *rows = calloc(height ? height : 1, row_bytes);

	*bytes = height * row_bytes;
	for (uint32_t y = 0; rows && y < height; y++) {
		const uint8_t *from = pixels + (size_t)y * width;
		uint8_t *to = rows + y * row_bytes + 1;

		for (uint32_t x = 0; x < width; x++)
			to[x / 2] |= (uint8_t)((from[x] & 15) << (x % 2 ? 0 : 4));
	}
	return rows;
}

#ifdef SLAB_WITH_ZLIB
static uint8_t *deflated(const uint8_t *rows, size_t bytes, size_t *packed)
{
	uLongf room = compressBound((uLong)bytes);
	uint8_t *to = malloc(room);

	if (to && compress2(to, &room, rows, (uLong)bytes, 6) == Z_OK) {
		*packed = room;
		return to;
	}
	free(to);
	return NULL;
}

bool png_compresses(void)
{
	return true;
}
#else
static uint8_t *deflated(const uint8_t *rows, size_t bytes, size_t *packed)
{
	uint8_t *to = malloc(bytes + bytes / STORED_MAX * 5 + 32), *at = to;
	uint32_t a = 1, b = 0;

	if (!to)
		return NULL;
	*at++ = 0x78; /* deflate, 32 KiB; no dictionary */
	*at++ = 0x01;
	for (size_t done = 0; done < bytes;) {
		uint32_t n = bytes - done < STORED_MAX ? (uint32_t)(bytes - done) : STORED_MAX;

		*at++ = done + n == bytes; /* the last block */
		*at++ = (uint8_t)n;
		*at++ = (uint8_t)(n >> 8);
		*at++ = (uint8_t)~n;
		*at++ = (uint8_t)(~n >> 8);
		memcpy(at, rows + done, n);
		at += n;
		done += n;
	}
	for (size_t i = 0; i < bytes; i++) { /* Adler-32 */
		a = (a + rows[i]) % 65521;
		b = (b + a) % 65521;
	}
	put32(at, b << 16 | a);
	*packed = (size_t)(at + 4 - to);
	return to;
}

bool png_compresses(void)
{
	return false;
}
#endif

bool png_write(FILE *out, const uint8_t *pixels, uint32_t width, uint32_t height,
	       const uint8_t palette[PNG_COLOURS][3])
{
	static const uint8_t signature[] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };
	uint8_t header[13] = { [8] = 4, [9] = 3 }; /* bits a pixel; by palette */
	size_t bytes, packed = 0;
	uint8_t *rows = make_rows(pixels, width, height, &bytes);
	uint8_t *data = rows ? deflated(rows, bytes, &packed) : NULL;

	free(rows);
	if (!data || packed > UINT32_MAX / 2) {
		free(data);
		return false;
	}
	put32(header, width);
	put32(header + 4, height);
	fwrite(signature, 1, sizeof signature, out);
	write_chunk(out, "IHDR", header, sizeof header);
	write_chunk(out, "PLTE", palette[0], PNG_COLOURS * 3);
	write_chunk(out, "IDAT", data, (uint32_t)packed);
	write_chunk(out, "IEND", NULL, 0);
	free(data);
	return true;
}
