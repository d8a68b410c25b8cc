/*
 * pod-netns: gives the network namespace of a process its network.
 *
 * Runs as the plain user, outside of the container's namespaces, and stays behind only as the
 * program that does the work (slirp4netns or pasta). One ability: it lets others open
 * /dev/net/tun; what they read from the network never passes through here.
 *
 * Answers on descriptor 3: ok and {"ip", "gateway", "dns", "pid"}; strings are "" where the
 * container has none of its own (pasta: the host's resolvers are reached directly).
 */
#include "netns/netns.h"

#include "disk/report.h"
#include "plain/fdio.h"
#include "plain/opt.h"
#include "words/json.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_PORTS 65536

struct options {
    int64_t pid, exit_fd;
    const char *mode, *run_dir;
    struct strv options, publish, keep;
};

#define AT(field) offsetof(struct options, field)
static const struct opt table[] = {
    {"pid", 0, OPT_INT, "PID", "A process in the namespace", AT(pid)},
    {"mode", 0, OPT_STR, "MODE", "slirp4netns, pasta or none", AT(mode)},
    {"option", 0, OPT_LIST, "OPT", "Option of the network program", AT(options)},
    {"publish", 0, OPT_LIST, "IP:HOST:CTR/PROTO", "Forward a port", AT(publish)},
    {"exit-fd", 0, OPT_INT, "FD", "End when this descriptor's other end is closed", AT(exit_fd)},
    {"run-dir", 0, OPT_STR, "DIR", "Place of sockets", AT(run_dir)},
    {"keep-sysctl", 0, OPT_LIST, "NAME", "Leave this one as the container has it", AT(keep)},
    {.name = NULL},
};
static const struct cmd command = {
    .name = "pod-netns",
    .operands = "",
    .summary = "Set up the network of a container",
    .opts = table,
};

static int fail(const struct err *e)
{
    if (fcntl(REPORT_FD, F_GETFD) >= 0) {
        report_err(e);
    } else {
        fprintf(stderr, "Error: %s\n", e->msg);
        if (e->hint[0])
            fprintf(stderr, "%s\n", e->hint);
    }
    return e->code ? e->code : 125;
}

static int check(const struct options *o, struct err *e)
{
    static const char *const modes[] = {"slirp4netns", "pasta", "none", NULL};
    if (o->pid <= 0 || o->pid > INT32_MAX || !o->mode)
        return err_set(e, 0, "pod-netns: --pid and --mode are needed");
    if (!str_in(o->mode, modes))
        return opt_unknown("network mode", o->mode, modes, "pod-netns", e);
    if (o->publish.n > MAX_PORTS)
        return err_set(e, 0, "pod-netns: more than %d ports", MAX_PORTS);
    if (o->exit_fd != -1 &&
        (o->exit_fd <= REPORT_FD || o->exit_fd > INT32_MAX || fcntl((int)o->exit_fd, F_GETFD) < 0))
        return err_set(e, 0, "pod-netns: --exit-fd %lld is no open descriptor above 3",
                       (long long)o->exit_fd);
    if (kill((pid_t)o->pid, 0) < 0 && errno == ESRCH)
        return err_set(e, 0, "pod-netns: process %lld does not exist", (long long)o->pid);
    return 0;
}

static int set_up(const struct options *o, struct netns *n, struct netaddr *addr, pid_t *ret_pid,
                  struct err *e)
{
    for (size_t i = 0; i < o->publish.n; i++, n->nports++)
        if (port_parse(o->publish.v[i], &n->ports[i], e) < 0)
            return -1;
    if (n->nports && strcmp(o->mode, "none") == 0)
        return err_set(e, 0, "ports cannot be published without a network");
    if (netaddr_of(o->mode, &o->options, addr, e) < 0 || ports_check(n, e) < 0)
        return -1;
    sysctls_open(n->pid, &o->keep);
    if (strcmp(o->mode, "none") == 0)
        return 0;
    return strcmp(o->mode, "pasta") == 0 ? pasta_start(n, addr, ret_pid, e)
                                         : slirp_start(n, addr, ret_pid, e);
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct options o = {.exit_fd = -1};
    struct netaddr addr = {.ip = ""};
    pid_t pid = 0;
    int first;
    signal(SIGPIPE, SIG_IGN);
    switch (cmd_parse(&command, &o, argc, argv, &first, &e)) {
    case CMD_HELP: {
        cleanup(buf_free) struct buf b = BUF_INIT;
        cmd_help(&command, &b);
        return fd_write_all(1, b.s, b.len) < 0 ? 125 : 0;
    }
    case CMD_OK:
        break;
    default:
        return fail(&e);
    }
    if (check(&o, &e) < 0)
        return fail(&e);
    struct netns n = {.pid = (pid_t)o.pid,
                      .exit_fd = (int)o.exit_fd,
                      .run_dir = o.run_dir,
                      .options = o.options,
                      .ports = xcalloc(o.publish.n + 1, sizeof *n.ports)};
    if (set_up(&o, &n, &addr, &pid, &e) < 0)
        return fail(&e);
    cleanup_json answer = json_pack("{s:s, s:s, s:s, s:i}", "ip", addr.ip, "gateway", addr.gateway,
                                    "dns", addr.dns, "pid", (int)pid);
    cleanup_free char *text = json_dumps(answer, JSON_COMPACT);
    report_ok(text);
    return 0;
}
