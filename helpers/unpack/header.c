/* The fields of one header block. */
#include "tar.h"

#include <string.h>

/* Offsets in the header block. */
enum {
    AT_MODE = 100,
    AT_UID = 108,
    AT_GID = 116,
    AT_SIZE = 124,
    AT_MTIME = 136,
    AT_SUM = 148,
    AT_TYPE = 156,
    AT_LINK = 157,
    AT_MAGIC = 257,
    AT_MAJOR = 329,
    AT_MINOR = 337,
    AT_PREFIX = 345,
    AT_GNU_ATIME = 345,
    AT_GNU_CTIME = 357,
    AT_STAR_ATIME = 476,
    AT_STAR_CTIME = 488,
    AT_STAR_TRAILER = 508
};

static bool base256(const unsigned char *f, size_t n, int64_t *ret)
{
    unsigned char inv = f[0] & 0x40 ? 0xff : 0;
    uint64_t x = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = f[i] ^ inv;
        if (i == 0)
            c &= 0x7f;
        if (x >> 56)
            return false;
        x = x << 8 | c;
    }
    if (x >> 63)
        return false;
    *ret = inv ? (int64_t)~x : (int64_t)x;
    return true;
}

bool tar_number(const unsigned char *f, size_t n, int64_t *ret)
{
    if (n > 0 && f[0] & 0x80)
        return base256(f, n, ret);
    while (n > 0 && (f[0] == ' ' || f[0] == '\0'))
        f++, n--;
    while (n > 0 && (f[n - 1] == ' ' || f[n - 1] == '\0'))
        n--;
    uint64_t x = 0;
    for (size_t i = 0; i < n && f[i]; i++) {
        if (f[i] < '0' || f[i] > '7' || x >> 60)
            return false;
        x = x << 3 | (uint64_t)(f[i] - '0');
    }
    *ret = (int64_t)x;
    return true;
}

static bool sum_ok(const unsigned char *b)
{
    int64_t want, plain = 0, sign = 0;
    if (!tar_number(b + AT_SUM, 8, &want))
        return false;
    for (int i = 0; i < TAR_BLOCK; i++) {
        unsigned char c = i >= AT_SUM && i < AT_SUM + 8 ? ' ' : b[i];
        plain += c;
        sign += (signed char)c;
    }
    return want == plain || want == sign;
}

void tar_field(struct buf *to, const unsigned char *f, size_t n)
{
    buf_add(to, f, strnlen((const char *)f, n));
}

enum format { V7, USTAR, STAR, GNU };

static enum format format_of(const unsigned char *b)
{
    if (memcmp(b + AT_MAGIC, "ustar\0", 6) == 0)
        return memcmp(b + AT_STAR_TRAILER, "tar\0", 4) == 0 ? STAR : USTAR;
    return memcmp(b + AT_MAGIC, "ustar  \0", 8) == 0 ? GNU : V7;
}

static bool all_ascii(const struct buf *b)
{
    for (size_t i = 0; i < b->len; i++)
        if (b->s[i] & 0x80)
            return false;
    return true;
}

/* GNU archives have times where ustar has the prefix; an old Go writer mixed the two up. */
static void gnu_prefix(const unsigned char *b, struct buf *prefix)
{
    int64_t n;
    bool ok = (b[AT_GNU_ATIME] == 0 || tar_number(b + AT_GNU_ATIME, 12, &n)) &&
              (b[AT_GNU_CTIME] == 0 || tar_number(b + AT_GNU_CTIME, 12, &n));
    if (!ok)
        tar_field(prefix, b + AT_PREFIX, 155);
    if (!all_ascii(prefix))
        buf_clear(prefix);
}

static int extended_fields(const unsigned char *b, enum format f, struct buf *prefix)
{
    int64_t n;
    if (!tar_number(b + AT_MAJOR, 8, &n) || !tar_number(b + AT_MINOR, 8, &n))
        return -1;
    if (f == USTAR)
        tar_field(prefix, b + AT_PREFIX, 155);
    if (f == STAR) {
        tar_field(prefix, b + AT_PREFIX, 131);
        if (!tar_number(b + AT_STAR_ATIME, 12, &n) || !tar_number(b + AT_STAR_CTIME, 12, &n))
            return -1;
    }
    if (f == GNU)
        gnu_prefix(b, prefix);
    return 0;
}

int tar_header(struct tar_entry *en, const unsigned char *b, int64_t *ret_size, struct err *e)
{
    cleanup(buf_free) struct buf prefix = BUF_INIT;
    if (!sum_ok(b) || !tar_number(b + AT_MODE, 8, &en->mode) ||
        !tar_number(b + AT_UID, 8, &en->uid) || !tar_number(b + AT_GID, 8, &en->gid) ||
        !tar_number(b + AT_SIZE, 12, ret_size) || *ret_size < 0 ||
        !tar_number(b + AT_MTIME, 12, &en->mtime))
        return tar_invalid(e);
    en->type = (char)b[AT_TYPE];
    enum format f = format_of(b);
    if (f != V7 && extended_fields(b, f, &prefix))
        return tar_invalid(e);
    if (prefix.len > 0) {
        buf_add(&en->name, prefix.s, prefix.len);
        buf_addc(&en->name, '/');
    }
    tar_field(&en->name, b, 100);
    tar_field(&en->link, b + AT_LINK, 100);
    return 0;
}
