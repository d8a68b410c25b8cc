/* SHA-256 of bytes as they pass (libcrypto; never linked into the run path). */
#ifndef POD_WORDS_SHA256_H
#define POD_WORDS_SHA256_H

#include "words/digest.h"

#include <stddef.h>

struct sha256; /* opaque */
struct sha256 *sha256_new(void);
void sha256_add(struct sha256 *h, const void *p, size_t n);
/* n bytes at p to h and m at q to k: two different hashes, faster than one after the other. */
void sha256_add_two(struct sha256 *h, const void *p, size_t n, struct sha256 *k, const void *q,
                    size_t m);
/* Ends and frees h. */
struct digest sha256_end(struct sha256 *h);
struct digest sha256_of(const void *p, size_t n);

#endif
