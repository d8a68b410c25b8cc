/* Code points («runes» in Go's terms) in strings that may be anything. */
#ifndef POD_WORDS_UTF8_H
#define POD_WORDS_UTF8_H

#include "plain/buf.h"

#include <stddef.h>
#include <stdint.h>

#define UTF8_BAD 0xfffd

/*
 * Reads one code point of the n > 0 bytes at s and returns how many bytes it took. A byte that
 * begins no valid sequence reads as UTF8_BAD and takes one.
 */
size_t utf8_next(const char *s, size_t n, uint32_t *ret);
size_t utf8_count(const char *s, size_t n);
/* Appends cp; what is no code point becomes UTF8_BAD. */
void utf8_put(struct buf *b, uint32_t cp);

#endif
