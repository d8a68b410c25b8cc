/* The second pass over a tar-split whose archive has entries that replaced earlier ones. */
#include "gzout.h"
#include "plain/buf.h"
#include "plain/fdio.h"
#include "split.h"

#include <errno.h>
#include <fcntl.h>
#include <isa-l/igzip_lib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK ((size_t)64 << 10)

struct fix {
    struct gzout *z;
    int stash;
    const struct forgotten *next, *end;
    uint64_t line, position;
    struct buf text; /* a line so far */
};

/* The kept contents as raw segments. */
static int put_back(struct fix *f, const struct forgotten *g)
{
    cleanup_free char *chunk = xmalloc(CHUNK * 3);
    uint64_t at = g->at, end = g->at + g->len;
    while (at < end) {
        size_t want = end - at < CHUNK * 3 ? (size_t)(end - at) : CHUNK * 3;
        ssize_t n = pread(f->stash, chunk, want, (off_t)at);
        if (n <= 0)
            return -1;
        split_segment(f->z, chunk, (size_t)n, f->position++);
        at += (uint64_t)n;
    }
    return 0;
}

/* Our own lines: {"type":T, first and ,"position":N} last. */
static int fix_line(struct fix *f, char *s, size_t n)
{
    static const char pos[] = ",\"position\":";
    if (strncmp(s, "{\"type\":1,", 10) == 0) {
        uint64_t line = f->line++;
        if (f->next < f->end && f->next->line == line)
            return put_back(f, f->next++);
    }
    while (n > 0 && s[n - 1] != ',')
        n--;
    char tail[48];
    gzout_add(f->z, s, n - 1);
    int k = snprintf(tail, sizeof tail, "%s%llu}\n", pos, (unsigned long long)f->position++);
    gzout_add(f->z, tail, (size_t)k);
    return 0;
}

static int fix_text(struct fix *f, const char *p, size_t n)
{
    while (n > 0) {
        const char *nl = memchr(p, '\n', n);
        size_t k = nl ? (size_t)(nl - p) : n;
        buf_add(&f->text, p, k);
        if (!nl)
            return 0;
        if (fix_line(f, f->text.s, f->text.len))
            return -1;
        buf_clear(&f->text);
        p += k + 1;
        n -= k + 1;
    }
    return 0;
}

static int fix_all(struct fix *f, int fd)
{
    cleanup_free unsigned char *in = xmalloc(CHUNK);
    cleanup_free unsigned char *out = xmalloc(CHUNK);
    cleanup_free struct inflate_state *st = xmalloc(sizeof *st);
    isal_inflate_init(st);
    st->crc_flag = ISAL_GZIP;
    ssize_t n;
    while (st->block_state != ISAL_BLOCK_FINISH && (n = read(fd, in, CHUNK)) > 0) {
        st->next_in = in;
        st->avail_in = (uint32_t)n;
        do {
            st->next_out = out;
            st->avail_out = CHUNK;
            if (isal_inflate(st) != ISAL_DECOMP_OK) {
                errno = EIO;
                return -1;
            }
            if (fix_text(f, (char *)out, CHUNK - st->avail_out))
                return -1;
        } while (st->avail_out == 0 || (st->avail_in > 0 && st->block_state != ISAL_BLOCK_FINISH));
    }
    return 0;
}

static int copy_over(int from, int to)
{
    cleanup_free char *chunk = xmalloc(CHUNK);
    ssize_t n;
    if (lseek(from, 0, SEEK_SET) < 0 || lseek(to, 0, SEEK_SET) < 0 || ftruncate(to, 0) < 0)
        return -1;
    while ((n = read(from, chunk, CHUNK)) > 0)
        if (fd_write_all(to, chunk, (size_t)n) < 0)
            return -1;
    return n < 0 ? -1 : 0;
}

int split_rewrite(int fd, int stash, const struct forgotten *g, size_t n, struct err *e)
{
    cleanup_fd int tmp = open("/", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (tmp < 0 || lseek(fd, 0, SEEK_SET) < 0)
        return err_sys(e, "rewriting tar-split");
    struct fix f = {.z = gzout_new(tmp), .stash = stash, .next = g, .end = g + n};
    int r = fix_all(&f, fd), sys = r ? errno : 0;
    int wsys = gzout_end(f.z);
    buf_free(&f.text);
    errno = sys ? sys : wsys;
    if (errno || copy_over(tmp, fd) < 0)
        return err_sys(e, "rewriting tar-split");
    return 0;
}
