#include "words/digest.h"

#include <stdio.h>
#include <string.h>

bool digest_is_hex(const char *s)
{
    return strspn(s, "0123456789abcdef") == DIGEST_HEX && s[DIGEST_HEX] == '\0';
}

int digest_parse(const char *s, struct digest *ret)
{
    if (strncmp(s, "sha256:", 7) != 0 || !digest_is_hex(s + 7))
        return -1;
    memcpy(ret->hex, s + 7, DIGEST_HEX + 1);
    return 0;
}

bool digest_eq(const struct digest *a, const struct digest *b)
{
    return memcmp(a->hex, b->hex, DIGEST_HEX) == 0;
}

struct digest_text digest_text(const struct digest *d)
{
    struct digest_text t;
    snprintf(t.s, sizeof t.s, "sha256:%s", d->hex);
    return t;
}
