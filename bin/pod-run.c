/*
 * pod-run and pod-create: make a container; run starts it too and, without --detach, stays.
 */
#include "run/run.h"
#include "say.h"

#include "disk/at.h"
#include "plain/fdio.h"
#include "things/create.h"
#include "things/ctr.h"
#include "things/session.h"
#include "things/spawn.h"
#include "things/start.h"
#include "things/stop.h"
#include "words/exitcode.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char codes[] =
    "Exit codes: the container's own; 125 pod failed, 126 the command cannot be run,\n"
    "127 it was not found, 128+N it was ended by signal N.";

static const struct cmd run_command = {
    .name = "pod run",
    .operands = "IMAGE [COMMAND [ARG...]]",
    .summary = "Run a command in a new container",
    .more = codes,
    .opts = create_option_table,
    .min = 1,
    .max = -1,
    .stop_at_operand = 1,
};
static const struct cmd create_command = {
    .name = "pod create",
    .operands = "IMAGE [COMMAND [ARG...]]",
    .summary = "Create a container, do not start it",
    .more = "Exit codes: 0 created, 125 pod failed.",
    .opts = create_option_table,
    .min = 1,
    .max = -1,
    .stop_at_operand = 1,
};

static void remove_named(const char *name)
{
    struct err ignored = ERR_INIT;
    cleanup_free char *rm = bin_path("pod-rm");
    char *argv[] = {rm, (char *)(uintptr_t) "--force", (char *)(uintptr_t) "--ignore",
                    (char *)(uintptr_t)name, NULL};
    struct spawn s = {.argv = argv, .in = -1, .out = -1, .err = -1, .report = -1};
    pid_t pid;
    if (spawn(&s, &pid, &ignored) == 0)
        spawn_wait(pid);
}

/* --pod new:NAME makes the pod first. */
static int need_pod(struct create_opts *o, struct err *e)
{
    if (!o->pod || !str_starts(o->pod, "new:"))
        return 0;
    o->pod += strlen("new:");
    cleanup(strv_free) struct strv argv = STRV_INIT;
    strv_take(&argv, bin_path("pod-pod"));
    strv_add(&argv, "create");
    strv_add(&argv, "--name");
    strv_add(&argv, o->pod);
    const struct {
        const char *flag;
        struct strv *values;
    } lists[] = {{"--publish", &o->publish},       {"--network", &o->network},
                 {"--add-host", &o->add_host},     {"--dns", &o->dns},
                 {"--dns-option", &o->dns_option}, {"--dns-search", &o->dns_search}};
    for (size_t k = 0; k < sizeof lists / sizeof *lists; k++) {
        for (size_t i = 0; i < lists[k].values->n; i++) {
            strv_add(&argv, lists[k].flag);
            strv_add(&argv, lists[k].values->v[i]);
        }
        strv_free(lists[k].values);
    }
    if (o->hostname) {
        strv_add(&argv, "--hostname");
        strv_add(&argv, o->hostname);
    }
    struct spawn s = {.argv = argv.v, .in = -1, .out = -1, .err = SPAWN_INHERIT, .report = -1};
    pid_t pid;
    if (spawn(&s, &pid, e) < 0)
        return -1;
    e->code = spawn_wait(pid);
    e->msg[0] = '\0';
    return e->code ? -1 : 0;
}

/* ---- run ---- */

/* Unless somebody else has started it meanwhile. */
static void discard(const struct roots *r, const char *id)
{
    struct err ignored = ERR_INIT;
    struct ctr c;
    if (ctr_open(r, id, &c, &ignored) < 0)
        return;
    ctr_remove(r, &c, false, -1, &ignored);
    ctr_close(&c);
}

/* The container is there from the first byte on: its monitor gets us as its first client. */
static int start_attached(const struct roots *r, const struct ctr *c, const struct create_opts *o,
                          int *ret_code, struct err *e)
{
    int pair[2];
    pid_t pid;
    bool passthrough = o->log_driver && strcmp(o->log_driver, "passthrough") == 0;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return err_sys(e, "cannot make a socket pair");
    cleanup_fd int sock = pair[0];
    struct start_how how = {.client_fd = pair[1]};
    int signals = session_signals(o->sig_proxy != 0);
    if (ctr_start(r, c, &how, &pid, e) < 0)
        return -1;
    struct session s = {.roots = r,
                        .id = c->id,
                        .sock = sock,
                        .signals = signals,
                        .tty = o->tty,
                        .input = o->interactive && !passthrough,
                        .proxy = o->sig_proxy != 0,
                        .detach_keys = o->detach_keys};
    switch (session_run(&s, ret_code, e)) {
    case SESSION_EXIT:
    case SESSION_DETACHED:
        return 0;
    case SESSION_LOST:
        return session_lost(r, c, ret_code, e);
    default:
        return -1;
    }
}

static int start_detached(const struct roots *r, const struct ctr *c, struct err *e)
{
    struct start_how how = {.client_fd = -1};
    pid_t pid;
    return ctr_start(r, c, &how, &pid, e) < 0 ? -1 : 0;
}

static int run(const struct roots *r, const struct create_opts *o, const char *id, int *code,
               struct err *e)
{
    struct ctr c;
    if (ctr_open(r, id, &c, e) < 0)
        return -1;
    int res = o->detach ? start_detached(r, &c, e) : start_attached(r, &c, o, code, e);
    ctr_close(&c);
    if (res < 0 && o->rm)
        discard(r, id); /* there is no monitor that would */
    if (res == 0 && o->detach)
        puts(id);
    return res;
}

static int check_options(const struct create_opts *o, bool is_run, struct err *e)
{
    if (is_run && o->tty && o->interactive && !o->detach && !isatty(0)) {
        err_set(e, 0,
                "the input device is not a TTY. The --tty and --interactive flags might not work "
                "properly");
        fprintf(stderr, "Warning: %s\n", e->msg);
    }
    if (o->detach_keys && *o->detach_keys) {
        char keys[16];
        if (detach_keys_parse(o->detach_keys, keys, sizeof keys) < 0)
            return err_set(e, 0, "invalid detach keys \"%s\"", o->detach_keys);
    }
    return 0;
}

static int work(struct create_opts *o, bool is_run, char **operands, int *code, struct err *e)
{
    struct roots r;
    char id[65], image[65];
    if (check_options(o, is_run, e) < 0 || roots_open(&r, e) < 0)
        return -1;
    if (o->replace && o->name)
        remove_named(o->name);
    if (run_need_image(&r, o, &operands[0], image, e) < 0)
        return -1;
    if (need_pod(o, e) < 0 || create_container(&r, o, operands, id, e) < 0)
        return -1;
    if (!is_run) {
        puts(id);
        return 0;
    }
    return run(&r, o, id, code, e);
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct create_opts o = CREATE_OPTS_INIT;
    const char *name = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
    bool is_run = strcmp(name, "pod-create") != 0;
    cleanup_free char **line = xcalloc((size_t)argc + 1, sizeof *line);
    memcpy(line, argv, (size_t)argc * sizeof *line);
    int code = 0;
    int first = say_parse(is_run ? &run_command : &create_command, &o, argc, argv, &code);
    if (first < 0)
        return code;
    o.command_line = line;
    if (work(&o, is_run, argv + first, &code, &e) < 0)
        return e.msg[0] ? say_error(&e) : e.code;
    return say_end(code);
}
