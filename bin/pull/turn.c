/*
 * Two pulls of one image at once: the second waits, and then finds the layers in the store. One
 * lock file for all images, a byte of it for each, so nothing is left to sweep; the lock is the
 * kernel's and goes with its owner.
 */
#include "pull.h"

#include "plain/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int turn_take(const struct roots *r, const struct digest *d, bool quiet, struct err *e)
{
    char first[16] = {0};
    memcpy(first, d->hex, 15);
    struct flock l = {.l_type = F_WRLCK,
                      .l_whence = SEEK_SET,
                      .l_start = (off_t)strtoull(first, NULL, 16),
                      .l_len = 1};
    cleanup_fd int fd = openat(r->own, "pull.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_sys(e, "cannot open \"%s/pod/pull.lock\"", r->graph_path);
    bool taken = fcntl(fd, F_OFD_SETLK, &l) == 0;
    if (!taken && !quiet)
        fprintf(stderr, "Waiting for another pull of the same image...\n");
    while (!taken && fcntl(fd, F_OFD_SETLKW, &l) < 0) {
        if (errno != EINTR)
            return err_sys(e, "cannot lock \"%s/pod/pull.lock\"", r->graph_path);
        if (interrupted)
            return err_set(e, 128 + (int)interrupted, "interrupted");
    }
    return fd_take(&fd);
}
