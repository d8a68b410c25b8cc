/* RFC 4648 base64, standard alphabet. */
#ifndef POD_WORDS_BASE64_H
#define POD_WORDS_BASE64_H

#include "plain/buf.h"

#include <stddef.h>

/* Appends the decoded bytes; -1 for anything that is not base64 (blanks included). */
int base64_decode(const char *s, struct buf *ret);
void base64_encode(const void *p, size_t n, struct buf *ret);

#endif
