#include "words/sha256.h"

/*
 * The functions below EVP, deprecated as they are: EVP loads providers and reads openssl.cnf before
 * the first byte, which takes each process that unpacks a layer longer than a small layer does.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>

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
