#include "disk/lock.h"

#include "plain/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int apply(int fd, int cmd, short type)
{
    struct flock fl = {.l_type = type, .l_whence = SEEK_SET};
    int r;
    do
        r = fcntl(fd, cmd, &fl);
    while (r < 0 && errno == EINTR);
    return r;
}

static short type_of(enum lock_mode mode)
{
    return mode == LOCK_SHARED ? F_RDLCK : F_WRLCK;
}

static int open_and(int dir, const char *path, enum lock_mode mode, int cmd)
{
    cleanup_fd int fd = openat(dir, path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0 && mode == LOCK_SHARED && (errno == EROFS || errno == EACCES))
        fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || apply(fd, cmd, type_of(mode)) < 0)
        return -1;
    return fd_take(&fd);
}

int lock_wait(int dir, const char *path, enum lock_mode mode)
{
    return open_and(dir, path, mode, F_OFD_SETLKW);
}

int lock_try(int dir, const char *path, enum lock_mode mode)
{
    int fd = open_and(dir, path, mode, F_OFD_SETLK);
    if (fd < 0 && errno == EACCES)
        errno = EAGAIN;
    return fd;
}

int lock_change(int fd, enum lock_mode mode)
{
    return apply(fd, F_OFD_SETLK, type_of(mode));
}

bool lock_is_held(int dir, const char *path)
{
    cleanup_fd int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    struct flock fl = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_OFD_GETLK, &fl) < 0)
        return false;
    return fl.l_type != F_UNLCK;
}

int lock_release(int fd)
{
    return apply(fd, F_OFD_SETLK, F_UNLCK);
}
