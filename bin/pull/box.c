#include "pull.h"

#include "disk/at.h"
#include "plain/fdio.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct box {
    char *path;
    int fd; /* the directory, or the archive without its compression */
    struct tarindex *tar;
};

const char *go_errno(int err, char *out, size_t size)
{
    snprintf(out, size, "%s", strerror(err));
    out[0] = (char)tolower((unsigned char)out[0]);
    return out;
}

static int cannot_open(const struct box *b, const char *name, int err, struct err *e)
{
    char why[80];
    if (b->tar)
        err_set(e, 0, "\"%.300s\" is not in archive \"%s\"", name, b->path);
    else
        err_set(e, 0, "open %s/%.300s: %s", b->path, name, go_errno(err, why, sizeof why));
    e->sys = err;
    return -1;
}

int box_open_dir(const char *path, struct box **ret, struct err *e)
{
    char why[80];
    int fd = at_open_dir(AT_FDCWD, path);
    /* a missing directory is told when its first file is wanted, with that file's name */
    if (fd < 0 && errno != ENOENT && errno != ENOTDIR)
        return err_set(e, 0, "open %s: %s", path, go_errno(errno, why, sizeof why));
    struct box *b = xcalloc(1, sizeof *b);
    b->path = xstrdup(path);
    b->fd = fd;
    *ret = b;
    return 0;
}

/* A socket has no second opening: standard input may be one. */
static int open_archive(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 && errno == ENXIO && strcmp(path, "/dev/stdin") == 0)
        return fcntl(0, F_DUPFD_CLOEXEC, 4);
    return fd;
}

int box_open_archive(const struct roots *r, const char *path, struct box **ret, struct err *e)
{
    char why[80];
    struct stat st;
    int fd = open_archive(path);
    bool dir = fd >= 0 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
    if (dir)
        close(fd);
    if (fd < 0 || dir)
        return err_set(e, 0, "opening file \"%s\": open %s: %s", path, path,
                       go_errno(dir ? EISDIR : errno, why, sizeof why));
    struct box *b = xcalloc(1, sizeof *b);
    *b = (struct box){.path = xstrdup(path), .fd = fd};
    if (plain_make(r, path, &b->fd, e) < 0 || tarindex_read(b->fd, path, &b->tar, e) < 0) {
        box_close(b);
        return -1;
    }
    *ret = b;
    return 0;
}

void box_close(struct box *b)
{
    if (!b)
        return;
    if (b->fd >= 0)
        close(b->fd);
    tarindex_free(b->tar);
    free(b->path);
    free(b);
}

bool box_has(const struct box *b, const char *name)
{
    int64_t offset, size;
    return b->tar ? tarindex_find(b->tar, name, &offset, &size)
                  : b->fd >= 0 && at_exists(b->fd, name);
}

static int feed_of_archive(const struct box *b, const char *name, struct feed *ret, struct err *e)
{
    char self[64];
    struct feed f = {.fd = -1};
    if (!tarindex_find(b->tar, name, &f.offset, &f.length))
        return cannot_open(b, name, ENOENT, e);
    /* a description of its own: several layers are read at once */
    snprintf(self, sizeof self, "/proc/self/fd/%d", b->fd);
    f.fd = open(self, O_RDONLY | O_CLOEXEC);
    if (f.fd < 0 || lseek(f.fd, f.offset, SEEK_SET) < 0) {
        err_sys(e, "opening archive \"%s\" again", b->path);
        if (f.fd >= 0)
            close(f.fd);
        return -1;
    }
    *ret = f;
    return 0;
}

int box_feed(const struct box *b, const char *name, struct feed *ret, struct err *e)
{
    struct stat st;
    if (b->tar)
        return feed_of_archive(b, name, ret, e);
    if (b->fd < 0)
        return cannot_open(b, name, ENOENT, e);
    cleanup_fd int fd = openat(b->fd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) < 0)
        return cannot_open(b, name, errno, e);
    if (!S_ISREG(st.st_mode))
        return err_set(e, 0, "open %s/%.300s: not a plain file", b->path, name);
    *ret = (struct feed){.fd = fd_take(&fd), .length = st.st_size};
    return 0;
}

int box_read(const struct box *b, const char *name, size_t max, struct buf *ret, struct err *e)
{
    struct feed f;
    if (box_feed(b, name, &f, e) < 0)
        return -1;
    cleanup_fd int fd = f.fd;
    if (f.length > (int64_t)max)
        return err_set(e, 0, "%s: \"%.300s\" is too big (%lld bytes, at most %zu)", b->path, name,
                       (long long)f.length, max);
    buf_reserve(ret, (size_t)f.length + 1);
    ssize_t n = fd_read_full(fd, ret->s, (size_t)f.length);
    if (n < 0)
        return err_sys(e, "cannot read \"%.300s\" of \"%s\"", name, b->path);
    ret->len = (size_t)n;
    ret->s[n] = '\0';
    return 0;
}
