/*
 * Namespaces that `pod-userns lend` has made while others were busy: a message on the socket of
 * --lent-fd with its pid and a user and a network namespace, lo up in it. Where none comes, or
 * where the configuration wants others, init makes its own as ever.
 */
#include "rt.h"

#include "plain/fdio.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define LENT (CLONE_NEWUSER | CLONE_NEWNET)

/* A monitor that restarts its container names a socket that has long gone. */
void lent_open(struct rt *rt)
{
    struct stat st;
    int fd = (int)rt->o->lent_fd;
    rt->lent_fd = fd > 0 && fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) ? fd : -1;
    if (rt->lent_fd >= 0)
        fd_cloexec(fd, true);
}

static bool receive(const struct rt *rt, pid_t *ret_pid, int ret_fds[2])
{
    char text[16];
    size_t n = 2;
    uint64_t pid = 0;
    ssize_t len = fd_recv(rt->lent_fd, text, sizeof text - 1, ret_fds, &n);
    if (len > 0)
        text[len] = '\0';
    bool good = len > 0 && n == 2 && str_u64(text, INT32_MAX, &pid) == 0 &&
                ioctl(ret_fds[0], NS_GET_NSTYPE) == CLONE_NEWUSER &&
                ioctl(ret_fds[1], NS_GET_NSTYPE) == CLONE_NEWNET;
    *ret_pid = (pid_t)pid;
    for (size_t i = 0; i < n && !good; i++)
        close(ret_fds[i]);
    return good;
}

void lent_take(struct rt *rt, struct nsplan *p)
{
    struct err ignored = ERR_INIT;
    pid_t pid;
    int fds[2];
    if (rt->lent_fd < 0)
        return;
    if ((p->fresh & LENT) == LENT && !p->rootless && receive(rt, &pid, fds)) {
        if (ns_write_maps(rt->spec, p, pid, &ignored) == 0) {
            p->fresh &= ~LENT;
            p->joined |= LENT;
            p->type[p->n] = CLONE_NEWUSER;
            p->fd[p->n++] = fds[0];
            p->type[p->n] = CLONE_NEWNET;
            p->fd[p->n++] = fds[1];
        } else {
            close(fds[0]);
            close(fds[1]);
        }
    }
    close(rt->lent_fd); /* it may go */
    rt->lent_fd = -1;
}
