/*
 * Starting: the commands on our command line, run one after the other.
 *
 *   create   pod-userns enter -- pod-rootfs … -- RUNTIME create|run …    leaves run/pid
 *   net      pod-netns … (the pid is put behind --pid)                  optional
 *   start    pod-userns enter -- RUNTIME start ID                       when create did not start
 *
 * Programs of ours answer on descriptor 3; another runtime's reason is the last message in
 * run/oci.log.
 */
#include "mon.h"

#include "disk/at.h"
#include "disk/report.h"
#include "plain/beget.h"
#include "plain/fdio.h"
#include "plain/signals.h"
#include "plain/str.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONSOLE_WAIT_MS 10000

/* ---- streams ---- */

static int open_console_socket(struct mon *m, struct err *e)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    cleanup_free char *path = xasprintf("%s/console", m->o->run_dir);
    cleanup_fd int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (str_copy(a.sun_path, sizeof a.sun_path, path) < 0)
        return err_sys(e, "runtime directory too long for a socket: \"%s\"", path);
    unlink(path);
    if (s < 0 || bind(s, (struct sockaddr *)&a, sizeof a) < 0 || listen(s, 1) < 0)
        return err_sys(e, "cannot listen on \"%s\"", path);
    m->console_listen = fd_take(&s);
    return 0;
}

/* Our ends in m, the container's in child[3]; nothing is inherited but by dup2. */
int launch_open_streams(struct mon *m, int child[3], struct err *e)
{
    int in[2] = {-1, -1}, out[2], err[2];
    child[0] = child[1] = child[2] = -1;
    m->in = m->out = m->err = -1;
    if (m->o->passthrough)
        return 0;
    if (m->o->tty)
        return open_console_socket(m, e);
    if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0 ||
        (m->o->stdin_open && pipe2(in, O_CLOEXEC) < 0))
        return err_sys(e, "cannot make a pipe");
    child[0] = in[0];
    child[1] = out[1];
    child[2] = err[1];
    m->in = in[1];
    m->out = out[0];
    m->err = err[0];
    fd_nonblock(m->out, true);
    fd_nonblock(m->err, true);
    if (m->in >= 0)
        fd_nonblock(m->in, true);
    return 0;
}

static int take_console(struct mon *m, struct err *e)
{
    struct pollfd p = {.fd = m->console_listen, .events = POLLIN};
    char name[64];
    int master = -1;
    size_t n = 1;
    if (poll(&p, 1, CONSOLE_WAIT_MS) != 1)
        return err_set(e, 0, "the runtime did not hand over the container's terminal");
    cleanup_fd int s = accept4(m->console_listen, NULL, NULL, SOCK_CLOEXEC);
    if (s < 0 || fd_recv(s, name, sizeof name, &master, &n) < 0 || n != 1)
        return err_sys(e, "cannot take over the container's terminal");
    close(m->console_listen);
    m->console_listen = -1;
    fd_nonblock(master, true);
    m->in = m->out = master;
    return 0;
}

/* ---- commands ---- */

struct child {
    const struct mon *passes; /* what its caller had for it goes on; NULL: not to this one */
    char **argv;
    const int *std; /* its 0, 1 and 2; NULL, or -1 one by one: /dev/null */
    bool inherit;   /* ours instead */
    bool foreign;   /* it, or what it becomes, is not ours */
    int report;     /* its 3; -1: none */
};

static void each_passed(const struct mon *m, void (*what)(int fd))
{
    for (int64_t i = 0; i < m->o->preserve; i++)
        what((int)(m->o->preserve_at + i));
    if (m->o->lent_fd >= 0)
        what(m->o->lent_fd);
}

static void keep_open(int fd)
{
    fd_cloexec(fd, false);
}

static void close_it(int fd)
{
    close(fd);
}

static int exec_child(void *arg)
{
    const struct child *c = arg;
    sigset_t none;
    if (c->foreign)
        signals_default(); /* runtimes may leave this to their caller; ours does not */
    else
        signal(SIGPIPE, SIG_DFL);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int keep = fcntl(c->report, F_DUPFD_CLOEXEC, 10);
    for (int i = 0; i < 3 && !c->inherit; i++)
        dup2(c->std && c->std[i] >= 0 ? c->std[i] : null, i);
    if (c->report >= 0)
        dup2(keep, REPORT_FD);
    if (c->passes)
        each_passed(c->passes, keep_open);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execvp(c->argv[0], c->argv);
    struct err e = ERR_INIT;
    err_sys(&e, "cannot run \"%s\"", c->argv[0]);
    report_err(&e);
    return 127;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The last "msg":"…" another runtime has logged, unescaped as far as people need it. */
static bool logged_reason(const struct mon *m, struct buf *out)
{
    cleanup_free char *path = xasprintf("%s/oci.log", m->o->run_dir);
    cleanup(buf_free) struct buf b = BUF_INIT;
    const char *last = NULL, *p;
    if (at_read(AT_FDCWD, path, 1 << 20, &b) < 0)
        return false;
    for (p = buf_str(&b); (p = strstr(p, "\"msg\":")); p += 6)
        last = p + 6;
    if (!last || !(last = strchr(last, '"')))
        return false;
    for (p = last + 1; *p && *p != '"'; p++) {
        if (*p == '\\' && p[1])
            p++;
        buf_addc(out, *p == '\n' || *p == '\t' ? ' ' : *p);
    }
    return out->len > 0;
}

/* Podman tells 126 and 127 from the runtime's words; so do we for runtimes that are not ours. */
static int foreign_failure(struct mon *m, int status, struct err *e)
{
    cleanup(buf_free) struct buf why = BUF_INIT;
    if (!logged_reason(m, &why))
        return err_set(e, 126, "OCI runtime error: it ended with exit code %d and gave no reason",
                       status);
    const char *s = why.s;
    if (strcasestr(s, "permission denied") || strcasestr(s, "not permitted") ||
        strcasestr(s, "is a directory"))
        return err_set(e, 126, "%s: OCI permission denied", s);
    if (strcasestr(s, "not found") || strcasestr(s, "no such file or directory"))
        return err_set(e, 127, "%s: OCI runtime attempted to invoke a command that was not found",
                       s);
    return err_set(e, 126, "OCI runtime error: %s", s);
}

static int run_command(struct mon *m, const struct command *c, const int std[3], bool inherit,
                       bool ours, struct err *e)
{
    int p[2], status = 0;
    if (pipe2(p, O_CLOEXEC) < 0)
        return err_sys(e, "cannot make a pipe");
    struct child child = {
        .argv = c->argv, .std = std, .inherit = inherit, .report = p[1], .foreign = !ours};
    /* once: when it is restarted, the numbers may be something else */
    child.passes = c == &m->o->create && !m->restarts ? m : NULL;
    pid_t pid = beget(exec_child, &child);
    if (pid < 0)
        return err_sys(e, "cannot fork");
    close(p[1]);
    if (child.passes)
        each_passed(m, close_it);
    cleanup(buf_free) struct buf line = BUF_INIT;
    if (ours) {
        int r = report_read(p[0], base_name(c->argv[0]), NULL, 0, e);
        close(p[0]);
        /* what went well ends beside us, and launch_reap() is told */
        if (c == &m->o->create)
            m->runtime = pid;
        while (r < 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
        return r;
    }
    /*
     * A foreign runtime says nothing on 3; a helper of ours before it may have. The container it
     * leaves behind may hold the pipe open until it is started: no waiting for the end of file.
     */
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    fd_nonblock(p[0], true);
    fd_read_all(p[0], 65536, &line);
    close(p[0]);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (line.len && report_parse(line.s, base_name(c->argv[0]), NULL, 0, e) < 0)
        return -1;
    return foreign_failure(m, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), e);
}

pid_t launch_beside(const struct command *c)
{
    struct child child = {.argv = c->argv, .report = -1, .foreign = true};
    return beget(exec_child, &child);
}

void launch_run_quietly(const struct command *c)
{
    if (!c->argv)
        return;
    pid_t pid = launch_beside(c);
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

static int read_pid(struct mon *m, struct err *e)
{
    cleanup_free char *path = xasprintf("%s/pid", m->o->run_dir);
    cleanup(buf_free) struct buf b = BUF_INIT;
    if (at_read(AT_FDCWD, path, 32, &b) < 0 || (m->pid = atoi(buf_str(&b))) <= 0)
        return err_set(e, 0, "the OCI runtime left no process id in \"%s\"", path);
    return 0;
}

static void replace_word(char **argv, const char *from, char *to)
{
    for (; *argv; argv++)
        if (strcmp(*argv, from) == 0)
            *argv = to;
}

/* The words @PID@ and @EXITFD@ become what they are now, in a copy: a restart needs them again. */
static int run_net(struct mon *m, struct err *e)
{
    char pid[16], exit_fd[16];
    char *argv[256];
    int p[2];
    size_t n = 0;
    if (!m->o->net.argv)
        return 0;
    while (n < 255 && m->o->net.argv[n]) {
        argv[n] = m->o->net.argv[n];
        n++;
    }
    argv[n] = NULL;
    if (pipe2(p, O_CLOEXEC) < 0)
        return err_sys(e, "cannot make a pipe");
    fd_cloexec(p[0], false);
    snprintf(pid, sizeof pid, "%d", m->pid);
    snprintf(exit_fd, sizeof exit_fd, "%d", p[0]);
    replace_word(argv, "@PID@", pid);
    replace_word(argv, "@EXITFD@", exit_fd);
    struct command c = {.argv = argv};
    int r = run_command(m, &c, NULL, false, true, e);
    close(p[0]);
    m->net_exit = p[1];
    return r;
}

int launch_create(struct mon *m, struct err *e)
{
    int child[3];
    if (launch_open_streams(m, child, e) < 0)
        return -1;
    int r = run_command(m, &m->o->create, child, m->o->passthrough, !m->o->foreign, e);
    for (int i = 0; i < 3; i++)
        if (child[i] >= 0)
            close(child[i]);
    if (r < 0) {
        struct err ignored = ERR_INIT;
        read_pid(m, &ignored); /* a runtime that was killed may have left it running */
        return -1;
    }
    if (read_pid(m, e) < 0)
        return -1;
    if (m->o->tty && take_console(m, e) < 0)
        return -1;
    return run_net(m, e);
}

int launch_start(struct mon *m, struct err *e)
{
    return m->o->start.argv ? run_command(m, &m->o->start, NULL, false, !m->o->foreign, e) : 0;
}

/* All children, ours and those the subreaper was given; the container's first one is the end. */
void launch_reap(struct mon *m)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == m->health_pid)
            health_done(m);
        if (pid == m->runtime)
            m->runtime = 0;
        if (pid != m->pid)
            continue;
        m->exited = true;
        m->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        if (m->timed_out && WIFSIGNALED(status))
            m->exit_code = TIMED_OUT;
    }
}

/* The number may come from a runtime that has reaped it itself: only a child of ours is meant. */
void launch_undo(struct mon *m)
{
    /* until the runtime has gone, its child is not ours */
    while (m->runtime > 0 && waitpid(m->runtime, NULL, 0) < 0 && errno == EINTR)
        ;
    m->runtime = 0;
    if (m->pid > 0 && !m->exited && waitpid(m->pid, NULL, WNOHANG) == 0) {
        kill(m->pid, SIGKILL);
        while (waitpid(m->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    m->pid = 0;
}
