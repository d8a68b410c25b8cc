/*
 * The k8s-file format: «TIME STREAM F|P TEXT»; P marks a line whose newline has not come yet.
 * Lines are written many at once, in whole lines. A file above its limit moves to NAME.1, that one
 * to NAME.2 and so on, and begins anew.
 */
#include "mon.h"

#include "plain/fdio.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CHUNK (64 << 10) /* no write(2) is longer */

static int reopen(struct log *l)
{
    struct stat st;
    l->fd = open(l->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (l->fd < 0)
        return -1;
    l->size = fstat(l->fd, &st) == 0 ? st.st_size : 0;
    return 0;
}

int log_open(struct log *l, const char *path, int64_t max, int64_t files, struct err *e)
{
    *l = (struct log){.fd = -1, .path = path, .max = max, .files = files > 0 ? files : 2};
    if (path && reopen(l) < 0)
        return err_sys(e, "cannot open log \"%s\"", path);
    return 0;
}

/* NAME.1 becomes NAME.2, as far as so many files may be, and NAME becomes NAME.1. */
static void rotate(struct log *l)
{
    close(l->fd);
    for (int64_t age = l->files - 1; age > 0; age--) {
        cleanup_free char *to = xasprintf("%s.%lld", l->path, (long long)age);
        cleanup_free char *from =
            age > 1 ? xasprintf("%s.%lld", l->path, (long long)age - 1) : xstrdup(l->path);
        rename(from, to);
    }
    if (l->files <= 1)
        unlink(l->path); /* who reads it reads on */
    reopen(l);
}

/* All lines of one read have one time. The tag, F or P, is the last but one of what is returned. */
static size_t make_prefix(char *prefix, size_t size, bool is_err)
{
    struct timespec ts;
    struct tm tm;
    char day[32], zone[8];
    clock_gettime(CLOCK_REALTIME, &ts);
    localtime_r(&ts.tv_sec, &tm);
    strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm);
    strftime(zone, sizeof zone, "%z", &tm);
    return (size_t)snprintf(prefix, size, "%s.%09ld%.3s:%.2s %s F ", day, ts.tv_nsec, zone,
                            zone + 3, is_err ? "stderr" : "stdout");
}

/* A full disk must not stop the container: what does not fit is lost, in whole lines. */
static void flush(struct log *l, struct buf *b)
{
    if (l->fd >= 0 && fd_write_all(l->fd, buf_str(b), b->len) == 0)
        l->size += (int64_t)b->len;
    else if (l->fd >= 0)
        (void)!ftruncate(l->fd, l->size);
    buf_clear(b);
}

void log_write(struct log *l, bool is_err, const char *p, size_t n)
{
    char prefix[64];
    if (l->fd < 0 || n == 0)
        return;
    cleanup(buf_free) struct buf b = BUF_INIT;
    size_t prefix_len = make_prefix(prefix, sizeof prefix, is_err);
    buf_reserve(&b, n < CHUNK / 2 ? n + CHUNK / 8 : CHUNK);
    while (n > 0) {
        const char *nl = memchr(p, '\n', n);
        size_t len = nl ? (size_t)(nl - p) : n;
        int64_t before = l->size + (int64_t)b.len;
        if (l->max > 0 && before > 0 && before + (int64_t)(prefix_len + len + 1) > l->max) {
            flush(l, &b);
            rotate(l);
        } else if (b.len + prefix_len + len + 1 > CHUNK) {
            flush(l, &b);
        }
        prefix[prefix_len - 2] = nl ? 'F' : 'P';
        buf_add(&b, prefix, prefix_len);
        buf_add(&b, p, len);
        buf_addc(&b, '\n');
        l->midline[is_err] = !nl;
        p += len + (nl != NULL);
        n -= len + (nl != NULL);
    }
    flush(l, &b);
}

void log_end(struct log *l)
{
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
}
