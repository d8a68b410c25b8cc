/*
 * pod-cgroup: becomes a process with limits, then COMMAND.
 *
 *   pod-cgroup --name ID [--memory BYTES] … [--path-file FILE] -- COMMAND [ARG...]
 *
 * Either a child of our own cgroup, where that is ours to divide; or a scope of the user's
 * systemd, in which this program runs a second time (--in-scope) and reads the limits back. A
 * limit that cannot take effect is an error; nothing runs without it.
 */
#include "cgroup/limits.h"

#include "disk/at.h"
#include "disk/report.h"
#include "plain/buf.h"
#include "plain/fdio.h"
#include "plain/opt.h"
#include "things/cgroup.h"
#include "things/needs.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct options {
    struct limit_options l;
    const char *name, *path_file;
    bool in_scope;
};

#define AT(field) offsetof(struct options, field)
static const struct opt table[] = {
    {"name", 0, OPT_STR, "ID", "Name of the cgroup", AT(name)},
    {"memory", 0, OPT_STR, "BYTES", "Memory", AT(l.memory)},
    {"memory-swap", 0, OPT_STR, "BYTES", "Memory and swap together, -1: no limit",
     AT(l.memory_swap)},
    {"memory-reservation", 0, OPT_STR, "BYTES", "Memory kept", AT(l.memory_reservation)},
    {"cpus", 0, OPT_STR, "NUMBER", "Processors", AT(l.cpus)},
    {"cpu-shares", 0, OPT_STR, "NUMBER", "Weight, 1024 is usual", AT(l.cpu_shares)},
    {"cpu-quota", 0, OPT_STR, "US", "Microseconds a period", AT(l.cpu_quota)},
    {"cpu-period", 0, OPT_STR, "US", "Length of the period", AT(l.cpu_period)},
    {"cpuset-cpus", 0, OPT_STR, "LIST", "Which processors", AT(l.cpuset_cpus)},
    {"cpuset-mems", 0, OPT_STR, "LIST", "Which memory nodes", AT(l.cpuset_mems)},
    {"pids", 0, OPT_STR, "NUMBER", "Processes and threads", AT(l.pids)},
    {"path-file", 0, OPT_STR, "FILE", "Write the cgroup's directory there", AT(path_file)},
    {"in-scope", 0, OPT_BOOL, NULL, NULL, AT(in_scope)},
    {.name = NULL},
};
static const struct cmd command = {
    .name = "pod-cgroup",
    .operands = "COMMAND [ARG...]",
    .summary = "Run a command in a control group with limits",
    .opts = table,
    .min = 1,
    .max = -1,
    .stop_at_operand = 1,
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

static int note_path(const struct options *o, const char *dir, struct err *e)
{
    if (o->path_file && at_write(AT_FDCWD, o->path_file, dir, strlen(dir), 0600, AT_PLAIN) < 0)
        return err_sys(e, "cannot write \"%s\"", o->path_file);
    return 0;
}

/* A child of parent with the limits; we move in last, so a failure leaves us where we were. */
static int make_child(const struct options *o, const struct limits *l, const char *parent,
                      struct err *e)
{
    cleanup_free char *dir = xasprintf("%s/pod-%s", parent, o->name);
    cleanup_free char *procs = xasprintf("%s/cgroup.procs", dir);
    /* noted before it is made: whoever cleans up after us finds it */
    if (note_path(o, dir, e) < 0)
        return -1;
    if (mkdir(dir, 0755) < 0 && errno != EEXIST)
        return err_sys(e, "cannot make the container's cgroup \"%s\"", dir);
    cleanup_fd int fd = open(procs, O_WRONLY | O_CLOEXEC);
    int r = limits_apply(l, dir, e);
    if (r == 0 && (fd < 0 || fd_write_all(fd, "0", 1) < 0))
        r = err_sys(e, "cannot enter the container's cgroup \"%s\"", dir);
    if (r < 0)
        rmdir(dir);
    return r;
}

/* Does not return when systemd-run can be started; its words on failure go to stderr. */
static int enter_scope(const struct options *o, const struct limits *l, char **argv, int first,
                       struct err *e)
{
    cleanup(strv_free) struct strv a = STRV_INIT;
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0)
        return err_sys(e, "cannot find pod-cgroup itself");
    self[n] = '\0';
    strv_add(&a, "systemd-run");
    strv_add(&a, "--user");
    strv_add(&a, "--scope");
    strv_add(&a, "--quiet");
    strv_add(&a, "--collect");
    /* an earlier run's scope may still be on its way out, so the name alone would collide */
    strv_addf(&a, "--unit=pod-%s-%d.scope", o->name, (int)getpid());
    strv_add(&a, "--property=Delegate=yes");
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i].property[0])
            strv_addf(&a, "--property=%s", l->v[i].property);
    strv_add(&a, "--");
    strv_add(&a, self);
    strv_add(&a, "--in-scope");
    for (int i = 1; i < first; i++)
        strv_add(&a, argv[i]);
    /* the parser has left "--" behind the options only when it was typed */
    if (strcmp(argv[first - 1], "--") != 0)
        strv_add(&a, "--");
    for (int i = first; argv[i]; i++)
        strv_add(&a, argv[i]);
    execvp(a.v[0], a.v);
    return err_sys(e, "%s: cannot run systemd-run, which asks the user's systemd for a cgroup",
                   l->v[0].option);
}

static int place(const struct options *o, const struct limits *l, char **argv, int first,
                 struct err *e)
{
    const char *controllers[11];
    if (l->n == 0)
        return 0;
    limits_controllers(l, controllers);
    if (o->in_scope) {
        cleanup_free char *own = cgroup_own();
        if (!own)
            return err_set(e, 0, "%s: the scope made by systemd has no cgroup v2", l->v[0].option);
        return limits_apply(l, own, e) < 0 ? -1 : note_path(o, own, e);
    }
    for (size_t i = 0; i < l->n; i++)
        if (needs_cgroup(l->v[i].option, l->v[i].controller, e) < 0)
            return -1;
    cleanup_free char *parent = cgroup_divisible(controllers);
    if (parent)
        return make_child(o, l, parent, e);
    return enter_scope(o, l, argv, first, e);
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct options o = {.name = NULL};
    struct limits l;
    int first;
    int r = cmd_parse(&command, &o, argc, argv, &first, &e);
    if (r == CMD_HELP) {
        cleanup(buf_free) struct buf b = BUF_INIT;
        cmd_help(&command, &b);
        return fd_write_all(1, b.s, b.len) < 0 ? 125 : 0;
    }
    if (r < 0)
        return fail(&e);
    if (!o.name || !*o.name || strchr(o.name, '/') || strlen(o.name) > 128) {
        err_set(&e, 0, "pod-cgroup: --name is needed");
        return fail(&e);
    }
    if (limits_parse(&o.l, &l, &e) < 0 || place(&o, &l, argv, first, &e) < 0)
        return fail(&e);
    execvp(argv[first], argv + first);
    err_sys(&e, "cannot run \"%s\"", argv[first]);
    e.code = errno == ENOENT ? 127 : 126;
    return fail(&e);
}
