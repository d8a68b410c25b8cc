/* pasta: the host's own addresses in the container, sockets spliced. */
#include "netns.h"

#include "plain/fdio.h"
#include "things/needs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool given(const struct strv *options, const char *letter, const char *name)
{
    for (size_t i = 0; i < options->n; i++)
        if (str_starts(options->v[i], letter) || str_starts(options->v[i], name))
            return true;
    return false;
}

static void add_port(struct strv *a, const struct port *p)
{
    strv_add(a, p->udp ? "-u" : "-t");
    if (*p->ip)
        strv_addf(a, "%s/%u:%u", p->ip, p->host, p->ctr);
    else
        strv_addf(a, "%u:%u", p->host, p->ctr);
}

static bool is_own_userns(int fd)
{
    struct stat own, other;
    return stat("/proc/self/ns/user", &own) == 0 && fstat(fd, &other) == 0 &&
           own.st_ino == other.st_ino;
}

static void build(struct strv *a, const struct netns *n, const char *path, const int fds[3],
                  const struct netaddr *addr)
{
    bool tcp = false, udp = false;
    strv_add(a, path);
    strv_add(a, "--config-net");
    strv_add(a, "--quiet");
    strv_add(a, "--foreground");
    /* pasta writes its pid once it serves: that is our ready mark */
    strv_add(a, "--pid");
    strv_addf(a, "/proc/self/fd/%d", fds[0]);
    for (size_t i = 0; i < n->nports; i++) {
        add_port(a, &n->ports[i]);
        *(n->ports[i].udp ? &udp : &tcp) = true;
    }
    if (!tcp && !given(&n->options, "-t", "--tcp-ports"))
        strv_addf(a, "--tcp-ports=none");
    if (!udp && !given(&n->options, "-u", "--udp-ports"))
        strv_addf(a, "--udp-ports=none");
    if (!given(&n->options, "-T", "--tcp-ns"))
        strv_addf(a, "--tcp-ns=none");
    if (!given(&n->options, "-U", "--udp-ns"))
        strv_addf(a, "--udp-ns=none");
    if (!given(&n->options, "--map-gw", "--no-map-gw"))
        strv_add(a, "--no-map-gw");
    if (*addr->dns && !given(&n->options, "--dns-forward", "--dns-forward")) {
        strv_add(a, "--dns-forward");
        strv_add(a, addr->dns);
    }
    for (size_t i = 0; i < n->options.n; i++)
        if (strcmp(n->options.v[i], "--map-gw") !=
            0) /* podman's word for our not saying the above */
            strv_add(a, n->options.v[i]);
    if (is_own_userns(fds[1])) { /* root's containers need no other, and one cannot enter its own */
        strv_add(a, "--netns-only");
    } else {
        strv_add(a, "--userns");
        strv_addf(a, "/proc/self/fd/%d", fds[1]);
    }
    strv_add(a, "--netns");
    strv_addf(a, "/proc/self/fd/%d", fds[2]);
}

/*
 * pasta does not notice that a namespace it was given open is gone. The kernel tells it: the
 * exit pipe, inherited by it, is asked to send SIGTERM to it when its other end closes, and no
 * process has to wait for that.
 */
static int end_with(int exit_fd, pid_t pid, struct err *e)
{
    if (exit_fd < 0)
        return 0;
    int fl = fcntl(exit_fd, F_GETFL);
    if (fl < 0 || fcntl(exit_fd, F_SETSIG, SIGTERM) < 0 || fcntl(exit_fd, F_SETOWN, pid) < 0 ||
        fcntl(exit_fd, F_SETFL, fl | O_ASYNC) < 0)
        return err_sys(e, "cannot bind pasta's life to the container's");
    return 0;
}

int pasta_start(const struct netns *n, const struct netaddr *addr, pid_t *ret_pid, struct err *e)
{
    cleanup_free char *path = NULL;
    cleanup(strv_free) struct strv argv = STRV_INIT;
    struct program p;
    int ready[2];
    cleanup_fd int user = -1, net = -1;
    if (needs_netprogram("pasta", &path, e) < 0 || needs_tun(e) < 0)
        return -1;
    if (program_namespaces(n->pid, &user, &net, e) < 0)
        return -1;
    if (pipe2(ready, O_CLOEXEC) < 0)
        return err_sys(e, "cannot make a pipe");
    const int fds[3] = {ready[1], user, net};
    const int keep[PROGRAM_KEEP] = {n->exit_fd, user, net};
    build(&argv, n, path, fds, addr);
    if (program_start(argv.v, ready, keep, &p, e) < 0 || program_ready(&p, "pasta", e) < 0)
        return -1;
    if (end_with(n->exit_fd, p.pid, e) < 0) {
        kill(p.pid, SIGKILL);
        return -1;
    }
    *ret_pid = p.pid;
    return 0;
}
