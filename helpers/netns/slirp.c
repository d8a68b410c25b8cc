/* slirp4netns: a user-space TCP/IP stack behind tap0; ports by pod-ports, or by requests on its
 * socket. */
#include "netns.h"

#include "plain/fdio.h"
#include "things/needs.h"
#include "things/start.h"
#include "words/json.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEFAULT_MTU "65520"
#define MAX_ANSWER  65536

struct slirp {
    const char *mtu, *cidr, *outbound, *outbound6;
    bool host_loopback, ipv6;
    bool forwards; /* it carries published ports itself, else pod-ports does */
    char socket[sizeof((struct sockaddr_un *)0)->sun_path];
    char socket_dir[32]; /* ours in /tmp, to be removed; "" */
};

/* ---- options ---- */

static int truth(const char *option, const char *value, bool *ret, struct err *e)
{
    if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
        return err_set(e, 0, "invalid value of %s for slirp4netns: \"%s\"", option, value);
    *ret = value[0] == 't';
    return 0;
}

static int take_option(struct slirp *s, const char *option, struct err *e)
{
    static const char *const handlers[] = {"slirp4netns", "rootlesskit", NULL};
    const char *value = strchr(option, '=');
    if (!value++)
        return err_set(e, 0, "unknown option for slirp4netns: \"%s\"", option);
    if (str_starts(option, "allow_host_loopback="))
        return truth("allow_host_loopback", value, &s->host_loopback, e);
    if (str_starts(option, "enable_ipv6="))
        return truth("enable_ipv6", value, &s->ipv6, e);
    if (str_starts(option, "mtu=")) {
        uint64_t mtu;
        if (str_u64(value, 65521, &mtu) < 0 || mtu < 68)
            return err_set(e, 0, "invalid mtu for slirp4netns: \"%s\"", value);
        s->mtu = value;
    } else if (str_starts(option, "cidr="))
        s->cidr = value;
    else if (str_starts(option, "outbound_addr="))
        s->outbound = value;
    else if (str_starts(option, "outbound_addr6="))
        s->outbound6 = value;
    else if (!str_starts(option, "port_handler="))
        return err_set(e, 0, "unknown option for slirp4netns: \"%s\"", option);
    else if (!str_in(value, handlers))
        return err_set(e, 0, "unknown port_handler for slirp4netns: \"%s\"", value);
    else
        s->forwards = strcmp(value, "slirp4netns") == 0;
    return 0;
}

/* ---- ports ---- */

/* In the run directory when the name fits a socket address, else in a directory of our own. */
static int place_socket(struct slirp *s, const struct netns *n, struct err *e)
{
    s->socket_dir[0] = '\0';
    if (n->run_dir && strlen(n->run_dir) + strlen("/slirp") < sizeof s->socket) {
        snprintf(s->socket, sizeof s->socket, "%s/slirp", n->run_dir);
        unlink(s->socket);
        return 0;
    }
    snprintf(s->socket_dir, sizeof s->socket_dir, "/tmp/pod-netns-XXXXXX");
    if (!mkdtemp(s->socket_dir))
        return err_sys(e, "cannot make a directory for slirp4netns' socket");
    snprintf(s->socket, sizeof s->socket, "%s/slirp", s->socket_dir);
    return 0;
}

static void drop_socket(const struct slirp *s)
{
    if (s->socket[0])
        unlink(s->socket);
    if (s->socket_dir[0])
        rmdir(s->socket_dir);
}

/* One request a connection; the answer ends with it. */
static int ask(const struct slirp *s, const char *request, struct buf *answer, struct err *e)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = 10};
    memcpy(a.sun_path, s->socket, sizeof a.sun_path);
    cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0 ||
        connect(fd, (struct sockaddr *)&a, sizeof a) < 0 ||
        fd_write_all(fd, request, strlen(request)) < 0 || shutdown(fd, SHUT_WR) < 0 ||
        fd_read_all(fd, MAX_ANSWER, answer) < 0)
        return err_sys(e, "cannot ask slirp4netns for a port");
    return 0;
}

static int forward(const struct slirp *s, const struct port *p, const char *guest, struct err *e)
{
    cleanup(buf_free) struct buf answer = BUF_INIT;
    cleanup_json reply = NULL;
    if (strchr(p->ip, ':')) {
        err_set(e, 0, "slirp4netns cannot publish on the IPv6 address %s", p->ip);
        return err_hint(e, "Leave port_handler=slirp4netns away");
    }
    cleanup_json request =
        json_pack("{s:s, s:{s:s, s:s, s:i, s:s, s:i}}", "execute", "add_hostfwd", "arguments",
                  "proto", p->udp ? "udp" : "tcp", "host_addr", *p->ip ? p->ip : "0.0.0.0",
                  "host_port", p->host, "guest_addr", guest, "guest_port", p->ctr);
    cleanup_free char *text = json_dumps(request, JSON_COMPACT);
    if (!text)
        return err_set(e, 0, "cannot ask slirp4netns for a port: out of memory");
    if (ask(s, text, &answer, e) < 0 ||
        jx_parse("answer of slirp4netns", buf_str(&answer), answer.len, &reply, e) < 0)
        return -1;
    const json_t *error = json_object_get(reply, "error");
    if (!error)
        return 0;
    /* it was free a moment ago: somebody was faster, or there is a reason that only slirp knows */
    if (strstr(jx_str(error, "desc"), "slirp_add_hostfwd failed"))
        return port_in_use(p, EADDRINUSE, e);
    return err_set(e, 0, "slirp4netns: %s", jx_str(error, "desc"));
}

/* ---- start ---- */

/*
 * Started as root of the user's namespace, which has every right over the container's, and enters
 * the container's network alone: in the container's user namespace its root could go through it to
 * the host, where both see the same processes (--pid=host).
 */
static void build(struct strv *a, const struct slirp *s, const struct netns *n, const char *path,
                  int ready_fd)
{
    start_add_userns(a);
    strv_add(a, path);
    strv_add(a, "--configure");
    strv_add(a, "--enable-sandbox");
    strv_add(a, "--enable-seccomp");
    if (!s->host_loopback)
        strv_add(a, "--disable-host-loopback");
    if (s->ipv6)
        strv_add(a, "--enable-ipv6");
    strv_addf(a, "--mtu=%s", s->mtu);
    if (s->cidr)
        strv_addf(a, "--cidr=%s", s->cidr);
    if (s->outbound)
        strv_addf(a, "--outbound-addr=%s", s->outbound);
    if (s->outbound6)
        strv_addf(a, "--outbound-addr6=%s", s->outbound6);
    strv_addf(a, "--ready-fd=%d", ready_fd);
    strv_addf(a, "--exit-fd=%d", n->exit_fd);
    if (s->socket[0])
        strv_addf(a, "--api-socket=%s", s->socket);
    strv_add(a, "--netns-type=path");
    strv_addf(a, "/proc/%d/ns/net", n->pid);
    strv_add(a, "tap0");
}

static int start(const struct slirp *s, const struct netns *n, const struct netaddr *addr,
                 pid_t *ret_pid, struct err *e)
{
    cleanup_free char *path = NULL;
    cleanup(strv_free) struct strv argv = STRV_INIT;
    struct program p;
    int ready[2];
    if (needs_netprogram("slirp4netns", &path, e) < 0 || needs_tun(e) < 0)
        return -1;
    if (pipe2(ready, O_CLOEXEC) < 0)
        return err_sys(e, "cannot make a pipe");
    const int keep[PROGRAM_KEEP] = {n->exit_fd, -1, -1};
    build(&argv, s, n, path, ready[1]);
    if (program_start(argv.v, ready, keep, &p, e) < 0 || program_ready(&p, "slirp4netns", e) < 0)
        return -1;
    *ret_pid = p.pid;
    int r = 0;
    for (size_t i = 0; i < n->nports && s->forwards && r == 0; i++)
        r = forward(s, &n->ports[i], addr->ip, e);
    if (n->nports && !s->forwards)
        r = ports_serve(n, addr, e);
    if (r < 0) {
        kill(p.pid, SIGTERM);
        waitpid(p.pid, NULL, 0);
    }
    return r;
}

int slirp_start(const struct netns *n, const struct netaddr *addr, pid_t *ret_pid, struct err *e)
{
    struct slirp s = {.mtu = DEFAULT_MTU};
    for (size_t i = 0; i < n->options.n; i++)
        if (take_option(&s, n->options.v[i], e) < 0)
            return -1;
    if (n->exit_fd < 0)
        return err_set(e, 0, "pod-netns: slirp4netns needs --exit-fd: nothing else ends it");
    if (n->nports && s.forwards && place_socket(&s, n, e) < 0)
        return -1;
    int r = start(&s, n, addr, ret_pid, e);
    drop_socket(&s);
    return r;
}
