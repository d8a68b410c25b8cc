#include "words/sha256.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

struct sha256 {
    EVP_MD_CTX *ctx;
};

struct sha256 *sha256_new(void)
{
    struct sha256 *h = malloc(sizeof *h);
    if (!h || !(h->ctx = EVP_MD_CTX_new()) || EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL) != 1)
        abort();
    return h;
}

void sha256_add(struct sha256 *h, const void *p, size_t n)
{
    if (EVP_DigestUpdate(h->ctx, p, n) != 1)
        abort();
}

struct digest sha256_end(struct sha256 *h)
{
    unsigned char md[32];
    if (EVP_DigestFinal_ex(h->ctx, md, NULL) != 1)
        abort();
    EVP_MD_CTX_free(h->ctx);
    free(h);
    struct digest d;
    for (int i = 0; i < 32; i++)
        snprintf(d.hex + 2 * i, 3, "%02x", md[i]);
    return d;
}

struct digest sha256_of(const void *p, size_t n)
{
    struct sha256 *h = sha256_new();
    sha256_add(h, p, n);
    return sha256_end(h);
}
