/* pod-start: starts containers that exist; with --attach stays with one of them. */
#include "say.h"

#include "disk/journal.h"
#include "things/select.h"
#include "things/session.h"
#include "things/start.h"
#include "words/exitcode.h"

#include "plain/fdio.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct options {
    struct select which;
    bool attach, interactive;
    int sig_proxy;
    const char *detach_keys;
};

#define AT(f) offsetof(struct options, f)
static const struct opt options[] = {
    {"all", 0, OPT_BOOL, NULL, "Start all containers that do not run", AT(which.all)},
    {"attach", 'a', OPT_BOOL, NULL, "Stay attached to its output and pass signals on", AT(attach)},
    {"detach-keys", 0, OPT_STR, "KEYS", "Keys that detach (default ctrl-p,ctrl-q)",
     AT(detach_keys)},
    {"filter", 'f', OPT_LIST, "KEY=VALUE", "Only those that match, as for pod ps",
     AT(which.filter)},
    {"interactive", 'i', OPT_BOOL, NULL, "Pass standard input on as well", AT(interactive)},
    {"latest", 'l', OPT_BOOL, NULL, "The container created last", AT(which.latest)},
    {"sig-proxy", 0, OPT_TRI, NULL, "Pass signals on to the container", AT(sig_proxy)},
    {0},
};

static const struct cmd command = {
    .name = "pod start",
    .operands = "CONTAINER...",
    .summary = "Start one or more containers",
    .more = "Exit codes: 0 started (with --attach the container's own), 125 one could\n"
            "not be started.",
    .opts = options,
    .max = -1,
};

static int stay(const struct roots *r, const struct ctr *c, const struct options *o, int *code,
                struct err *e)
{
    int pair[2];
    pid_t pid;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return err_sys(e, "cannot make a socket pair");
    cleanup_fd int sock = pair[0];
    struct start_how how = {.client_fd = pair[1]};
    int signals = session_signals(o->sig_proxy != 0);
    int res = ctr_start(r, c, &how, &pid, e);
    if (res < 0)
        return -1;
    if (res == START_RUNNING) {
        close(sock);
        sock = attach_connect(r, c->id, e);
        if (sock < 0 || attach_sendf(sock, 'a', "oe") < 0)
            return -1;
    }
    say_single_id(r->run_path);
    journal_container(c->dir, "attach", NULL);
    struct session s = {.roots = r,
                        .id = c->id,
                        .sock = sock,
                        .signals = signals,
                        .tty = jx_bool(c->record, "tty"),
                        .input = o->interactive && jx_bool(c->record, "stdin"),
                        .proxy = o->sig_proxy != 0,
                        .detach_keys = o->detach_keys};
    res = session_run(&s, code, e);
    return res == SESSION_LOST ? session_lost(r, c, code, e) : res < 0 ? -1 : 0;
}

static bool runs(const struct roots *r, const char *id)
{
    struct ctr c;
    struct ctr_status s = {0};
    struct err ignored = ERR_INIT;
    if (ctr_find(r, id, &c, &ignored) == 0) {
        ctr_status(r, &c, &s);
        ctr_close(&c);
    }
    return ctr_is_up(&s);
}

static int one(const struct roots *r, const char *name, const struct options *o, int *code,
               struct err *e)
{
    struct ctr c;
    pid_t pid;
    if (ctr_find(r, name, &c, e) < 0)
        return -1;
    struct start_how how = {.client_fd = -1};
    struct ctr_status s;
    ctr_status(r, &c, &s);
    if (s.state == CTR_PAUSED) {
        err_set(e, 0,
                "unable to start container \"%s\": container %s must be in Created or Stopped "
                "state to be started: container state improper",
                c.id, c.id);
        err_hint(e, "Type: pod unpause %s", ctr_name(&c));
        ctr_close(&c);
        return -1;
    }
    int res =
        o->attach || o->interactive ? stay(r, &c, o, code, e) : ctr_start(r, &c, &how, &pid, e);
    if (res < 0) {
        err_prefix(e, "unable to start container \"%s\"", c.id);
        e->code = EXIT_TOOL;
    }
    say_single_id(r->run_path);
    ctr_close(&c);
    return res;
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct options o = {
        .sig_proxy = -1,
        .which.nothing = "start requires at least one argument",
        .which.all_clash =
            "either start all containers or the container(s) provided in the arguments"};
    struct roots r;
    cleanup(strv_free) struct strv names = STRV_INIT;
    int code = 0;
    int first = say_parse(&command, &o, argc, argv, &code);
    if (first < 0)
        return code;
    if (roots_open(&r, &e) < 0 || select_names(&r, &o.which, argv + first, &names, &e) < 0)
        return say_error(&e);
    if ((o.attach || o.interactive) && names.n > 1) {
        err_set(&e, 0, "you cannot start and attach multiple containers at once");
        return say_error(&e);
    }
    for (size_t i = 0; i < names.n; i++) {
        if (o.which.all && runs(&r, names.v[i]))
            continue;
        if (one(&r, names.v[i], &o, &code, &e) < 0)
            code = say_error(&e);
        else if (!o.attach && !o.interactive)
            puts(names.v[i]);
    }
    return say_end(code);
}
