/*
 * Maps of sparse files: old GNU (in the header and blocks behind it), PAX 0.0 and 0.1 (records),
 * PAX 1.0 (text at the start of the payload). A map must rise, stay inside the file and add up to
 * the payload.
 */
#include "pax.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static int add_extent(struct tar_entry *en, int64_t at, int64_t len)
{
    if (at < 0 || len < 0 || en->nextents == TAR_EXTENTS_MAX)
        return -1;
    if ((en->nextents & (en->nextents - 1)) == 0) {
        size_t cap = en->nextents ? 2 * en->nextents : 1;
        en->extents = xrealloc(en->extents, cap * sizeof *en->extents);
    }
    en->extents[en->nextents++] = (struct tar_extent){(uint64_t)at, (uint64_t)len};
    return 0;
}

static int check_map(struct tar *t, int64_t real, struct err *e)
{
    struct tar_entry *en = &t->entry;
    uint64_t end = 0, sum = 0;
    if (real < 0)
        return tar_invalid(e);
    for (size_t i = 0; i < en->nextents; i++) {
        struct tar_extent *x = &en->extents[i];
        if (x->at < end || x->len > (uint64_t)INT64_MAX - x->at)
            return tar_invalid(e);
        end = x->at + x->len;
        sum += x->len;
    }
    if (end > (uint64_t)real || sum > t->todo)
        return tar_invalid(e);
    en->sparse = true;
    en->size = (uint64_t)real;
    return 0;
}

/* n pairs of 12-byte numbers; an empty one ends the map. 1: ended, 0: more to come, -1. */
static int gnu_pairs(struct tar_entry *en, const unsigned char *b, int n)
{
    for (int i = 0; i < n; i++, b += 24) {
        int64_t at, len;
        if (b[0] == 0)
            return 1;
        if (!tar_number(b, 12, &at) || !tar_number(b + 12, 12, &len) || add_extent(en, at, len))
            return -1;
    }
    return 0;
}

static int read_gnu(struct tar *t, const unsigned char *hdr, struct err *e)
{
    int64_t real;
    if (!tar_number(hdr + 483, 12, &real) || gnu_pairs(&t->entry, hdr + 386, 4) < 0)
        return tar_invalid(e);
    for (bool more = hdr[482] > 0; more; more = t->blk[504] > 0) {
        int r = tar_block(t, e);
        if (r <= 0)
            return r < 0 ? -1 : err_set(e, 0, "unexpected EOF");
        if (gnu_pairs(&t->entry, t->blk, 21) < 0)
            return tar_invalid(e);
    }
    return check_map(t, real, e);
}

/* A decimal number of at most 18 digits; moves *p behind it. */
static int digits(const char **p, int64_t *ret)
{
    int64_t x = 0;
    int n = 0;
    for (; isdigit((unsigned char)**p); (*p)++) {
        if (++n > 18)
            return -1;
        x = x * 10 + (**p - '0');
    }
    *ret = x;
    return n ? 0 : -1;
}

static int read_records(struct tar *t, const char *p, int64_t real, struct err *e)
{
    while (*p) {
        int64_t at, len;
        if (digits(&p, &at) || *p++ != ',' || digits(&p, &len) || (*p && *p++ != ','))
            return tar_invalid(e);
        if (add_extent(&t->entry, at, len))
            return tar_invalid(e);
    }
    return check_map(t, real, e);
}

/* The next byte of the text that lies in the payload, a block at a time. */
struct text {
    struct tar *t;
    size_t at;
    bool any;
};

static int text_char(struct text *x, struct err *e)
{
    if (!x->any || x->at == TAR_BLOCK) {
        if (x->t->todo < TAR_BLOCK)
            return tar_invalid(e);
        int r = tar_block(x->t, e);
        if (r <= 0)
            return r < 0 ? -1 : err_set(e, 0, "unexpected EOF");
        x->t->todo -= TAR_BLOCK;
        x->at = 0;
        x->any = true;
    }
    return x->t->blk[x->at++];
}

static int text_number(struct text *x, int64_t *ret, struct err *e)
{
    char line[24];
    size_t n = 0;
    for (;;) {
        int c = text_char(x, e);
        if (c < 0)
            return -1;
        if (c == '\n')
            break;
        if (n + 1 == sizeof line)
            return tar_invalid(e);
        line[n++] = (char)c;
    }
    line[n] = '\0';
    const char *p = line;
    return digits(&p, ret) || *p ? tar_invalid(e) : 0;
}

static int read_text(struct tar *t, int64_t real, struct err *e)
{
    struct text x = {.t = t};
    int64_t count, at, len;
    if (text_number(&x, &count, e))
        return -1;
    for (; count > 0; count--) {
        if (text_number(&x, &at, e) || text_number(&x, &len, e))
            return -1;
        if (add_extent(&t->entry, at, len))
            return tar_invalid(e);
    }
    return check_map(t, real, e);
}

int sparse_read(struct tar *t, struct pax *x, const unsigned char *hdr, struct err *e)
{
    if (t->entry.type == 'S')
        return read_gnu(t, hdr, e);
    bool v1 = x->major == 1 && x->minor == 0;
    if (t->entry.type != '0' || (!v1 && !x->has_map))
        return 0;
    if (x->sparse_name.len > 0) {
        buf_clear(&t->entry.name);
        buf_add(&t->entry.name, x->sparse_name.s, x->sparse_name.len);
    }
    int64_t real = x->has_real ? x->real : (int64_t)t->entry.size;
    return v1 ? read_text(t, real, e) : read_records(t, buf_str(&x->map), real, e);
}
