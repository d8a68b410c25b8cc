/*
 * pod-exec: one more command in a running container.
 *
 * Without a terminal nothing of ours stays between the command and the caller's descriptors:
 * this process becomes the runtime, which becomes the command's parent and ends with its code.
 */
#include "exec/exec.h"
#include "say.h"

#include "disk/at.h"
#include "disk/journal.h"
#include "plain/fdio.h"
#include "things/select.h"
#include "things/spawn.h"
#include "things/start.h"
#include "words/exitcode.h"
#include "words/ident.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define AT(f) offsetof(struct exec_opts, f)
static const struct opt options[] = {
    {"detach", 'd', OPT_BOOL, NULL, "Run in the background", AT(detach)},
    {"detach-keys", 0, OPT_STR, "KEYS", "Keys that detach (default ctrl-p,ctrl-q)",
     AT(detach_keys)},
    {"env", 'e', OPT_LIST, "NAME[=VALUE]", "Set an environment variable", AT(env)},
    {"env-file", 0, OPT_LIST, "FILE", "Read environment variables from a file", AT(env_file)},
    {"interactive", 'i', OPT_BOOL, NULL, "Pass standard input on", AT(interactive)},
    {"latest", 'l', OPT_BOOL, NULL, "The container created last", AT(latest)},
    {"no-journal", 0, OPT_BOOL, NULL, NULL, AT(no_journal)},
    {"preserve-fds", 0, OPT_INT, "N", "Pass N more descriptors, from 3 up", AT(preserve_fds)},
    {"privileged", 0, OPT_BOOL, NULL, "Give it all capabilities", AT(privileged)},
    {"tty", 't', OPT_BOOL, NULL, "Give it a terminal", AT(tty)},
    {"user", 'u', OPT_STR, "USER[:GROUP]", "User and group, by name or number", AT(user)},
    {"workdir", 'w', OPT_STR, "DIR", "Working directory", AT(workdir)},
    {0},
};

static const struct cmd command = {
    .name = "pod exec",
    .operands = "CONTAINER COMMAND [ARG...]",
    .summary = "Run a command in a running container",
    .more = "Exit codes: the command's own; 125 pod failed, 126 the command cannot be run,\n"
            "127 it was not found, 128+N it was ended by signal N, 255 the container does not run.",
    .opts = options,
    .max = -1,
    .stop_at_operand = 1,
};

static int foreign(const struct ctr *c, struct exec_foreign *f, const struct exec_opts *o,
                   int process, char **argv, int *code, struct err *e)
{
    pid_t pid;
    int r = exec_foreign_start(argv, f, process, !o->detach, &pid, e);
    if (r == 0)
        *code = o->detach ? 0 : exec_foreign_wait(pid);
    if (r == 0 && !o->detach && !o->no_journal)
        journal_exit(c->dir, "exec_died", *code);
    exec_foreign_close(f);
    return r;
}

/* Podman's scripts expect an id here; there is nothing that it could be asked for. */
static void say_session(void)
{
    char id[IDENT_LEN + 1];
    ident_new(id);
    puts(id);
}

static int listen_at(const char *path, struct err *e)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    cleanup_fd int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (str_copy(a.sun_path, sizeof a.sun_path, path) < 0)
        return err_sys(e, "runtime directory too long for a socket: \"%s\"", path);
    if (s < 0 || bind(s, (struct sockaddr *)&a, sizeof a) < 0 || listen(s, 1) < 0)
        return err_sys(e, "cannot listen on \"%s\"", path);
    return fd_take(&s);
}

static int with_terminal(const struct roots *r, const struct ctr *c, const struct exec_opts *o,
                         int process, int *code, struct err *e)
{
    cleanup(strv_free) struct strv argv = STRV_INIT;
    struct exec_foreign f = {0};
    char name[32];
    at_temp_name(name, sizeof name, "x");
    cleanup_free char *path = xasprintf("%s/%s/%s", r->run_path, c->id, name);
    cleanup_fd int listen_fd = listen_at(path, e);
    int res = -1;
    if (listen_fd >= 0) {
        res = exec_line(r, c, o, process, path, &f, &argv, e);
        if (res == 0)
            res = exec_terminal(argv.v, &f, listen_fd, process, o->detach_keys, code, e);
        if (res == 0 && f.log)
            journal_exit(c->dir, "exec_died", *code);
        unlink(path);
        exec_foreign_close(&f);
    }
    return res;
}

static int become(const struct roots *r, const struct ctr *c, const struct exec_opts *o,
                  int process, int *code, struct err *e)
{
    cleanup(strv_free) struct strv argv = STRV_INIT;
    struct exec_foreign f = {0};
    if (exec_line(r, c, o, process, NULL, &f, &argv, e) < 0)
        return -1;
    if (f.log)
        return foreign(c, &f, o, process, argv.v, code, e);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (!o->interactive)
        dup2(null, 0);
    /* the caller's own would be taken for the helpers' answer descriptor */
    fd_close_from(3, NULL, 0);
    for (int i = 0; i < o->preserve_fds; i++)
        fd_cloexec(SPAWN_ASIDE + i, false);
    fd_cloexec(process, false);
    execv(argv.v[0], argv.v);
    return err_sys(e, "cannot run \"%s\"", argv.v[0]);
}

/*
 * Our runtime answers when the command was started, or why it was not. It stays, as the command's
 * parent: the container's first process may be one that reaps nobody.
 */
static int detached(const struct roots *r, const struct ctr *c, const struct exec_opts *o,
                    int process, int *code, struct err *e)
{
    cleanup(strv_free) struct strv argv = STRV_INIT;
    struct exec_foreign f = {0};
    int report[2];
    pid_t pid;
    if (exec_line(r, c, o, process, NULL, &f, &argv, e) < 0)
        return -1;
    if (f.log)
        return foreign(c, &f, o, process, argv.v, code, e);
    if (pipe2(report, O_CLOEXEC) < 0)
        return err_sys(e, "cannot make a pipe");
    struct spawn s = {.argv = argv.v,
                      .in = -1,
                      .out = -1,
                      .err = -1,
                      .report = report[1],
                      .keep = &process,
                      .nkeep = 1,
                      .preserve = f.preserve,
                      .new_session = 1};
    int res = spawn(&s, &pid, e);
    close(report[1]);
    if (res == 0)
        res = report_read(report[0], "pod-runtime", NULL, 0, e);
    close(report[0]);
    return res;
}

/* What the runtime knows of it went with the runtime directory, or lies in another one. */
static int reachable(const struct roots *r, const struct ctr *c, struct err *e)
{
    char path[80];
    snprintf(path, sizeof path, "runtime/%.64s", c->id);
    if (at_exists(r->run, path))
        return 0;
    err_set(e, 0, "container %s was started with another runtime directory than \"%s\"", c->id,
            r->run_path);
    return err_hint(e, "Set XDG_RUNTIME_DIR as it was then, or type: pod stop %s && pod start %s",
                    ctr_name(c), ctr_name(c));
}

static int work(struct exec_opts *o, char **operands, int *code, struct err *e)
{
    struct roots r;
    struct ctr c;
    struct ctr_status s;
    int process = -1;
    if (!operands[0] || (!o->latest && !operands[1])) {
        err_set(e, 0,
                operands[0] || o->latest
                    ? "must provide a non-empty command to start an exec session: invalid argument"
                    : "exec requires the name or ID of a container or the "
                      "--latest flag");
        return err_hint(e, "See 'pod exec --help'");
    }
    if (spawn_can_preserve(o->preserve_fds, e) < 0 ||
        spawn_set_aside((int)o->preserve_fds, e) < 0 || roots_open(&r, e) < 0 ||
        (o->latest ? ctr_latest(&r, &c, e) : ctr_find(&r, *operands++, &c, e)) < 0)
        return -1;
    ctr_status(&r, &c, &s);
    if (s.state != CTR_RUNNING) {
        err_set(e, EXIT_NO_SESSION,
                "can only create exec sessions on running containers: container state improper");
        return err_hint(e, "Type: pod %s %s", s.state == CTR_PAUSED ? "unpause" : "start",
                        ctr_name(&c));
    }
    exec_find_single(&s, o);
    if (reachable(&r, &c, e) < 0 || exec_describe(&c, &s, o, operands, &process, e) < 0)
        return -1;
    process = fd_move_up(process, 100);
    if (!o->no_journal)
        journal_container(c.dir, "exec", NULL);
    if (o->detach) {
        int res = detached(&r, &c, o, process, code, e);
        if (res == 0)
            say_session();
        return res;
    }
    return o->tty ? with_terminal(&r, &c, o, process, code, e)
                  : become(&r, &c, o, process, code, e);
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct exec_opts o = {0};
    int code = 0;
    int first = say_parse(&command, &o, argc, argv, &code);
    if (first < 0)
        return code;
    if (work(&o, argv + first, &code, &e) < 0)
        return e.msg[0] ? say_error(&e) : e.code;
    return say_end(code);
}
