/*
 * pod-run and pod-create: make a container; run starts it too and, without --detach, stays.
 */
#include "run/run.h"
#include "say.h"

#include "disk/at.h"
#include "disk/journal.h"
#include "plain/fdio.h"
#include "things/containersconf.h"
#include "things/create.h"
#include "things/ctr.h"
#include "things/ready.h"
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

/* Unless somebody else has started it meanwhile. */
static void discard(const struct roots *r, const char *id)
{
    struct err ignored = ERR_INIT;
    struct ctr c;
    if (ctr_open(r, id, &c, &ignored) < 0)
        return;
    ctr_remove(r, &c, false, true, -1, &ignored);
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
    struct start_how how = {.client_fd = pair[1], .preserve = (int)o->preserve_fds};
    int signals = session_signals(o->sig_proxy != 0);
    if (ctr_start(r, c, &how, &pid, e) < 0)
        return -1;
    say_single_id(r->run_path, start_other_user(r, c));
    journal_container(c->dir, "attach", NULL);
    ready_wait_beside(r, c, sock);
    struct session s = {.roots = r,
                        .id = c->id,
                        .sock = sock,
                        .signals = signals,
                        .tty = o->tty,
                        .input = o->interactive && !passthrough && attaches(o, "stdin"),
                        .no_out = !attaches(o, "stdout"),
                        .no_err = !attaches(o, "stderr"),
                        .proxy = o->sig_proxy != 0,
                        .detach_keys = o->detach_keys};
    int res = session_run(&s, ret_code, e);
    return res == SESSION_LOST ? session_lost(r, c, ret_code, e) : res;
}

static int start_detached(const struct roots *r, const struct ctr *c, const struct create_opts *o,
                          struct err *e)
{
    struct start_how how = {.client_fd = -1, .preserve = (int)o->preserve_fds};
    pid_t pid;
    if (ctr_start(r, c, &how, &pid, e) < 0)
        return -1;
    say_single_id(r->run_path, start_other_user(r, c));
    return ready_wait(r, c, e);
}

static int run(const struct roots *r, const struct create_opts *o, const char *id, int *code,
               struct err *e)
{
    struct ctr c;
    if (ctr_open(r, id, &c, e) < 0)
        return -1;
    bool only_input = o->attach.n && !attaches(o, "stdout") && !attaches(o, "stderr");
    int res = o->detach ? start_detached(r, &c, o, e) : start_attached(r, &c, o, code, e);
    cleanup_free char *image = xstrdup(jx_str(c.record, "image"));
    ctr_close(&c);
    if (res < 0 && (o->rm || o->rmi))
        discard(r, id); /* there is no monitor that would */
    if (res >= 0 && (o->detach || only_input))
        puts(id);
    if (res == SESSION_EXIT && o->rmi && !o->detach)
        drop_image(r, image);
    return res < 0 ? -1 : 0;
}

static int work(struct create_opts *o, bool is_run, char **operands, int *code, struct err *e)
{
    struct roots r;
    const char *made_pod;
    char id[65], image[65];
    if (check_options(o, is_run, e) < 0 || roots_open(&r, e) < 0)
        return -1;
    if (o->replace && o->name)
        remove_named(o->name);
    if ((!o->rootfs && run_need_image(&r, o, &operands[0], image, e) < 0) ||
        need_pod(o, &made_pod, e) < 0)
        return -1;
    if (create_container(&r, o, operands, id, e) < 0) {
        if (made_pod)
            drop_pod(made_pod);
        return -1;
    }
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
    if (!o.runtime)
        o.runtime = getenv("POD_RUNTIME"); /* pod --runtime, pod --runtime-flag */
    const char *flags = getenv("POD_RUNTIME_FLAGS");
    if (flags && *flags)
        strv_split(&o.runtime_flag, flags, '\n');
    const char *hooks = getenv("POD_HOOKS_DIR"); /* pod --hooks-dir */
    if (hooks && *hooks)
        strv_split(&o.hooks_dir, hooks, '\n');
    const char *cdi = getenv("POD_CDI_DIRS"); /* pod --cdi-spec-dir */
    if (cdi && *cdi)
        strv_split(&o.cdi_dirs, cdi, '\n');
    if (create_defaults(&o, &e) < 0)
        return say_error(&e);
    if (work(&o, is_run, argv + first, &code, &e) < 0)
        return e.msg[0] ? say_error(&e) : e.code;
    return say_end(code);
}
