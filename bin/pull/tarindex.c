/*
 * What is where in an archive: names, offsets and sizes of its plain files and links, read once.
 * Only headers are looked at. The archive is a stranger's: sizes, counts and names are bounded,
 * and an offset never points behind the end.
 */
#include "pull.h"

#include "plain/fdio.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 512, MAX_ENTRIES = 100000, MAX_NAME = 4096, MAX_EXTRA = 1 << 20, MAX_HOPS = 16 };

struct entry {
    char *name, *link; /* link: NULL for a plain file */
    int64_t offset, size;
    size_t number;
};

struct tarindex {
    struct entry *v;
    size_t n, cap;
};

struct reader {
    int fd;
    const char *what;
    int64_t at, end;
    char *name, *link; /* from extension headers, for the next entry */
    int64_t size;      /* likewise, -1: none */
    struct tarindex *t;
    struct err *e;
};

static int broken(struct reader *r, const char *why)
{
    return err_set(r->e, 0, "reading archive \"%s\": %s (at offset %lld)", r->what, why,
                   (long long)r->at);
}

static int read_at(struct reader *r, void *p, size_t n, int64_t at)
{
    size_t got = 0;
    while (got < n) {
        ssize_t k = pread(r->fd, (char *)p + got, n - got, at + (int64_t)got);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return err_sys(r->e, "reading archive \"%s\"", r->what);
        if (k == 0)
            return broken(r, "unexpected EOF");
        got += (size_t)k;
    }
    return 0;
}

/* Octal digits, or GNU's base 256 where the first bit is set; -1 when it is neither. */
static int64_t number(const unsigned char *p, size_t n)
{
    uint64_t v = 0;
    if (p[0] & 0x80) {
        for (size_t i = 0; i < n; i++) {
            if (v >> 55)
                return -1;
            v = v << 8 | (i ? p[i] : p[i] & 0x7fU);
        }
        return (int64_t)v;
    }
    while (n && *p == ' ')
        p++, n--;
    for (; n && *p >= '0' && *p <= '7'; p++, n--) {
        if (v >> 59)
            return -1;
        v = v << 3 | (unsigned)(*p - '0');
    }
    return n && *p && *p != ' ' ? -1 : (int64_t)v;
}

static bool checksum_ok(const unsigned char *h)
{
    int64_t sum = 0;
    for (size_t i = 0; i < BLOCK; i++)
        sum += i >= 148 && i < 156 ? ' ' : h[i];
    return number(h + 148, 8) == sum;
}

/* "./a//b" → "a/b": archives of the same thing differ in this only. */
static char *clean_name(const char *s)
{
    struct buf b = BUF_INIT;
    while (*s) {
        size_t n = strcspn(s, "/");
        if (n && !(n == 1 && *s == '.')) {
            if (b.len)
                buf_addc(&b, '/');
            buf_add(&b, s, n);
        }
        s += n + (s[n] == '/');
    }
    return buf_take(&b);
}

static void replace(char **at, char *with)
{
    free(*at);
    *at = with;
}

static char *header_name(const char *h)
{
    char *name = xstrndup(h, 100);
    if (memcmp(h + 257, "ustar", 6) != 0 || !h[345])
        return name;
    char *prefix = xstrndup(h + 345, 155);
    char *full = xasprintf("%s/%s", prefix, name);
    free(prefix);
    free(name);
    return full;
}

/* "LENGTH KEY=VALUE\n" …: path, linkpath and size are what matters here. */
static int read_pax(struct reader *r, char *p, size_t n)
{
    while (n > 0 && *p) {
        char *blank = memchr(p, ' ', n), *end;
        unsigned long len = strtoul(p, &end, 10);
        if (!blank || end != blank || len > n || len < (size_t)(blank - p) + 3 ||
            p[len - 1] != '\n')
            return broken(r, "invalid extended header");
        p[len - 1] = '\0';
        char *key = blank + 1, *value = strchr(key, '=');
        if (!value)
            return broken(r, "invalid extended header");
        *value++ = '\0';
        if (strcmp(key, "path") == 0)
            replace(&r->name, xstrdup(value));
        else if (strcmp(key, "linkpath") == 0)
            replace(&r->link, xstrdup(value));
        else if (strcmp(key, "size") == 0 && str_i64(value, 0, INT64_MAX / 2, &r->size) < 0)
            return broken(r, "invalid size in an extended header");
        else if (str_starts(key, "GNU.sparse."))
            return broken(r, "sparse files are not supported");
        p += len;
        n -= len;
    }
    return 0;
}

static int read_extension(struct reader *r, char type, int64_t size)
{
    if (type == 'g')
        return 0;
    if (size > MAX_EXTRA)
        return broken(r, "extended header is too long");
    cleanup_free char *p = xcalloc((size_t)size + 1, 1);
    if (read_at(r, p, (size_t)size, r->at) < 0)
        return -1;
    if (type == 'x')
        return read_pax(r, p, (size_t)size);
    replace(type == 'L' ? &r->name : &r->link, xstrdup(p));
    return 0;
}

/* A relative link is seen from its own directory; a hard link from the top. */
static char *link_target(const char *name, const char *link, bool hard)
{
    const char *slash = strrchr(name, '/');
    struct strv part = STRV_INIT;
    struct buf b = BUF_INIT;
    cleanup_free char *joined = hard || *link == '/' || !slash
                                    ? xstrdup(link)
                                    : xasprintf("%.*s/%s", (int)(slash - name), name, link);
    strv_split(&part, joined, '/');
    for (size_t i = 0; i < part.n; i++) {
        if (!*part.v[i] || strcmp(part.v[i], ".") == 0)
            continue;
        if (strcmp(part.v[i], "..") == 0) {
            char *up = b.len ? strrchr(b.s, '/') : NULL;
            b.len = up ? (size_t)(up - b.s) : 0;
            if (b.s)
                b.s[b.len] = '\0';
            continue;
        }
        if (b.len)
            buf_addc(&b, '/');
        buf_adds(&b, part.v[i]);
    }
    strv_free(&part);
    return buf_take(&b);
}

static int add_entry(struct reader *r, const char *h, char type, int64_t size)
{
    struct tarindex *t = r->t;
    bool link = type == '1' || type == '2';
    if (t->n == MAX_ENTRIES)
        return broken(r, "too many entries");
    cleanup_free char *raw = r->name ? xstrdup(r->name) : header_name(h);
    cleanup_free char *to = r->link ? xstrdup(r->link) : xstrndup(h + 157, 100);
    if (strlen(raw) > MAX_NAME || strlen(to) > MAX_NAME)
        return broken(r, "name is too long");
    if (t->n == t->cap) {
        t->cap = t->cap ? 2 * t->cap : 64;
        t->v = xrealloc(t->v, t->cap * sizeof *t->v);
    }
    char *name = clean_name(raw);
    t->v[t->n] = (struct entry){.name = name,
                                .link = link ? link_target(name, to, type == '1') : NULL,
                                .offset = r->at,
                                .size = link ? 0 : size,
                                .number = t->n};
    t->n++;
    return 0;
}

/* One header. 1: the end of the archive. */
static int read_entry(struct reader *r)
{
    char h[BLOCK];
    static const char zero[BLOCK];
    if (r->end - r->at < BLOCK)
        return r->end == r->at && r->t->n ? 1 : broken(r, "unexpected EOF");
    if (read_at(r, h, BLOCK, r->at) < 0)
        return -1;
    if (memcmp(h, zero, BLOCK) == 0)
        return 1;
    int64_t size = number((unsigned char *)h + 124, 12);
    char type = h[156];
    if (!checksum_ok((unsigned char *)h) || size < 0)
        return broken(r, "this is not a tar archive, or it is damaged");
    bool extension = type == 'x' || type == 'g' || type == 'L' || type == 'K';
    r->at += BLOCK;
    if (!extension && r->size >= 0)
        size = r->size;
    bool body = extension || type == '0' || type == '\0' || type == '7';
    if (type == '1' || type == '2' || type == '5')
        size = 0;
    if (size > r->end - r->at)
        return broken(r, "unexpected EOF");
    if (extension) {
        if (read_extension(r, type, size) < 0)
            return -1;
    } else {
        if ((body || type == '1' || type == '2') && add_entry(r, h, type, size) < 0)
            return -1;
        replace(&r->name, NULL);
        replace(&r->link, NULL);
        r->size = -1;
    }
    r->at += (size + BLOCK - 1) / BLOCK * BLOCK;
    if (r->at > r->end)
        r->at = r->end;
    return 0;
}

/* Sorted by name; of equal names the last one in the archive counts, as when unpacked. */
static int by_name(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int c = strcmp(x->name, y->name);
    return c ? c : (x->number < y->number) - (x->number > y->number);
}

int tarindex_read(int fd, const char *what, struct tarindex **ret, struct err *e)
{
    struct stat st;
    struct tarindex *t = xcalloc(1, sizeof *t);
    if (fstat(fd, &st) < 0) {
        free(t);
        return err_sys(e, "reading archive \"%s\"", what);
    }
    struct reader r = {.fd = fd, .what = what, .end = st.st_size, .size = -1, .t = t, .e = e};
    int res;
    while ((res = read_entry(&r)) == 0 && !interrupted)
        ;
    free(r.name);
    free(r.link);
    if (res < 0) {
        tarindex_free(t);
        return -1;
    }
    if (t->n)
        qsort(t->v, t->n, sizeof *t->v, by_name);
    *ret = t;
    return 0;
}

void tarindex_free(struct tarindex *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->n; i++) {
        free(t->v[i].name);
        free(t->v[i].link);
    }
    free(t->v);
    free(t);
}

static const struct entry *lookup(const struct tarindex *t, const char *name)
{
    size_t lo = 0, hi = t->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (strcmp(t->v[mid].name, name) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < t->n && strcmp(t->v[lo].name, name) == 0 ? &t->v[lo] : NULL;
}

bool tarindex_find(const struct tarindex *t, const char *name, int64_t *offset, int64_t *size)
{
    cleanup_free char *clean = clean_name(name);
    const struct entry *en = lookup(t, clean);
    for (int hops = 0; en && en->link && hops < MAX_HOPS; hops++)
        en = lookup(t, en->link);
    if (!en || en->link)
        return false;
    *offset = en->offset;
    *size = en->size;
    return true;
}
