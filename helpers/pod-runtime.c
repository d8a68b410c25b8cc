/*
 * pod-runtime: an OCI runtime. Verbs and options as crun and runc have them, so that podman,
 * conmon and others can call it; helpers/runtime/ has the rooms.
 */
#include "runtime/rt.h"

#include "disk/report.h"
#include "plain/buf.h"
#include "plain/fdio.h"
#include "plain/opt.h"
#include "things/spawn.h"
#include "words/signame.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define MAX_SPEC (16 << 20)

struct options {
    const char *root, *log, *log_format, *bundle, *pid_file, *console_socket, *process, *seccomp;
    int64_t preserve_fds, report;
    bool detach, force, all, debug, systemd_cgroup, no_pivot, no_subreaper, version;
    const char *cgroup_manager;
};

#define AT(f) offsetof(struct options, f)
static const struct opt options[] = {
    {"root", 0, OPT_STR, "DIR", "Directory of container states", AT(root)},
    {"log", 0, OPT_STR, "FILE", "Write errors to FILE as well", AT(log)},
    {"log-format", 0, OPT_STR, "FORMAT", "text or json", AT(log_format)},
    {"debug", 0, OPT_BOOL, NULL, "Accepted for compatibility", AT(debug)},
    {"cgroup-manager", 0, OPT_STR, "MANAGER", "Accepted for compatibility", AT(cgroup_manager)},
    {"systemd-cgroup", 0, OPT_BOOL, NULL, "Accepted for compatibility", AT(systemd_cgroup)},
    {"bundle", 'b', OPT_STR, "DIR", "Directory with config.json (default: .)", AT(bundle)},
    {"pid-file", 0, OPT_STR, "FILE", "Write the process id to FILE", AT(pid_file)},
    {"console-socket", 0, OPT_STR, "SOCKET", "Unix socket that gets the terminal",
     AT(console_socket)},
    {"preserve-fds", 0, OPT_INT, "N", "Pass N descriptors from 3 up", AT(preserve_fds)},
    {"process", 'p', OPT_STR, "FILE", "exec: process description (JSON)", AT(process)},
    {"detach", 'd', OPT_BOOL, NULL, "run, exec: do not wait for the process", AT(detach)},
    {"force", 'f', OPT_BOOL, NULL, "delete: kill a running container first", AT(force)},
    {"all", 'a', OPT_BOOL, NULL, "kill: accepted for compatibility", AT(all)},
    {"no-pivot", 0, OPT_BOOL, NULL, "Accepted for compatibility", AT(no_pivot)},
    {"no-subreaper", 0, OPT_BOOL, NULL, "Accepted for compatibility", AT(no_subreaper)},
    {"seccomp-bpf", 0, OPT_STR, "FILE", "Load this compiled filter for linux.seccomp", AT(seccomp)},
    {"report-fd", 0, OPT_INT, "N", "Answer in one line on descriptor 3", AT(report)},
    {"version", 'v', OPT_BOOL, NULL, "Print version and specification", AT(version)},
    {0},
};

static const struct cmd command = {
    .name = "pod-runtime",
    .operands = "VERB [options] ID [ARG...]",
    .summary = "Run OCI bundles",
    .more = "Verbs:\n  create  set a container up, its process waits\n  start   let it go\n"
            "  run     create and start\n  state   print the state as JSON\n"
            "  kill    ID [SIGNAL] (default TERM)\n  delete  remove a stopped container\n"
            "  exec    ID COMMAND...: another process in it\n\n"
            "Exit codes: 0 done, 125 pod-runtime failed, 126 the command cannot be run,\n"
            "127 it was not found; run and exec without --detach: the process's own.",
    .opts = options,
    .min = 0,
    .max = -1,
};

static void to_log(const struct options *o, const struct err *e)
{
    char when[40];
    time_t now = time(NULL);
    cleanup_fd int fd = open(o->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0)
        return;
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
    cleanup_json line = json_pack("{s:s, s:s, s:s}", "msg", e->msg, "level", "error", "time", when);
    cleanup_free char *text = o->log_format && strcmp(o->log_format, "json") == 0
                                  ? json_dumps(line, JSON_COMPACT)
                                  : xasprintf("%s %s", when, e->msg);
    if (text)
        dprintf(fd, "%s\n", text);
}

static int fail(const struct options *o, const struct err *e)
{
    if (o->report == REPORT_FD)
        report_err(e);
    if (o->log)
        to_log(o, e);
    fprintf(stderr, "Error: %s\n", e->msg);
    if (e->hint[0])
        fprintf(stderr, "%s\n", e->hint);
    return e->code ? e->code : 125;
}

static int load_spec(struct rt *rt, const char *bundle, bool must, struct err *e)
{
    cleanup_free char *path = xasprintf("%s/config.json", bundle);
    if (jx_load(AT_FDCWD, path, MAX_SPEC, &rt->spec, e) < 0) {
        rt->spec = NULL;
        return must ? -1 : 0;
    }
    const char *root = jx_str(json_object_get(rt->spec, "root"), "path");
    if (!*root)
        return err_set(e, 0, "\"%s\" has no root.path", path);
    rt->rootfs = root[0] == '/' ? xstrdup(root) : xasprintf("%s/%s", bundle, root);
    rt->bundle = xstrdup(bundle);
    return 0;
}

static int open_spec(struct rt *rt, const struct options *o, bool creating, struct err *e)
{
    if (creating) {
        cleanup_free char *full = realpath(o->bundle ? o->bundle : ".", NULL);
        return full ? load_spec(rt, full, true, e)
                    : err_sys(e, "cannot find bundle \"%s\"", o->bundle ? o->bundle : ".");
    }
    struct state s;
    struct err none = ERR_INIT;
    if (state_load(rt, &s, &none) < 0)
        return 0; /* the verb says it better */
    int r = load_spec(rt, s.bundle, false, e);
    state_free(&s);
    return r;
}

static int wait_for(struct rt *rt, int *code, struct err *e)
{
    struct state s;
    if (state_load(rt, &s, e) < 0)
        return -1;
    *code = spawn_wait(s.pid);
    state_free(&s);
    rt->force = true;
    return cmd_delete(rt, e);
}

static int dispatch(struct rt *rt, const char *verb, char **argv, int *code, struct err *e)
{
    bool run = strcmp(verb, "run") == 0;
    if (run || strcmp(verb, "create") == 0) {
        if (cmd_create(rt, run, e) < 0)
            return -1;
        return run && !rt->detach ? wait_for(rt, code, e) : 0;
    }
    if (strcmp(verb, "start") == 0)
        return cmd_start(rt, e);
    if (strcmp(verb, "state") == 0)
        return cmd_state(rt, e);
    if (strcmp(verb, "kill") == 0)
        return cmd_kill(rt, argv[0] ? argv[0] : "TERM", e);
    if (strcmp(verb, "delete") == 0)
        return cmd_delete(rt, e);
    if (strcmp(verb, "exec") == 0)
        return cmd_exec(rt, argv, code, e);
    static const char *const verbs[] = {"create", "start",  "run",  "state",
                                        "kill",   "delete", "exec", NULL};
    return opt_unknown("verb", verb, verbs, "pod-runtime", e);
}

static char *default_root(void)
{
    const char *run = getenv("XDG_RUNTIME_DIR");
    return run ? xasprintf("%s/pod/runtime", run) : xasprintf("/run/pod/runtime");
}

static bool id_ok(const char *id)
{
    return *id && *id != '.' && !strchr(id, '/') && strlen(id) < 200;
}

/* Options stand before and behind the verb; exec's command line is left alone. */
static int read_line(int argc, char **argv, struct options *o, char ***rest, struct err *e)
{
    struct cmd c = command;
    int first;
    c.stop_at_operand = 1;
    int r = cmd_parse(&c, o, argc, argv, &first, e);
    if (r != CMD_OK)
        return r;
    if (first == argc)
        return CMD_OK;
    const char *verb = argv[first];
    c.stop_at_operand = strcmp(verb, "exec") == 0;
    int second;
    r = cmd_parse(&c, o, argc - first, argv + first, &second, e);
    *rest = argv + first + second - 1;
    if (r == CMD_OK)
        (*rest)[0] = (char *)(uintptr_t)verb;
    return r;
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct options o = {.report = -1};
    char **rest = NULL;
    int code = 0, r = read_line(argc, argv, &o, &rest, &e);
    if (r == CMD_HELP || (r == CMD_OK && !rest && !o.version)) {
        cleanup(buf_free) struct buf b = BUF_INIT;
        cmd_help(&command, &b);
        fputs(b.s, stdout);
        return 0;
    }
    if (o.version) {
        puts("pod-runtime version 0.2.0\nspec: 1.0.2");
        return 0;
    }
    if (r == CMD_OK && (!rest[1] || !id_ok(rest[1])))
        r = err_set(&e, 0, "%s: a container id is needed", rest[0]);
    if (r < 0)
        return fail(&o, &e);
    struct rt rt = {
        .root = o.root ? o.root : default_root(),
        .id = rest[1],
        .pid_file = o.pid_file,
        .console_socket = o.console_socket,
        .log = o.log,
        .log_format = o.log_format,
        .process_file = o.process,
        .report_fd = o.report == REPORT_FD ? REPORT_FD : -1,
        .preserve_fds = o.preserve_fds,
        .detach = o.detach,
        .force = o.force,
        .all = o.all,
        .seccomp_fd = o.seccomp ? open(o.seccomp, O_RDONLY | O_CLOEXEC) : -1,
    };
    if (rt.report_fd >= 0)
        fd_cloexec(REPORT_FD, true);
    bool creating = strcmp(rest[0], "create") == 0 || strcmp(rest[0], "run") == 0;
    if (strcmp(rest[0], "run") == 0 && !o.detach)
        prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (open_spec(&rt, &o, creating, &e) < 0 || dispatch(&rt, rest[0], rest + 2, &code, &e) < 0)
        return fail(&o, &e);
    if (rt.report_fd >= 0 && strcmp(rest[0], "exec") != 0)
        report_ok(NULL);
    return code;
}
