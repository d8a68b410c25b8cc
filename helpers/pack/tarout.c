#include "tarout.h"

#include "plain/fdio.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define BLOCK       512
#define RECORD      10240 /* an archive is a multiple of it */
#define OCTAL7_MAX  07777777
#define OCTAL11_MAX 077777777777LL

struct ustar {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], check[8], type, link[100],
        magic[8], uname[32], gname[32], major[8], minor[8], prefix[155], unused[12];
};
_Static_assert(sizeof(struct ustar) == BLOCK, "a header is a block");

static int put(struct tarout *t, const void *p, size_t n)
{
    const char *at = p;
    while (n) {
        size_t some = sizeof t->held - t->n < n ? sizeof t->held - t->n : n;
        memcpy(t->held + t->n, at, some);
        t->n += some;
        at += some;
        n -= some;
        if (t->n == sizeof t->held) {
            if (fd_write_all(t->fd, t->held, t->n) < 0)
                return -1;
            t->n = 0;
        }
    }
    return 0;
}

static int zeros(struct tarout *t, uint64_t n)
{
    static const char none[4096];
    for (; n > sizeof none; n -= sizeof none)
        if (put(t, none, sizeof none) < 0)
            return -1;
    return put(t, none, (size_t)n);
}

static size_t padding(uint64_t size)
{
    return (size_t)(-size & (BLOCK - 1));
}

/* The number of digits of a record's length counts for the length. */
void tarout_pax(struct buf *b, const char *key, const void *value, size_t len)
{
    size_t rest = strlen(key) + len + 3, total = rest, last;
    do {
        last = total;
        total = rest + (size_t)snprintf(NULL, 0, "%zu", last);
    } while (total != last);
    buf_addf(b, "%zu %s=", total, key);
    buf_add(b, value, len);
    buf_addc(b, '\n');
}

static void pax_number(struct buf *b, const char *key, long long n)
{
    char text[32];
    int len = snprintf(text, sizeof text, "%lld", n);
    tarout_pax(b, key, text, (size_t)len);
}

/* Numbers that do not fit their field go to the pax records. */
static void octal(char *field, size_t size, long long n, long long max, const char *key,
                  struct buf *pax)
{
    bool fits = n >= 0 && n <= max;
    if (!fits)
        pax_number(pax, key, n);
    snprintf(field, size, "%0*llo", (int)size - 1, fits ? (unsigned long long)n : 0);
}

static void text(char *field, size_t size, const char *s, const char *key, struct buf *pax)
{
    size_t len = strlen(s);
    if (len > size)
        tarout_pax(pax, key, s, len);
    memcpy(field, s, len > size ? size : len);
}

static int put_block(struct tarout *t, struct ustar *h)
{
    unsigned sum = 0;
    memcpy(h->magic, "ustar\00000", sizeof h->magic);
    memset(h->check, ' ', sizeof h->check);
    for (size_t i = 0; i < BLOCK; i++)
        sum += ((unsigned char *)h)[i];
    snprintf(h->check, sizeof h->check, "%06o", sum);
    return put(t, h, BLOCK);
}

static int put_pax(struct tarout *t, const struct buf *pax)
{
    struct ustar h = {.name = "PaxHeaders.0/entry",
                      .mode = "0000644",
                      .uid = "0000000",
                      .gid = "0000000",
                      .mtime = "00000000000",
                      .type = 'x'};
    snprintf(h.size, sizeof h.size, "%011zo", pax->len);
    return put_block(t, &h) < 0 || put(t, pax->s, pax->len) < 0 || zeros(t, padding(pax->len)) < 0
               ? -1
               : 0;
}

int tarout_header(struct tarout *t, const struct tarout_entry *en)
{
    struct ustar h = {.type = en->type};
    cleanup(buf_free) struct buf pax = BUF_INIT;
    cleanup(buf_free) struct buf name = BUF_INIT;
    const struct stat *st = en->st;
    bool dev = en->type == '3' || en->type == '4';
    buf_addf(&name, "%s%s", en->name, en->type == '5' ? "/" : "");
    text(h.name, sizeof h.name, name.s, "path", &pax);
    text(h.link, sizeof h.link, en->link ? en->link : "", "linkpath", &pax);
    snprintf(h.mode, sizeof h.mode, "%07o", st->st_mode & 07777U);
    octal(h.uid, sizeof h.uid, st->st_uid, OCTAL7_MAX, "uid", &pax);
    octal(h.gid, sizeof h.gid, st->st_gid, OCTAL7_MAX, "gid", &pax);
    octal(h.size, sizeof h.size, en->type == '0' ? st->st_size : 0, OCTAL11_MAX, "size", &pax);
    octal(h.mtime, sizeof h.mtime, st->st_mtim.tv_sec, OCTAL11_MAX, "mtime", &pax);
    octal(h.major, sizeof h.major, dev ? major(st->st_rdev) : 0, OCTAL7_MAX, "", &pax);
    octal(h.minor, sizeof h.minor, dev ? minor(st->st_rdev) : 0, OCTAL7_MAX, "", &pax);
    if (en->pax.len)
        buf_add(&pax, en->pax.s, en->pax.len);
    return (pax.len && put_pax(t, &pax) < 0) ? -1 : put_block(t, &h);
}

int tarout_file(struct tarout *t, int fd, uint64_t size)
{
    uint64_t left = size;
    while (left) {
        if (t->n == sizeof t->held) {
            if (fd_write_all(t->fd, t->held, t->n) < 0)
                return -1;
            t->n = 0;
        }
        size_t room = sizeof t->held - t->n;
        ssize_t got = read(fd, t->held + t->n, left < room ? (size_t)left : room);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        t->n += (size_t)got;
        left -= (uint64_t)got;
    }
    return zeros(t, left + padding(size));
}

int tarout_end(struct tarout *t)
{
    if (zeros(t, 2 * BLOCK) < 0)
        return -1;
    return fd_write_all(t->fd, t->held, t->n);
}
