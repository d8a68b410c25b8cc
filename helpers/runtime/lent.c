/*
 * Namespaces that `pod-userns lend` has made while others were busy: a message on the socket of
 * --lent-fd with its pid, a user and a network namespace, lo up in it, and a pidfd. Where none
 * comes soon, or where the configuration wants others, init makes its own as ever.
 */
#include "rt.h"

#include "plain/fdio.h"

#include <errno.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LENT        (CLONE_NEWUSER | CLONE_NEWNET)
#define PATIENCE_MS 200 /* to make them oneself does not take longer */

/* A monitor that restarts its container names a socket that has long gone. */
void lent_open(struct rt *rt)
{
    struct stat st;
    int fd = (int)rt->o->lent_fd;
    rt->lent_fd = fd > 0 && fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) ? fd : -1;
    if (rt->lent_fd >= 0)
        fd_cloexec(fd, true);
}

struct lent {
    pid_t pid;
    int fds[3]; /* a user and a network namespace, and that process */
};

static bool receive(const struct rt *rt, struct lent *ret)
{
    char text[16];
    size_t n = 3;
    uint64_t pid = 0;
    struct pollfd p = {.fd = rt->lent_fd, .events = POLLIN};
    if (poll(&p, 1, PATIENCE_MS) != 1)
        return false;
    ssize_t len = fd_recv(rt->lent_fd, text, sizeof text - 1, ret->fds, &n);
    if (len > 0)
        text[len] = '\0';
    bool good = len > 0 && n == 3 && str_u64(text, INT32_MAX, &pid) == 0 &&
                ioctl(ret->fds[0], NS_GET_NSTYPE) == CLONE_NEWUSER &&
                ioctl(ret->fds[1], NS_GET_NSTYPE) == CLONE_NEWNET;
    ret->pid = (pid_t)pid;
    for (size_t i = 0; i < n && !good; i++)
        close(ret->fds[i]);
    return good;
}

/* That it can be killed still means that its number was its own when the maps were written. */
static bool map_and_kill(const struct rt *rt, const struct nsplan *p, const struct lent *l)
{
    struct err ignored = ERR_INIT;
    return ns_write_maps(rt->spec, p, l->pid, &ignored) == 0 &&
           syscall(SYS_pidfd_send_signal, l->fds[2], SIGKILL, NULL, 0) == 0;
}

void lent_take(struct rt *rt, struct nsplan *p)
{
    struct lent l;
    if (rt->lent_fd < 0)
        return;
    if ((p->fresh & LENT) == LENT && !p->rootless && receive(rt, &l)) {
        if (map_and_kill(rt, p, &l)) {
            p->fresh &= ~LENT;
            p->joined |= LENT;
            p->type[p->n] = CLONE_NEWUSER;
            p->fd[p->n++] = l.fds[0];
            p->type[p->n] = CLONE_NEWNET;
            p->fd[p->n++] = l.fds[1];
            rt->lender = l.fds[2];
        } else {
            for (size_t i = 0; i < 3; i++)
                close(l.fds[i]);
        }
    }
    close(rt->lent_fd);
    rt->lent_fd = -1;
}

int lent_gone(struct rt *rt, struct err *e)
{
    struct pollfd p = {.fd = rt->lender, .events = POLLIN};
    if (rt->lender < 0)
        return 0;
    while (poll(&p, 1, -1) != 1)
        if (errno != EINTR)
            return err_sys(e, "cannot wait for the process that made the namespaces");
    close(rt->lender);
    rt->lender = -1;
    return 0;
}
