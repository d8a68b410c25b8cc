/* pasta: the host's own addresses in the container, sockets spliced. */
#include "netns.h"

#include "disk/at.h"
#include "plain/fdio.h"
#include "things/needs.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* where pasta answers for the host's resolver when that listens on the host's loopback */
#define DNS_FORWARD "169.254.1.1"

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

/* Does the host ask a resolver on its own loopback, as systemd-resolved's stub? */
static bool loopback_resolver(void)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    char *save = NULL;
    if (at_read(AT_FDCWD, "/etc/resolv.conf", 65536, &b) < 0 || !b.s)
        return false;
    for (char *l = strtok_r(b.s, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
        if (str_starts(l, "nameserver"))
            return strstr(l, " 127.") || strstr(l, "\t127.") || strstr(l, " ::1");
    return false;
}

static void build(struct strv *a, const struct netns *n, const char *path, int ready_fd,
                  bool forward_dns)
{
    bool tcp = false, udp = false;
    strv_add(a, path);
    strv_add(a, "--config-net");
    strv_add(a, "--quiet");
    strv_add(a, "--foreground");
    /* pasta writes its pid once it serves: that is our ready mark */
    strv_add(a, "--pid");
    strv_addf(a, "/proc/self/fd/%d", ready_fd);
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
    if (forward_dns) {
        strv_add(a, "--dns-forward");
        strv_add(a, DNS_FORWARD);
    }
    for (size_t i = 0; i < n->options.n; i++)
        if (strcmp(n->options.v[i], "--map-gw") !=
            0) /* podman's word for our not saying the above */
            strv_add(a, n->options.v[i]);
    strv_addf(a, "%d", n->pid);
}

/* Which address the host would speak from: no packet is sent by connecting a datagram socket. */
static void host_address(char *out, size_t size)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(53)}, from = {.sin_port = 0};
    socklen_t len = sizeof from;
    cleanup_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    to.sin_addr.s_addr = htonl(0x08080808);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0 &&
        getsockname(fd, (struct sockaddr *)&from, &len) == 0)
        (void)inet_ntop(AF_INET, &from.sin_addr, out, (socklen_t)size);
}

static void host_gateway(char *out, size_t size)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    char *save = NULL;
    if (at_read(AT_FDCWD, "/proc/net/route", 1 << 20, &b) < 0 || !b.s)
        return;
    for (char *l = strtok_r(b.s, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
        uint32_t dest, gateway;
        if (sscanf(l, "%*s %" SCNx32 " %" SCNx32, &dest, &gateway) == 2 && dest == 0) {
            struct in_addr a = {.s_addr = gateway};
            (void)inet_ntop(AF_INET, &a, out, (socklen_t)size);
            return;
        }
    }
}

/*
 * This pasta does not notice that a namespace named by a pid is gone. The kernel tells it: the
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

int pasta_start(const struct netns *n, struct netinfo *ret, struct err *e)
{
    cleanup_free char *path = NULL;
    cleanup(strv_free) struct strv argv = STRV_INIT;
    struct program p;
    int ready[2];
    bool forward_dns = loopback_resolver() && !given(&n->options, "--dns-forward", "--dns-forward");
    if (needs_netprogram("pasta", &path, e) < 0 || needs_tun(e) < 0)
        return -1;
    if (pipe2(ready, O_CLOEXEC) < 0)
        return err_sys(e, "cannot make a pipe");
    build(&argv, n, path, ready[1], forward_dns);
    if (program_start(argv.v, ready, n->exit_fd, &p, e) < 0 || program_ready(&p, "pasta", e) < 0)
        return -1;
    if (end_with(n->exit_fd, p.pid, e) < 0) {
        kill(p.pid, SIGKILL);
        return -1;
    }
    ret->pid = p.pid;
    host_address(ret->ip, sizeof ret->ip);
    host_gateway(ret->gateway, sizeof ret->gateway);
    if (forward_dns)
        snprintf(ret->dns, sizeof ret->dns, "%s", DNS_FORWARD);
    return 0;
}
