/* Published ports: read, and tried before a network program is asked for them. */
#include "netns.h"

#include "disk/at.h"
#include "plain/fdio.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int bad_port(const char *text, struct err *e)
{
    return err_set(e, 0, "invalid port \"%s\": expected IP:HOSTPORT:CTRPORT/PROTO", text);
}

static int number(const char *s, uint16_t *ret)
{
    uint64_t n;
    if (str_u64(s, 65535, &n) < 0 || n == 0)
        return -1;
    *ret = (uint16_t)n;
    return 0;
}

int port_parse(const char *text, struct port *ret, struct err *e)
{
    struct port p = {.udp = false};
    unsigned char addr[16];
    cleanup_free char *copy = xstrdup(text);
    char *ip = copy, *slash = strrchr(copy, '/');
    if (slash) {
        *slash++ = '\0';
        p.udp = strcmp(slash, "udp") == 0;
        if (!p.udp && strcmp(slash, "tcp") != 0)
            return err_set(e, 0, "protocol \"%s\" cannot be published: only tcp and udp", slash);
    }
    char *ctr = strrchr(copy, ':');
    if (!ctr)
        return bad_port(text, e);
    *ctr++ = '\0';
    char *host = strrchr(copy, ':');
    if (!host)
        return bad_port(text, e);
    *host++ = '\0';
    size_t len = strlen(ip);
    if (len > 1 && ip[0] == '[' && ip[len - 1] == ']') {
        ip[len - 1] = '\0';
        ip++;
    }
    if (number(host, &p.host) < 0 || number(ctr, &p.ctr) < 0 ||
        str_copy(p.ip, sizeof p.ip, ip) < 0 ||
        (*ip && inet_pton(AF_INET, ip, addr) != 1 && inet_pton(AF_INET6, ip, addr) != 1))
        return bad_port(text, e);
    *ret = p;
    return 0;
}

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
        err_set(e, 0,
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
        err_set(e, 0, "rootlessport listen %s %s: bind: %s", proto, where, why);
    }
    e->sys = sys;
    return -1;
}

static int try_bind(const struct port *p, int family)
{
    int one = 1, sys = 0;
    struct sockaddr_in a4 = {.sin_family = AF_INET, .sin_port = htons(p->host)};
    struct sockaddr_in6 a6 = {.sin6_family = AF_INET6, .sin6_port = htons(p->host)};
    if (*p->ip)
        (void)inet_pton(family, p->ip,
                        family == AF_INET ? (void *)&a4.sin_addr : (void *)&a6.sin6_addr);
    cleanup_fd int fd = socket(family, (p->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    if (family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    /* for TCP the network programs set it too: connections in TIME_WAIT are no obstacle */
    if (!p->udp)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, family == AF_INET ? (void *)&a4 : (void *)&a6,
             family == AF_INET ? sizeof a4 : sizeof a6) < 0 ||
        (!p->udp && listen(fd, 1) < 0))
        sys = errno;
    return sys;
}

int ports_check(const struct netns *n, struct err *e)
{
    for (size_t i = 0; i < n->nports; i++) {
        const struct port *p = &n->ports[i];
        int sys = try_bind(p, strchr(p->ip, ':') ? AF_INET6 : AF_INET);
        if (sys)
            return port_in_use(p, sys, e);
    }
    return 0;
}
