/*
 * pod-cgroup: becomes a process with limits, then COMMAND.
 *
 *   pod-cgroup --name ID --prepare LIMITS -- MONITOR      see that the next will work
 *   pod-cgroup --name ID [--path-file FILE] LIMITS -- COMMAND
 *   pod-cgroup --join DIR -- COMMAND                      into a container's cgroup, for exec
 *   pod-cgroup --update DIR LIMITS                        of a container that runs already
 *
 * The container's cgroup is a child of the nearest one that is ours to divide. Where there is
 * none, --prepare gets a scope from systemd, delegated to us as a whole, and the container's
 * monitor lives in it: so nobody takes the container's cgroup away before the monitor has read
 * there whether the kernel killed for memory, and systemd has no limits to overwrite ours with.
 *
 *   pod-ID-PID.scope    controllers handed on
 *     monitor           pod-monitor
 *     pod-ID            the container, with the limits
 *
 * A limit that cannot take effect is an error; nothing runs without it.
 */
#include "fail.h"

#include "cgroup/limits.h"
#include "cgroup/scope.h"

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
    const char *name, *path_file, *join, *update, *parent, *own;
    bool prepare;
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
    {"file", 0, OPT_LIST, "OPTION FILE=VALUE", "A file of it as it is, for that option",
     AT(l.files)},
    {"own", 0, OPT_STR, "HOW", "One of its own without limits, too: must, or wish", AT(own)},
    {"parent", 0, OPT_STR, "DIR", "Put it below this one", AT(parent)},
    {"path-file", 0, OPT_STR, "FILE", "Write the cgroup's directory there", AT(path_file)},
    {"prepare", 0, OPT_BOOL, NULL, "Only see to a place for it", AT(prepare)},
    {"join", 0, OPT_STR, "DIR", "Enter this cgroup", AT(join)},
    {"update", 0, OPT_STR, "DIR", "Put the limits into this cgroup", AT(update)},
    {.name = NULL},
};
static const struct cmd command = {
    .name = "pod-cgroup",
    .operands = "COMMAND [ARG...]",
    .summary = "Run a command in a control group with limits",
    .opts = table,
    .max = -1,
    .stop_at_operand = 1,
};

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
    /* noted before it is made: whoever cleans up after us finds it */
    if (note_path(o, dir, e) < 0)
        return -1;
    rmdir(dir); /* a killed monitor's; its counters would be taken for ours */
    if (mkdir(dir, 0755) < 0)
        return err_sys(e, "cannot make the container's cgroup \"%s\"", dir);
    int r = limits_apply(l, dir, e);
    if (r == 0)
        r = scope_enter(dir, e);
    if (r < 0)
        rmdir(dir);
    return r;
}

/* What is not needed now, pod update may need later. */
static void hand_on_all(const char *scope, int control)
{
    cleanup_free char *path = xasprintf("%s/cgroup.controllers", scope);
    cleanup(buf_free) struct buf there = BUF_INIT;
    char *save = NULL;
    if (at_read(AT_FDCWD, path, 4096, &there) < 0 || !there.s)
        return;
    for (char *w = strtok_r(there.s, " \n", &save); w; w = strtok_r(NULL, " \n", &save)) {
        cleanup_free char *word = xasprintf("+%s", w);
        (void)!write(control, word, strlen(word));
    }
}

/* Controllers reach the children of a cgroup only when no process is left in itself. */
static int divide(const char *scope, const char *const *controllers, struct err *e)
{
    cleanup_free char *leaf = xasprintf("%s/monitor", scope);
    cleanup_free char *control = xasprintf("%s/cgroup.subtree_control", scope);
    cleanup(buf_free) struct buf words = BUF_INIT;
    if (mkdir(leaf, 0755) < 0)
        return err_sys(e, "cannot make the cgroup \"%s\"", leaf);
    if (scope_enter(leaf, e) < 0)
        return -1;
    cleanup_fd int fd = open(control, O_WRONLY | O_CLOEXEC);
    hand_on_all(scope, fd);
    for (; *controllers; controllers++)
        buf_addf(&words, "+%s ", *controllers);
    if (fd < 0 || fd_write_all(fd, words.s, words.len) < 0)
        return err_sys(e, "cannot write \"%s\" to \"%s\"", words.s, control);
    return 0;
}

static int prepare(const struct options *o, const struct limits *l, const char *const *controllers,
                   struct err *e)
{
    for (size_t i = 0; i < l->n; i++)
        if (!limit_is_core(&l->v[i]) && needs_cgroup(l->v[i].option, l->v[i].controller, e) < 0)
            return -1;
    cleanup_free char *parent = cgroup_divisible(controllers);
    if (parent)
        return 0;
    /* an earlier run's scope may still be on its way out, so the name alone would collide */
    cleanup_free char *unit = xasprintf("pod-%s-%d.scope", o->name, (int)getpid());
    int r = scope_enter_new(unit, e);
    cleanup_free char *own = r == 0 ? cgroup_own() : NULL;
    if (r == 0 && !own)
        r = err_set(e, 0, "the scope made by systemd has no cgroup v2");
    if (r == 0)
        r = divide(own, controllers, e);
    return r < 0 ? err_prefix(e, "%s", l->n ? l->v[0].option : "a cgroup of its own") : 0;
}

/* Of a container that runs: what its cgroup was not given it cannot be given any more. */
static int update(const struct options *o, const struct limits *l, struct err *e)
{
    for (size_t i = 0; i < l->n; i++)
        if (!limit_is_core(&l->v[i]) &&
            !cgroup_lists(o->update, "cgroup.controllers", l->v[i].controller))
            return needs_cgroup(l->v[i].option, l->v[i].controller, e) < 0
                       ? -1
                       : err_set(e, 0,
                                 "%s: the container runs in a cgroup without the %s controller",
                                 l->v[i].option, l->v[i].controller);
    return limits_apply(l, o->update, e);
}

/* --cgroup-parent: an absolute path is one below the tree's root, as everywhere. */
static int below_parent(const struct options *o, const struct limits *l,
                        const char *const *controllers, struct err *e)
{
    const char *root = str_starts(o->parent, CGROUP_ROOT "/") ? "" : CGROUP_ROOT "/";
    cleanup_free char *dir = xasprintf("%s%s", root, o->parent + (*root && o->parent[0] == '/'));
    if (strstr(dir, "/../") || str_ends(dir, "/.."))
        return err_set(e, 0, "--cgroup-parent: \"%s\" leads elsewhere", o->parent);
    if (access(dir, F_OK) < 0)
        return err_sys(e, "--cgroup-parent: \"%s\"", dir);
    if (!cgroup_is_v2() || !cgroup_is_ours(dir)) {
        err_set(e, 0, "--cgroup-parent: \"%s\" is no cgroup v2 that was delegated to this user",
                dir);
        return err_hint(e, "See what was: systemd-run --user --scope -p Delegate=yes $SHELL");
    }
    for (; *controllers; controllers++)
        if (!cgroup_lists(dir, "cgroup.subtree_control", *controllers))
            return err_set(e, 0, "--cgroup-parent: \"%s\" does not hand on the %s controller", dir,
                           *controllers);
    return o->prepare ? 0 : make_child(o, l, dir, e);
}

/* Nobody asked for a limit: where there is no place for a cgroup, it is done without. */
static int wished(const struct options *o, const struct limits *l, struct err *e)
{
    static const char *const none[] = {NULL};
    struct err ignored = ERR_INIT;
    if (o->prepare) {
        (void)prepare(o, l, none, &ignored);
        return 0;
    }
    cleanup_free char *parent = cgroup_divisible(none);
    if (parent && make_child(o, l, parent, &ignored) == 0)
        return 0;
    (void)e;
    return 0;
}

static int place(const struct options *o, const struct limits *l, struct err *e)
{
    const char *controllers[LIMITS_MAX + 1];
    if (o->join)
        return scope_enter(o->join, e);
    if (l->n == 0 && !o->parent && !o->own)
        return 0;
    if (l->n == 0 && !o->parent && strcmp(o->own, "must") != 0)
        return wished(o, l, e);
    limits_controllers(l, controllers);
    if (o->parent)
        return below_parent(o, l, controllers, e);
    if (o->prepare)
        return prepare(o, l, controllers, e);
    cleanup_free char *parent = cgroup_divisible(controllers);
    if (parent)
        return make_child(o, l, parent, e);
    if (!l->n)
        return err_set(e, 0, "there is no cgroup to be divided for the container");
    return needs_cgroup(l->v[0].option, l->v[0].controller, e) < 0
               ? -1
               : err_set(e, 0, "%s: there is no cgroup to divide", l->v[0].option);
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
        return helper_fail(&e);
    if (o.update && o.update[0] == '/') {
        if (limits_parse(&o.l, &l, &e) < 0 || update(&o, &l, &e) < 0)
            return helper_fail(&e);
        report_ok(NULL);
        return 0;
    }
    if (o.join
            ? o.join[0] != '/'
            : first == argc || !o.name || !*o.name || strchr(o.name, '/') || strlen(o.name) > 128) {
        err_set(&e, 0, "pod-cgroup: --name or --join is needed");
        return helper_fail(&e);
    }
    if (limits_parse(&o.l, &l, &e) < 0 || place(&o, &l, &e) < 0)
        return helper_fail(&e);
    execvp(argv[first], argv + first);
    err_sys(&e, "cannot run \"%s\"", first < argc ? argv[first] : "");
    e.code = errno == ENOENT ? 127 : 126;
    return helper_fail(&e);
}
