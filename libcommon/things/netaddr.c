#include "things/netaddr.h"

#include "disk/at.h"
#include "plain/buf.h"
#include "plain/fdio.h"
#include "words/reasons.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define SLIRP_CIDR "10.0.2.0/24"
/* slirp4netns puts its three hosts at these places of its network */
enum { AT_GATEWAY = 2, AT_DNS = 3, AT_CTR = 100 };
/* where pasta answers for the host's resolver when that listens on the host's loopback */
#define PASTA_DNS "169.254.1.1"

const char *net_program(const json_t *network)
{
    const char *mode = jx_str(network, "mode");
    if (strcmp(mode, "none") == 0)
        return "";
    if (strcmp(mode, "private") != 0)
        return mode;
    cleanup_free char *slirp = reason_find_tool("slirp4netns");
    cleanup_free char *pasta = slirp ? NULL : reason_find_tool("pasta");
    return pasta ? "pasta" : "slirp4netns";
}

const char *net_option(const struct strv *options, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = options->n; i-- > 0;)
        if (str_starts(options->v[i], name) && options->v[i][n] == '=')
            return options->v[i] + n + 1;
    return NULL;
}

/* Which address the host would speak from: no packet is sent by connecting a datagram socket. */
static void host_address(char out[NETADDR_SIZE])
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(53)}, from = {.sin_port = 0};
    socklen_t len = sizeof from;
    cleanup_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    to.sin_addr.s_addr = htonl(0x08080808);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0 &&
        getsockname(fd, (struct sockaddr *)&from, &len) == 0)
        (void)inet_ntop(AF_INET, &from.sin_addr, out, NETADDR_SIZE);
}

static void host_gateway(char out[NETADDR_SIZE])
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    char *save = NULL;
    if (at_read(AT_FDCWD, "/proc/net/route", 1 << 20, &b) < 0 || !b.s)
        return;
    for (char *l = strtok_r(b.s, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
        uint32_t dest, gateway;
        if (sscanf(l, "%*s %" SCNx32 " %" SCNx32, &dest, &gateway) == 2 && dest == 0) {
            struct in_addr a = {.s_addr = gateway};
            (void)inet_ntop(AF_INET, &a, out, NETADDR_SIZE);
            return;
        }
    }
}

/* ---- slirp4netns ---- */

static int slirp(const struct strv *options, struct netaddr *a, struct err *e)
{
    const char *cidr = net_option(options, "cidr"), *loopback;
    cleanup_free char *net = xstrdup(cidr ? cidr : SLIRP_CIDR);
    char *slash = strchr(net, '/');
    struct in_addr in;
    uint64_t bits = 0;
    if (slash)
        *slash++ = '\0';
    /* below 25 bits the container's place 100 still lies inside */
    if (!slash || str_u64(slash, 25, &bits) < 0 || bits < 1 || inet_pton(AF_INET, net, &in) != 1)
        return err_set(e, 0, "invalid cidr for slirp4netns: \"%s\"", cidr);
    uint32_t base = ntohl(in.s_addr) & (0xffffffffU << (32 - bits));
    const struct {
        char *out;
        uint32_t place;
    } hosts[] = {{a->gateway, AT_GATEWAY}, {a->dns, AT_DNS}, {a->ip, AT_CTR}};
    for (size_t i = 0; i < 3; i++) {
        in.s_addr = htonl(base + hosts[i].place);
        (void)inet_ntop(AF_INET, &in, hosts[i].out, NETADDR_SIZE);
    }
    /* the gateway stands for the host's loopback, when that is let through */
    loopback = net_option(options, "allow_host_loopback");
    if (loopback && strcmp(loopback, "true") == 0)
        str_copy(a->host, sizeof a->host, a->gateway);
    else
        host_address(a->host);
    return 0;
}

/* ---- pasta ---- */

/* Does the host ask a resolver on its own loopback, as with systemd-resolved? */
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

/* pasta's own options come one word each: "-a", "10.0.0.5", or "--address=10.0.0.5". */
static const char *pasta_value(const struct strv *options, const char *letter, const char *name)
{
    const char *joined = net_option(options, name);
    for (size_t i = 0; i + 1 < options->n; i++)
        if (strcmp(options->v[i], letter) == 0 || strcmp(options->v[i], name) == 0)
            return options->v[i + 1];
    return joined;
}

static void pasta(const struct strv *options, struct netaddr *a)
{
    const char *ip = pasta_value(options, "-a", "--address");
    const char *gateway = pasta_value(options, "-g", "--gateway");
    const char *dns = pasta_value(options, "--dns-forward", "--dns-forward");
    host_address(a->ip);
    host_gateway(a->gateway);
    if (ip)
        str_copy(a->ip, sizeof a->ip, ip);
    if (gateway)
        str_copy(a->gateway, sizeof a->gateway, gateway);
    if (dns)
        str_copy(a->dns, sizeof a->dns, dns);
    else if (loopback_resolver())
        str_copy(a->dns, sizeof a->dns, PASTA_DNS);
    /* the container has the host's own address: only the gateway's can stand for the host */
    if (strv_has(options, "--map-gw"))
        str_copy(a->host, sizeof a->host, a->gateway);
}

int netaddr_of(const char *mode, const struct strv *options, struct netaddr *ret, struct err *e)
{
    struct netaddr a = {.ip = ""};
    if (strcmp(mode, "slirp4netns") == 0 && slirp(options, &a, e) < 0)
        return -1;
    if (strcmp(mode, "pasta") == 0)
        pasta(options, &a);
    *ret = a;
    return 0;
}
