#include "words/sha256.h"

#include "words/sha256_pair.h"

/*
 * The functions below EVP, deprecated as they are: EVP loads providers and reads openssl.cnf before
 * the first byte, which takes each process that unpacks a layer longer than a small layer does.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>

#define BLOCK ((size_t)SHA256_CBLOCK)

struct sha256 {
    SHA256_CTX ctx;
};

struct sha256 *sha256_new(void)
{
    struct sha256 *h = malloc(sizeof *h);
    if (!h || SHA256_Init(&h->ctx) != 1)
        abort();
    return h;
}

void sha256_add(struct sha256 *h, const void *p, size_t n)
{
    if (SHA256_Update(&h->ctx, p, n) != 1)
        abort();
}

/* Whole blocks that went by the library: its count of bits, of which Nl is the low half. */
static void count(SHA256_CTX *ctx, size_t n)
{
    uint64_t bits = ((uint64_t)ctx->Nh << 32 | ctx->Nl) + ((uint64_t)n << 3);
    ctx->Nl = (SHA_LONG)bits;
    ctx->Nh = (SHA_LONG)(bits >> 32);
}

/* Up to the next block's beginning, if there are bytes enough; how many that took. */
static size_t align(struct sha256 *h, const void *p, size_t n)
{
    size_t k = h->ctx.num ? BLOCK - h->ctx.num : 0;
    if (k > n)
        k = n;
    sha256_add(h, p, k);
    return k;
}

void sha256_add_two(struct sha256 *h, const void *p, size_t n, struct sha256 *k, const void *q,
                    size_t m)
{
    const unsigned char *a = p, *b = q;
    static int usable = -1;
    if (usable < 0)
        usable = sha256_pair_usable();
    if (usable && n >= BLOCK && m >= BLOCK) {
        size_t i = align(h, a, n), j = align(k, b, m);
        size_t both = (n - i < m - j ? n - i : m - j) / BLOCK * BLOCK;
        sha256_pair(h->ctx.h, a + i, k->ctx.h, b + j, both / BLOCK);
        count(&h->ctx, both);
        count(&k->ctx, both);
        a += i + both, n -= i + both;
        b += j + both, m -= j + both;
    }
    sha256_add(h, a, n);
    sha256_add(k, b, m);
}

struct digest sha256_end(struct sha256 *h)
{
    unsigned char md[SHA256_DIGEST_LENGTH];
    if (SHA256_Final(md, &h->ctx) != 1)
        abort();
    free(h);
    struct digest d;
    for (size_t i = 0; i < sizeof md; i++)
        snprintf(d.hex + 2 * i, 3, "%02x", md[i]);
    return d;
}

struct digest sha256_of(const void *p, size_t n)
{
    struct sha256 *h = sha256_new();
    sha256_add(h, p, n);
    return sha256_end(h);
}
