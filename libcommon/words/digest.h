/*
 * Content identifiers, OCI image-spec «Descriptor», section Digests. Only sha256 is accepted:
 * every registry serves it and nothing else can be verified against what other tools stored.
 */
#ifndef POD_WORDS_DIGEST_H
#define POD_WORDS_DIGEST_H

#include <stdbool.h>

#define DIGEST_HEX 64

struct digest {
    char hex[DIGEST_HEX + 1]; /* lower-case */
};

/* "sha256:<64 lower-case hex>" exactly. 0, or -1 and *ret untouched. */
int digest_parse(const char *s, struct digest *ret);
/* 64 lower-case hex digits. */
bool digest_is_hex(const char *s);
bool digest_eq(const struct digest *a, const struct digest *b);
/* "sha256:…" in a static-size buffer */
struct digest_text {
    char s[DIGEST_HEX + 8];
};
struct digest_text digest_text(const struct digest *d);

#endif
