#include "split.h"

#include "gzout.h"
#include "plain/buf.h"
#include "plain/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <isa-l/crc64.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEGMENT_MAX ((size_t)1 << 20)
/* Beyond these a layer with replaced entries is refused; one without them has no limit. */
#define LINES_MAX     ((uint64_t)2 << 20)
#define FORGOTTEN_MAX 16384

struct split {
    int fd, stash;
    struct gzout *z;
    struct buf raw;
    uint64_t position;
    /* hash of the path of each type 1 line; 0 once forgotten */
    uint64_t *lines, nlines;
    struct forgotten *gone;
    size_t ngone;
    uint64_t stashed;
};

struct split *split_new(int fd)
{
    struct split *s = xcalloc(1, sizeof *s);
    s->fd = fd;
    s->stash = -1;
    s->z = gzout_new(fd);
    return s;
}

void split_segment(struct gzout *z, const void *p, size_t n, uint64_t position)
{
    static const char head[] = "{\"type\":2,\"payload\":\"";
    char tail[48];
    gzout_add(z, head, sizeof head - 1);
    gzout_base64(z, p, n);
    int k = snprintf(tail, sizeof tail, "\",\"position\":%llu}\n", (unsigned long long)position);
    gzout_add(z, tail, (size_t)k);
}

static void flush_raw(struct split *s)
{
    if (s->raw.len == 0)
        return;
    split_segment(s->z, s->raw.s, s->raw.len, s->position++);
    buf_clear(&s->raw);
}

void split_raw(struct split *s, const void *p, size_t n)
{
    if (!s)
        return;
    const char *c = p;
    while (n > 0) {
        size_t k = SEGMENT_MAX - s->raw.len < n ? SEGMENT_MAX - s->raw.len : n;
        buf_add(&s->raw, c, k);
        c += k;
        n -= k;
        if (s->raw.len == SEGMENT_MAX)
            flush_raw(s);
    }
}

uint64_t split_crc(uint64_t crc, const void *p, size_t n)
{
#if defined(__x86_64__) || defined(__i386__)
    /* ISA-L 2.30 looks for SSE 4.2 only before it multiplies carry-less: SIGILL on a Nehalem */
    if (!__builtin_cpu_supports("pclmul"))
        return crc64_iso_refl_base(crc, p, n);
#endif
    return crc64_iso_refl(crc, p, n);
}

/* Length of the UTF-8 sequence at s, 0 when it is none (as Go's unicode/utf8 sees it). */
static size_t utf8_len(const unsigned char *s)
{
    if (s[0] < 0x80)
        return 1;
    size_t n = s[0] >= 0xc2 && s[0] <= 0xdf ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 : 4;
    if (s[0] < 0xc2 || s[0] > 0xf4)
        return 0;
    unsigned char lo = 0x80, hi = 0xbf;
    if (s[0] == 0xe0)
        lo = 0xa0;
    else if (s[0] == 0xed)
        hi = 0x9f;
    else if (s[0] == 0xf0)
        lo = 0x90;
    else if (s[0] == 0xf4)
        hi = 0x8f;
    if (s[1] < lo || s[1] > hi)
        return 0;
    for (size_t i = 2; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

static int is_utf8(const char *name)
{
    const unsigned char *s = (const unsigned char *)name;
    while (*s) {
        size_t n = utf8_len(s);
        if (n == 0)
            return 0;
        s += n;
    }
    return 1;
}

static void add_name(struct gzout *z, const char *name)
{
    if (!is_utf8(name)) {
        gzout_add(z, "\"name_raw\":\"", 12);
        gzout_base64(z, name, strlen(name));
        return;
    }
    gzout_add(z, "\"name\":\"", 8);
    for (const char *c = name; *c;) {
        size_t n = 0;
        while ((unsigned char)c[n] >= ' ' && c[n] != '"' && c[n] != '\\')
            n++;
        gzout_add(z, c, n);
        c += n;
        if (*c) {
            char esc[8];
            gzout_add(z, esc, (size_t)snprintf(esc, sizeof esc, "\\u%04x", *c++));
        }
    }
}

static uint64_t hash_path(const char *path)
{
    uint64_t h = 0xcbf29ce484222325U; /* FNV-1a */
    for (; *path; path++)
        h = (h ^ (unsigned char)*path) * 0x100000001b3U;
    return h ? h : 1;
}

static void remember(struct split *s, const char *path)
{
    if (s->nlines < LINES_MAX) {
        if ((s->nlines & (s->nlines - 1)) == 0 && (s->nlines == 0 || s->nlines >= 1024))
            s->lines = xrealloc(s->lines, (s->nlines ? 2 * s->nlines : 1024) * sizeof *s->lines);
        s->lines[s->nlines] = hash_path(path);
    }
    s->nlines++;
}

void split_file(struct split *s, const char *name, const char *path, uint64_t size, uint64_t crc)
{
    if (!s)
        return;
    flush_raw(s);
    remember(s, path);
    gzout_add(s->z, "{\"type\":1,", 10);
    add_name(s->z, name);
    char tail[96];
    int n;
    if (size > 0) {
        unsigned char be[8];
        for (int i = 0; i < 8; i++)
            be[i] = (unsigned char)(crc >> (56 - 8 * i));
        n = snprintf(tail, sizeof tail, "\",\"size\":%llu,\"payload\":\"",
                     (unsigned long long)size);
        gzout_add(s->z, tail, (size_t)n);
        gzout_base64(s->z, be, sizeof be);
        n = snprintf(tail, sizeof tail, "\",\"position\":%llu}\n", (unsigned long long)s->position);
    } else {
        n = snprintf(tail, sizeof tail, "\",\"payload\":null,\"position\":%llu}\n",
                     (unsigned long long)s->position);
    }
    gzout_add(s->z, tail, (size_t)n);
    s->position++;
}

/* Copies fd behind what the stash has. */
static int stash(struct split *s, int fd, uint64_t *ret_len)
{
    if (s->stash < 0)
        s->stash = open("/", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (s->stash < 0)
        return -1;
    char chunk[16384];
    ssize_t n;
    *ret_len = 0;
    while ((n = read(fd, chunk, sizeof chunk)) > 0) {
        if (fd_write_all(s->stash, chunk, (size_t)n) < 0)
            return -1;
        *ret_len += (uint64_t)n;
    }
    return n < 0 ? -1 : 0;
}

int split_forget(struct split *s, const char *path, int fd, struct err *e)
{
    if (!s)
        return 0;
    if (s->nlines > LINES_MAX || s->ngone == FORGOTTEN_MAX)
        return err_set(e, 0, "too many duplicates of file paths in the layer");
    uint64_t h = hash_path(path), i = s->nlines;
    while (i > 0 && s->lines[i - 1] != h)
        i--;
    if (i == 0)
        return 0; /* no line names it */
    s->lines[i - 1] = 0;
    struct forgotten f = {.line = i - 1, .at = s->stashed};
    if (fd >= 0 && stash(s, fd, &f.len) < 0)
        return err_sys(e, "keeping a replaced file of the layer");
    s->stashed += f.len;
    if ((s->ngone & (s->ngone - 1)) == 0)
        s->gone = xrealloc(s->gone, (s->ngone ? 2 * s->ngone : 1) * sizeof *s->gone);
    s->gone[s->ngone++] = f;
    return 0;
}

static int by_line(const void *a, const void *b)
{
    const struct forgotten *x = a, *y = b;
    return (x->line > y->line) - (x->line < y->line);
}

int split_end(struct split *s, struct err *e)
{
    if (!s)
        return 0;
    flush_raw(s);
    int r = 0;
    errno = gzout_end(s->z);
    if (errno)
        r = err_sys(e, "writing tar-split");
    if (r == 0 && s->ngone > 0) {
        qsort(s->gone, s->ngone, sizeof *s->gone, by_line);
        r = split_rewrite(s->fd, s->stash, s->gone, s->ngone, e);
    }
    if (s->stash >= 0)
        close(s->stash);
    buf_free(&s->raw);
    free(s->lines);
    free(s->gone);
    free(s);
    return r;
}
