/* Two messages through SHA-256 at once; for sha256.c alone. */
#ifndef POD_WORDS_SHA256_PAIR_H
#define POD_WORDS_SHA256_PAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether this processor gains by it. */
bool sha256_pair_usable(void);
/*
 * n blocks of 64 bytes at p into the state a (FIPS 180-4, 6.2.2: H0 to H7), and as many at q into
 * the state b. Only where sha256_pair_usable().
 */
void sha256_pair(uint32_t a[8], const unsigned char *p, uint32_t b[8], const unsigned char *q,
                 size_t n);

#endif
