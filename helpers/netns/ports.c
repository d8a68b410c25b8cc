/* Published ports: carried by pod-ports, and tried before a network program is asked for them. */
#include "netns.h"

#include "disk/at.h"
#include "plain/fdio.h"
#include "things/spawn.h"
#include "words/exitcode.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int low_ports_start(void)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    uint64_t n = 1024;
    if (at_read(AT_FDCWD, "/proc/sys/net/ipv4/ip_unprivileged_port_start", 32, &b) == 0) {
        b.s[strcspn(b.s, "\n")] = '\0';
        (void)str_u64(b.s, 65536, &n);
    }
    return (int)n;
}

int port_in_use(const struct port *p, int sys, struct err *e)
{
    const char *proto = p->udp ? "udp" : "tcp", *ip = *p->ip ? p->ip : "0.0.0.0";
    bool six = strchr(ip, ':') != NULL;
    char where[64];
    snprintf(where, sizeof where, six ? "[%s]:%u" : "%s:%u", ip, p->host);
    if (sys == EACCES) {
        err_set(e, EXIT_CANNOT,
                "rootlessport cannot expose privileged port %u, you can add "
                "'net.ipv4.ip_unprivileged_port_start=%u' to /etc/sysctl.conf (currently %d), or "
                "choose a larger port number (>= %d): listen %s %s: bind: permission denied",
                p->host, p->host, low_ports_start(), low_ports_start(), proto, where);
        err_hint(e,
                 "Ask the administrator to type: sudo sysctl "
                 "net.ipv4.ip_unprivileged_port_start=%u",
                 p->host);
    } else {
        const char *why = sys == EADDRINUSE      ? "address already in use"
                          : sys == EADDRNOTAVAIL ? "cannot assign requested address"
                                                 : strerror(sys);
        err_set(e, EXIT_CANNOT, "rootlessport listen %s %s: bind: %s", proto, where, why);
    }
    e->sys = sys;
    return -1;
}

int ports_check(const struct netns *n, struct err *e)
{
    for (size_t i = 0; i < n->nports; i++) {
        const struct port *p = &n->ports[i];
        cleanup_fd int fd = port_bind(p);
        if (fd < 0)
            return port_in_use(p, errno, e);
    }
    return 0;
}

int ports_serve(const struct netns *n, const struct netaddr *addr, struct err *e)
{
    cleanup(strv_free) struct strv argv = STRV_INIT;
    struct program p;
    int ready[2];
    if (pipe2(ready, O_CLOEXEC) < 0)
        return err_sys(e, "cannot make a pipe");
    strv_take(&argv, tool_path("pod-ports"));
    strv_add(&argv, "--pid");
    strv_addf(&argv, "%d", n->pid);
    strv_add(&argv, "--to");
    strv_add(&argv, addr->ip);
    strv_add(&argv, "--ready-fd");
    strv_addf(&argv, "%d", ready[1]);
    strv_add(&argv, "--exit-fd");
    strv_addf(&argv, "%d", n->exit_fd);
    for (size_t i = 0; i < n->nports; i++)
        strv_addf(&argv, "%s:%u:%u/%s", n->ports[i].ip, n->ports[i].host, n->ports[i].ctr,
                  n->ports[i].udp ? "udp" : "tcp");
    const int keep[PROGRAM_KEEP] = {n->exit_fd, -1, -1};
    if (program_start(argv.v, ready, keep, &p, e) < 0)
        return -1;
    return program_ready(&p, "pod-ports", e);
}
