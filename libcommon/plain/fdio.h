/* Descriptors: owned, whole reads and writes, EINTR handled. errno tells; no struct err here. */
#ifndef POD_PLAIN_FDIO_H
#define POD_PLAIN_FDIO_H

#include "plain/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* `cleanup_fd int fd = -1;` closes fd on every way out; fd_take() hands it on. */
void cleanup_closep(int *fd);
#define cleanup_fd cleanup(cleanup_closep)
int fd_take(int *fd);

int fd_write_all(int fd, const void *p, size_t n);  /* 0, or -1 with errno */
ssize_t fd_read_full(int fd, void *p, size_t n);    /* bytes read; fewer than n only at the end */
int fd_read_all(int fd, size_t max, struct buf *b); /* EFBIG when there is more than max */
int fd_cloexec(int fd, bool on);
int fd_nonblock(int fd, bool on);
/* Moves fd to a number of at least min, close-on-exec; the old number is closed. */
int fd_move_up(int fd, int min);
/* Close-on-exec for every descriptor from min up but those in keep (n of them). */
int fd_close_from(int min, const int *keep, size_t n);
/* The same, but they are closed at once. */
int fd_close_now(int min, const int *keep, size_t n);

/* Its path from our root, or from that of the mount namespace it is in; NULL: unknown. */
char *fd_place(int fd);

/* One message with descriptors beside it, on a unix socket. nfd may be 0. */
ssize_t fd_send(int sock, const void *p, size_t n, const int *fds, size_t nfd);
/* *nfd: room in fds on entry, received on return. Received descriptors are close-on-exec. */
ssize_t fd_recv(int sock, void *p, size_t n, int *fds, size_t *nfd);

#endif
