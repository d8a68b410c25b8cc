#include "pax.h"

#include "plain/str.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define SCHILY     "SCHILY.xattr."
#define LIBARCHIVE "LIBARCHIVE.xattr."
/* Bounds the work on a header of very many tiny records. */
#define XATTRS_MAX 1024

void pax_clear(struct pax *x)
{
    buf_free(&x->path);
    buf_free(&x->link);
    buf_free(&x->sparse_name);
    buf_free(&x->map);
    for (size_t i = 0; i < x->nxattrs; i++) {
        free(x->xattrs[i].name);
        free(x->xattrs[i].value);
    }
    free(x->xattrs);
    *x = (struct pax){.major = -1, .minor = -1};
}

static int number(const char *v, int64_t *ret)
{
    const char *s = *v == '+' ? v + 1 : v;
    return str_i64(s, INT64_MIN, INT64_MAX, ret);
}

/* "[-]seconds[.fraction]"; digits beyond nanoseconds are cut off. */
static int timestamp(const char *v, int64_t *ret, long *ret_ns)
{
    char sec[32];
    size_t n = strcspn(v, ".");
    if (n >= sizeof sec)
        return -1;
    memcpy(sec, v, n);
    sec[n] = '\0';
    if (number(sec, ret))
        return -1;
    long ns = 0, unit = 100000000;
    for (const char *f = v + n + (v[n] == '.'); *f; f++, unit /= 10) {
        if (!isdigit((unsigned char)*f))
            return -1;
        ns += unit * (*f - '0');
    }
    if (sec[0] == '-' && ns > 0) {
        if (*ret == INT64_MIN)
            return -1;
        *ret -= 1;
        ns = 1000000000 - ns;
    }
    *ret_ns = ns;
    return 0;
}

static int add_xattr(struct pax *x, char *name, const char *v, size_t n, bool weak)
{
    struct tar_xattr *a = NULL;
    for (size_t i = 0; i < x->nxattrs && !a; i++)
        if (strcmp(x->xattrs[i].name, name) == 0)
            a = &x->xattrs[i];
    if (a && weak && !a->weak) {
        free(name);
        return 0;
    }
    if (!a && x->nxattrs == XATTRS_MAX) {
        free(name);
        return -1;
    }
    if (!a) {
        x->xattrs = xrealloc(x->xattrs, (x->nxattrs + 1) * sizeof *x->xattrs);
        a = &x->xattrs[x->nxattrs++];
        *a = (struct tar_xattr){0};
    }
    free(a->name);
    free(a->value);
    char *copy = xmalloc(n + 1);
    memcpy(copy, v, n);
    *a = (struct tar_xattr){name, copy, n, weak};
    return 0;
}

/* %XX as libarchive encodes attribute names. */
static char *url_decode(const char *s)
{
    char *out = xmalloc(strlen(s) + 1), *o = out;
    for (; *s; s++) {
        if (*s == '%' && isxdigit((unsigned char)s[1]) && isxdigit((unsigned char)s[2])) {
            char hex[3] = {s[1], s[2], 0};
            *o++ = (char)strtol(hex, NULL, 16);
            s += 2;
        } else {
            *o++ = *s;
        }
    }
    *o = '\0';
    return out;
}

static size_t base64_decode(const char *v, size_t n, char *out)
{
    static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t acc = 0;
    int bits = 0;
    size_t len = 0;
    for (size_t i = 0; i < n && v[i] != '='; i++) {
        const char *c = v[i] ? strchr(set, v[i]) : NULL;
        if (!c)
            continue;
        acc = acc << 6 | (uint32_t)(c - set);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[len++] = (char)(acc >> bits & 0xff);
        }
    }
    return len;
}

static int xattr(struct pax *x, const char *key, const char *v, size_t n)
{
    if (str_starts(key, SCHILY))
        return add_xattr(x, xstrdup(key + strlen(SCHILY)), v, n, false);
    char *value = xmalloc(n + 1);
    size_t len = base64_decode(v, n, value);
    int r = add_xattr(x, url_decode(key + strlen(LIBARCHIVE)), value, len, true);
    free(value);
    return r;
}

/* Versions 0.0 (a record per number) and 0.1 (one list); offset and length must alternate. */
static int sparse_record(struct pax *x, const char *key, const char *v)
{
    const char *k = key + strlen("GNU.sparse.");
    if (strcmp(k, "offset") == 0 || strcmp(k, "numbytes") == 0) {
        size_t commas = 0;
        for (size_t i = 0; i < x->map.len; i++)
            commas += x->map.s[i] == ',';
        if (*k != (commas % 2 == 0 ? 'o' : 'n') || strchr(v, ','))
            return -1;
        buf_addf(&x->map, "%s,", v);
        x->has_map = true;
    } else if (strcmp(k, "map") == 0) {
        buf_clear(&x->map);
        buf_adds(&x->map, v);
        x->has_map = true;
    } else if (strcmp(k, "name") == 0) {
        buf_clear(&x->sparse_name);
        buf_adds(&x->sparse_name, v);
    } else if (strcmp(k, "major") == 0) {
        return number(v, &x->major);
    } else if (strcmp(k, "minor") == 0) {
        return number(v, &x->minor);
    } else if (strcmp(k, "realsize") == 0 || (strcmp(k, "size") == 0 && !x->has_real)) {
        x->has_real = true;
        return number(v, &x->real);
    }
    return 0;
}

static void set_text(struct buf *b, const char *v)
{
    buf_clear(b);
    buf_adds(b, v);
}

/* One record; v is NUL-terminated, n its length. */
static int record(struct pax *x, const char *key, const char *v, size_t n)
{
    bool text = strcmp(key, "path") == 0 || strcmp(key, "linkpath") == 0 ||
                strcmp(key, "uname") == 0 || strcmp(key, "gname") == 0;
    if (text && strlen(v) != n)
        return -1;
    if (str_starts(key, SCHILY) || str_starts(key, LIBARCHIVE))
        return xattr(x, key, v, n);
    if (n == 0)
        return 0; /* keeps what the header says */
    if (str_starts(key, "GNU.sparse."))
        return sparse_record(x, key, v);
    if (strcmp(key, "path") == 0)
        set_text(&x->path, v);
    else if (strcmp(key, "linkpath") == 0)
        set_text(&x->link, v);
    else if (strcmp(key, "size") == 0)
        return x->has_size = true, number(v, &x->size);
    else if (strcmp(key, "uid") == 0)
        return x->has_uid = true, number(v, &x->uid);
    else if (strcmp(key, "gid") == 0)
        return x->has_gid = true, number(v, &x->gid);
    else if (strcmp(key, "mtime") == 0)
        return x->has_mtime = true, timestamp(v, &x->mtime, &x->mtime_ns);
    return 0;
}

int pax_parse(struct pax *x, const char *p, size_t n, struct err *e)
{
    cleanup(buf_free) struct buf rec = BUF_INIT;
    while (n > 0) {
        size_t digits = 0, len = 0;
        while (digits < n && digits < 8 && isdigit((unsigned char)p[digits]))
            len = len * 10 + (size_t)(p[digits++] - '0');
        if (digits == 0 || digits + 2 > n || p[digits] != ' ' || len < digits + 3 || len > n ||
            p[len - 1] != '\n')
            return tar_invalid(e);
        buf_clear(&rec);
        buf_add(&rec, p + digits + 1, len - digits - 2);
        char *eq = memchr(rec.s, '=', rec.len);
        if (!eq || eq == rec.s || memchr(rec.s, '\0', (size_t)(eq - rec.s)))
            return tar_invalid(e);
        *eq = '\0';
        if (record(x, rec.s, eq + 1, rec.len - (size_t)(eq + 1 - rec.s)))
            return tar_invalid(e);
        p += len;
        n -= len;
    }
    return 0;
}

static void take_text(struct buf *to, const struct buf *from)
{
    if (from->len == 0)
        return;
    buf_clear(to);
    buf_add(to, from->s, from->len);
}

int pax_apply(struct pax *x, struct tar_entry *en, struct err *e)
{
    take_text(&en->name, &x->path);
    take_text(&en->link, &x->link);
    if (x->has_uid)
        en->uid = x->uid;
    if (x->has_gid)
        en->gid = x->gid;
    if (x->has_mtime) {
        en->mtime = x->mtime;
        en->mtime_ns = x->mtime_ns;
    }
    if (x->has_size && x->size < 0)
        return tar_invalid(e);
    en->xattrs = x->xattrs;
    en->nxattrs = x->nxattrs;
    x->xattrs = NULL;
    x->nxattrs = 0;
    return 0;
}
