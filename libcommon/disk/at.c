#include "disk/at.h"

#include "plain/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

int at_read(int dir, const char *path, size_t max, struct buf *b)
{
    cleanup_fd int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return -1;
    struct stat st;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= 0 || (uint64_t)st.st_size > max)
        return fd_read_all(fd, max, b);
    /* a file's end is known: no read only to see it. Those of /proc have size 0. */
    buf_reserve(b, (size_t)st.st_size);
    ssize_t n = fd_read_full(fd, b->s + b->len, (size_t)st.st_size);
    if (n < 0)
        return -1;
    b->len += (size_t)n;
    b->s[b->len] = '\0';
    return 0;
}

int at_mkdirs(int dir, const char *path, mode_t mode)
{
    if (mkdirat(dir, path, mode) == 0 || errno == EEXIST)
        return 0;
    if (errno != ENOENT)
        return -1;
    cleanup_free char *copy = xstrdup(path);
    for (char *p = strchr(copy + 1, '/'); p; p = strchr(p + 1, '/')) {
        *p = '\0';
        if (mkdirat(dir, copy, mode) < 0 && errno != EEXIST)
            return -1;
        *p = '/';
    }
    return mkdirat(dir, path, mode) < 0 && errno != EEXIST ? -1 : 0;
}

int at_open_dir(int dir, const char *path)
{
    return openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

bool at_exists(int dir, const char *path)
{
    struct stat st;
    return fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

void at_temp_name(char *out, size_t size, const char *base)
{
    uint64_t r = 0;
    if (getrandom(&r, 6, 0) != 6)
        r = (uint64_t)getpid();
    snprintf(out, size, "%s%012llx", base, (unsigned long long)r);
}

static int fail_without(int dir, const char *path)
{
    int saved = errno;
    unlinkat(dir, path, 0);
    errno = saved;
    return -1;
}

int at_create(int dir, const char *path, const void *p, size_t n, mode_t mode)
{
    cleanup_fd int fd = openat(dir, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return -1;
    return fd_write_all(fd, p, n) < 0 ? fail_without(dir, path) : 0;
}

int at_write(int dir, const char *path, const void *p, size_t n, mode_t mode, enum at_write how)
{
    char tmp[512], base[400];
    const char *slash = strrchr(path, '/');
    int dirlen = slash ? (int)(slash - path + 1) : 0;
    if (strlen(path) > 300) {
        errno = ENAMETOOLONG;
        return -1;
    }
    snprintf(base, sizeof base, "%.*s.tmp-%s", dirlen, path, path + dirlen);
    at_temp_name(tmp, sizeof tmp, base);
    cleanup_fd int fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return -1;
    if (fd_write_all(fd, p, n) < 0 || (how == AT_DURABLE && fdatasync(fd) < 0) ||
        renameat(dir, tmp, dir, path) < 0)
        return fail_without(dir, tmp);
    return 0;
}
