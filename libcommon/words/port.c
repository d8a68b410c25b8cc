#include "words/port.h"

#include "plain/buf.h"
#include "plain/fdio.h"
#include "plain/str.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BACKLOG 128

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

int port_bind(const struct port *p)
{
    int one = 1, family = strchr(p->ip, ':') ? AF_INET6 : AF_INET;
    struct sockaddr_in a4 = {.sin_family = AF_INET, .sin_port = htons(p->host)};
    struct sockaddr_in6 a6 = {.sin6_family = AF_INET6, .sin6_port = htons(p->host)};
    if (*p->ip)
        (void)inet_pton(family, p->ip,
                        family == AF_INET ? (void *)&a4.sin_addr : (void *)&a6.sin6_addr);
    cleanup_fd int fd = socket(family, (p->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    /* connections in TIME_WAIT are no obstacle */
    if (!p->udp)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, family == AF_INET ? (void *)&a4 : (void *)&a6,
             family == AF_INET ? sizeof a4 : sizeof a6) < 0 ||
        (!p->udp && listen(fd, BACKLOG) < 0))
        return -1;
    return fd_take(&fd);
}
