/* pod-attach: joins a container's terminal or streams, from now on. */
#include "say.h"

#include "disk/journal.h"
#include "plain/fdio.h"
#include "things/select.h"
#include "things/session.h"
#include "words/attach.h"
#include "words/exitcode.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct options {
    struct select which;
    bool no_stdin;
    int sig_proxy;
    const char *detach_keys;
};

#define AT(f) offsetof(struct options, f)
static const struct opt options[] = {
    {"detach-keys", 0, OPT_STR, "KEYS", "Keys that detach (default ctrl-p,ctrl-q)",
     AT(detach_keys)},
    {"latest", 'l', OPT_BOOL, NULL, "The container created last", AT(which.latest)},
    {"no-stdin", 0, OPT_BOOL, NULL, "Do not pass standard input on", AT(no_stdin)},
    {"sig-proxy", 0, OPT_TRI, NULL, "Pass signals on to the container", AT(sig_proxy)},
    {0},
};

static const struct cmd command = {
    .name = "pod attach",
    .operands = "CONTAINER",
    .summary = "Attach to a running container",
    .more = "Exit codes: the container's own; 0 after detaching; 125 pod failed.",
    .opts = options,
    .max = 1,
};

static int join(const struct roots *r, const struct ctr *c, const struct options *o, int *code,
                struct err *e)
{
    struct ctr_status st;
    ctr_status(r, c, &st);
    if (st.state != CTR_RUNNING) {
        err_set(e, 0, "you can only attach to running containers");
        return err_hint(e, "Type: pod %s %s", st.state == CTR_PAUSED ? "unpause" : "start --attach",
                        ctr_name(c));
    }
    cleanup_fd int sock = attach_connect(r, c->id, e);
    if (sock < 0)
        return err_set(e, 0, "container %s runs without its monitor: its output cannot be reached",
                       c->id);
    if (attach_sendf(sock, ATTACH_JOIN, "oe") < 0)
        return err_sys(e, "cannot attach to container %s", c->id);
    journal_container(c->dir, "attach", NULL);
    struct session s = {.roots = r,
                        .id = c->id,
                        .sock = sock,
                        .tty = jx_bool(c->record, "tty"),
                        .input = !o->no_stdin && jx_bool(c->record, "stdin"),
                        .proxy = o->sig_proxy != 0,
                        .detach_keys = o->detach_keys};
    int res = session_run(&s, code, e);
    return res == SESSION_LOST ? session_lost(r, c, code, e) : res < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct options o = {.sig_proxy = -1};
    struct roots r;
    struct ctr c;
    cleanup(strv_free) struct strv names = STRV_INIT;
    int code = 0;
    int first = say_parse(&command, &o, argc, argv, &code);
    if (first < 0)
        return code;
    if (roots_open(&r, &e) < 0 || select_names(&r, &o.which, argv + first, &names, &e) < 0 ||
        ctr_find(&r, names.v[0], &c, &e) < 0 || join(&r, &c, &o, &code, &e) < 0)
        return say_error(&e);
    return say_end(code);
}
