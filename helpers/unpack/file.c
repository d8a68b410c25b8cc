#include "layer.h"
#include "plain/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* From this size on the kernel is asked to write back at once: the caller ends with syncfs(). */
#define EARLY_WRITEBACK ((uint64_t)1 << 20)

int layer_skip(struct layer *l, struct err *e)
{
    const char *p;
    size_t n;
    int r;
    while ((r = tar_data(l->tar, &p, &n, e)) > 0)
        split_raw(l->split, p, n);
    return r;
}

static int dense(struct layer *l, int fd, bool keep, uint64_t *ret_crc, struct err *e)
{
    const char *p;
    size_t n;
    int r;
    uint64_t crc = 0;
    while ((r = tar_data(l->tar, &p, &n, e)) > 0) {
        if (keep)
            split_raw(l->split, p, n);
        else if (l->split)
            crc = split_crc(crc, p, n);
        if (fd_write_all(fd, p, n) < 0)
            return path_error(e, "write", l->path);
    }
    *ret_crc = crc;
    return r;
}

static int write_at(int fd, const char *p, size_t n, uint64_t at)
{
    while (n > 0) {
        ssize_t w = pwrite(fd, p, n, (off_t)at);
        if (w < 0 && errno != EINTR)
            return -1;
        if (w > 0) {
            p += w;
            n -= (size_t)w;
            at += (uint64_t)w;
        }
    }
    return 0;
}

/* The payload, run by run, into the extents. What lies behind the last one is passed over. */
static int sparse(struct layer *l, int fd, struct err *e)
{
    const struct tar_entry *en = &l->tar->entry;
    size_t i = 0, n = 0;
    uint64_t used = 0; /* of extent i */
    const char *p;
    int r;
    if (ftruncate(fd, (off_t)en->size) < 0)
        return path_error(e, "truncate", l->path);
    while ((r = tar_data(l->tar, &p, &n, e)) > 0) {
        split_raw(l->split, p, n);
        while (n > 0 && i < en->nextents) {
            const struct tar_extent *x = &en->extents[i];
            size_t k = x->len - used < n ? (size_t)(x->len - used) : n;
            if (write_at(fd, p, k, x->at + used) < 0)
                return path_error(e, "write", l->path);
            p += k;
            n -= k;
            used += k;
            if (used == x->len)
                i++, used = 0;
        }
    }
    return r;
}

static int create(struct layer *l, const struct place *at, struct err *e)
{
    mode_t mode = l->tar->entry.mode & 01777;
    int flags = O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(at->in->fd, at->base, flags, mode);
    if (fd < 0 && errno == EEXIST) {
        if (layer_vacate(l, at, e) < 0)
            return -1;
        fd = openat(at->in->fd, at->base, flags, mode);
    }
    return fd < 0 ? path_error(e, "open", l->path) : fd;
}

int layer_file(struct layer *l, const struct place *at, struct err *e)
{
    const struct tar_entry *en = &l->tar->entry;
    cleanup_fd int fd = create(l, at, e);
    if (fd < 0)
        return -1;
    /* who reassembles the archive may not follow a link as we did: those contents are kept */
    bool keep = en->sparse || at->in->linked;
    uint64_t crc = 0;
    if (en->sparse ? sparse(l, fd, e) : dense(l, fd, keep, &crc, e))
        return -1;
    if (!keep)
        split_file(l->split, en->name.s, l->path, en->size, crc);
    if (layer_own_fd(l, at, fd, e))
        return -1;
    if (en->size >= EARLY_WRITEBACK)
        sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
    return 0;
}
