/*
 * text.h - names made safe, sizes for people, globs                                      Floor t0
 */
#ifndef SLABSTAT_TEXT_H
#define SLABSTAT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_HUMAN_BYTES 32

/*
 * Copies a name out of a target: at most from_bytes, up to its zero, cut to what fits; whatever
 * a terminal, a parser or a shell could trip over becomes '_'. Always terminated, never empty.
 */
void text_copy_name(char *to, size_t to_bytes, const char *from, size_t from_bytes);

/* 512 -> "0.50K", 3 MiB -> "3.00M"; never smaller than K, as slabtop. Return: to. */
char *text_human(char to[TEXT_HUMAN_BYTES], uint64_t bytes);

/* The end of a noun: "s", or "" behind 1. */
const char *text_plural(uint64_t number);

/* Whether name matches one of a comma-separated list of globs; '*' and '?' are special. */
bool text_matches(const char *globs, const char *name);

#endif
