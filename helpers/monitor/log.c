/*
 * The k8s-file format: «TIME STREAM F|P TEXT»; P marks a line whose newline has not come yet.
 * Lines are written many at once, in whole lines. A file above its limit moves to NAME.1, that one
 * to NAME.2 and so on, and begins anew.
 */
#include "mon.h"

#include "plain/fdio.h"
#include "words/attach.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PREFIX_ROOM 64

/* What is to be written. Memory that is asked for anew would come as pages to be cleared first. */
static char chunk[PREFIX_ROOM + 2 * ATTACH_MAX];
static size_t chunk_len;

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
    *l = (struct log){
        .fd = -1, .journal = -1, .path = path, .max = max, .files = files > 0 ? files : 2};
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
        unlink(to); /* ext4 writes a file to disk that is renamed over another one */
        rename(from, to);
    }
    if (l->files <= 1)
        unlink(l->path); /* who reads it reads on */
    reopen(l);
}

/* All lines of one read have one time. The tag, F or P, is the last but one of what is returned. */
static size_t make_prefix(char prefix[PREFIX_ROOM], bool is_err)
{
    struct timespec ts;
    struct tm tm;
    char day[32], zone[8];
    clock_gettime(CLOCK_REALTIME, &ts);
    localtime_r(&ts.tv_sec, &tm);
    strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm);
    strftime(zone, sizeof zone, "%z", &tm);
    return (size_t)snprintf(prefix, PREFIX_ROOM, "%s.%09ld%.3s:%.2s %s F ", day, ts.tv_nsec, zone,
                            zone + 3, is_err ? "stderr" : "stdout");
}

/* A full disk must not stop the container: what does not fit is lost, in whole lines. */
static void flush(struct log *l)
{
    if (l->fd >= 0 && fd_write_all(l->fd, chunk, chunk_len) == 0)
        l->size += (int64_t)chunk_len;
    else if (l->fd >= 0)
        (void)!ftruncate(l->fd, l->size);
    chunk_len = 0;
}

void log_write(struct log *l, bool is_err, const char *p, size_t n)
{
    char prefix[PREFIX_ROOM] = "";
    if (l->fields)
        journald_write(l, is_err, p, n);
    if (l->fd < 0 || n == 0)
        return;
    size_t prefix_len = make_prefix(prefix, is_err);
    while (n > 0) {
        const char *nl = memchr(p, '\n', n);
        size_t len = nl ? (size_t)(nl - p) : n;
        int64_t before = l->size + (int64_t)chunk_len;
        if (l->max > 0 && before > 0 && before + (int64_t)(prefix_len + len + 1) > l->max) {
            flush(l);
            rotate(l);
        } else if (chunk_len + PREFIX_ROOM + len + 1 > sizeof chunk) {
            flush(l);
        }
        prefix[prefix_len - 2] = nl ? 'F' : 'P';
        char *to = chunk + chunk_len;
        memcpy(to, prefix, PREFIX_ROOM); /* of a constant length: no call */
        memcpy(to + prefix_len, p, len);
        to[prefix_len + len] = '\n';
        chunk_len += prefix_len + len + 1;
        p += len + (nl != NULL);
        n -= len + (nl != NULL);
    }
    flush(l);
}

void log_end(struct log *l)
{
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
}
