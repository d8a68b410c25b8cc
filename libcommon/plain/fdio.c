#include "plain/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif
#define MAX_PASSED 8

void cleanup_closep(int *fd)
{
    if (*fd >= 0) {
        int saved = errno;
        close(*fd);
        errno = saved;
    }
}

int fd_take(int *fd)
{
    int r = *fd;
    *fd = -1;
    return r;
}

int fd_write_all(int fd, const void *p, size_t n)
{
    const char *s = p;
    while (n > 0) {
        ssize_t w = write(fd, s, n);
        if (w < 0) {
            if (errno == EINTR)
                continue;
            return -1;
        }
        s += w;
        n -= (size_t)w;
    }
    return 0;
}

ssize_t fd_read_full(int fd, void *p, size_t n)
{
    char *s = p;
    size_t got = 0;
    while (got < n) {
        ssize_t r = read(fd, s + got, n - got);
        if (r < 0) {
            if (errno == EINTR)
                continue;
            return -1;
        }
        if (r == 0)
            break;
        got += (size_t)r;
    }
    return (ssize_t)got;
}

int fd_read_all(int fd, size_t max, struct buf *b)
{
    size_t start = b->len;
    for (;;) {
        buf_reserve(b, 4096);
        size_t room = b->cap - b->len - 1;
        ssize_t r = read(fd, b->s + b->len, room);
        if (r < 0) {
            if (errno == EINTR)
                continue;
            return -1;
        }
        b->len += (size_t)r;
        b->s[b->len] = '\0';
        if (b->len - start > max) {
            errno = EFBIG;
            return -1;
        }
        if (r == 0)
            return 0;
    }
}

int fd_cloexec(int fd, bool on)
{
    return fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0);
}

int fd_nonblock(int fd, bool on)
{
    int fl = fcntl(fd, F_GETFL);
    if (fl < 0)
        return -1;
    return fcntl(fd, F_SETFL, on ? fl | O_NONBLOCK : fl & ~O_NONBLOCK);
}

int fd_move_up(int fd, int min)
{
    if (fd >= min)
        return fd_cloexec(fd, true) < 0 ? -1 : fd;
    int up = fcntl(fd, F_DUPFD_CLOEXEC, min);
    if (up < 0)
        return -1;
    close(fd);
    return up;
}

static int close_but(int min, const int *keep, size_t n, unsigned flags)
{
    unsigned lo = (unsigned)min;
    for (;;) {
        /* the smallest kept descriptor not below lo ends this range */
        unsigned next = UINT32_MAX;
        for (size_t i = 0; i < n; i++)
            if (keep[i] >= 0 && (unsigned)keep[i] >= lo && (unsigned)keep[i] < next)
                next = (unsigned)keep[i];
        if (next == UINT32_MAX)
            return (int)syscall(SYS_close_range, lo, UINT32_MAX, flags);
        if (next > lo && syscall(SYS_close_range, lo, next - 1, flags) < 0)
            return -1;
        lo = next + 1;
    }
}

int fd_close_from(int min, const int *keep, size_t n)
{
    return close_but(min, keep, n, CLOSE_RANGE_CLOEXEC);
}

int fd_close_now(int min, const int *keep, size_t n)
{
    return close_but(min, keep, n, 0);
}

char *fd_place(int fd)
{
    char self[64], path[PATH_MAX];
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(self, path, sizeof path);
    return n <= 0 || n == sizeof path ? NULL : xstrndup(path, (size_t)n);
}

ssize_t fd_send(int sock, const void *p, size_t n, const int *fds, size_t nfd)
{
    union {
        struct cmsghdr align;
        char b[CMSG_SPACE(MAX_PASSED * sizeof(int))];
    } ctl;
    struct iovec iov = {.iov_base = (void *)(uintptr_t)p, .iov_len = n};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
    if (nfd > MAX_PASSED) {
        errno = EINVAL;
        return -1;
    }
    if (nfd) {
        memset(&ctl, 0, sizeof ctl);
        m.msg_control = ctl.b;
        m.msg_controllen = CMSG_SPACE(nfd * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(nfd * sizeof(int));
        memcpy(CMSG_DATA(c), fds, nfd * sizeof(int));
    }
    ssize_t r;
    do
        r = sendmsg(sock, &m, MSG_NOSIGNAL);
    while (r < 0 && errno == EINTR);
    return r;
}

ssize_t fd_recv(int sock, void *p, size_t n, int *fds, size_t *nfd)
{
    union {
        struct cmsghdr align;
        char b[CMSG_SPACE(MAX_PASSED * sizeof(int))];
    } ctl;
    struct iovec iov = {.iov_base = p, .iov_len = n};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = ctl.b, .msg_controllen = sizeof ctl.b};
    size_t room = nfd ? *nfd : 0;
    if (nfd)
        *nfd = 0;
    ssize_t r;
    do
        r = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
    while (r < 0 && errno == EINTR);
    if (r < 0)
        return -1;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t got = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < got; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            if (nfd && *nfd < room)
                fds[(*nfd)++] = fd;
            else
                close(fd);
        }
    }
    return r;
}
