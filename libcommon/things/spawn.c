#include "things/spawn.h"

#include "plain/beget.h"
#include "plain/buf.h"
#include "plain/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_PRESERVED 128

/* Programs sit in bin/ or libexec/pod/ of one prefix; the prefix is what both have in common. */
static const char *prefix(void)
{
    static char exe[PATH_MAX];
    if (*exe)
        return exe;
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    if (n <= 0)
        return strcpy(exe, "/usr/local");
    exe[n] = '\0';
    char *slash = strrchr(exe, '/');
    *slash = '\0';
    size_t len = strlen(exe);
    if (len > 12 && strcmp(exe + len - 12, "/libexec/pod") == 0)
        exe[len - 12] = '\0';
    else if ((slash = strrchr(exe, '/')))
        *slash = '\0';
    return exe;
}

char *tool_path(const char *name)
{
    return xasprintf("%s/libexec/pod/%s", prefix(), name);
}

char *share_path(const char *name)
{
    return xasprintf("%s/share/pod/%s", prefix(), name);
}

char *bin_path(const char *name)
{
    return xasprintf("%s/bin/%s", prefix(), name);
}

static void place(int fd, int want, int oflags)
{
    if (fd == SPAWN_INHERIT)
        return;
    if (fd < 0)
        fd = open("/dev/null", oflags);
    if (fd == want)
        fd_cloexec(fd, false);
    else
        dup2(fd, want);
}

/* In the child: descriptors to their places. What is passed lies above 3 already (the caller's). */
static int child(void *arg)
{
    const struct spawn *s = arg;
    sigset_t none;
    signal(SIGPIPE, SIG_DFL);
    if (s->new_session)
        setsid();
    /* 3 may be somebody's source: move the report first, out of the way of 0 to 2 */
    int in = s->in, out = s->out, err = s->err, report = s->report;
    int *all[] = {&in, &out, &err, &report};
    for (int i = 0; i < 4; i++)
        if (*all[i] >= 0 && *all[i] <= REPORT_FD)
            *all[i] = fcntl(*all[i], F_DUPFD_CLOEXEC, REPORT_FD + 1);
    place(in, 0, O_RDONLY);
    place(out, 1, O_WRONLY);
    place(err, 2, O_WRONLY);
    if (report >= 0)
        dup2(report, REPORT_FD);
    else
        close(REPORT_FD);
    /* what our caller left open is not for programs that may stay */
    fd_close_from(REPORT_FD + 1, NULL, 0);
    for (size_t i = 0; i < s->nkeep; i++)
        fd_cloexec(s->keep[i], false);
    for (int i = 0; i < s->preserve; i++)
        fd_cloexec(SPAWN_ASIDE + i, false);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execvp(s->argv[0], s->argv);
    struct err e = ERR_INIT;
    err_sys(&e, "cannot run \"%s\"", s->argv[0]);
    report_err(&e);
    return errno == ENOENT ? 127 : 126;
}

int spawn(const struct spawn *s, pid_t *ret, struct err *e)
{
    struct spawn wanted = *s;
    pid_t pid = beget(child, &wanted);
    if (pid < 0)
        return err_sys(e, "cannot fork");
    *ret = pid;
    return 0;
}

static int not_available(int fd, struct err *e)
{
    return err_set(
        e, 0,
        "file descriptor %d is not available - the preserve-fds option requires that file "
        "descriptors must be passed",
        fd);
}

int spawn_can_preserve(int64_t n, struct err *e)
{
    if (n < 0)
        return err_set(e, 0, "invalid argument \"%lld\" for \"--preserve-fds\" flag: not a number",
                       (long long)n);
    for (int i = 0; i < n; i++)
        if (n > MAX_PRESERVED || fcntl(3 + i, F_GETFD) < 0)
            return not_available(3 + i, e);
    return 0;
}

int spawn_set_aside(int n, struct err *e)
{
    for (int i = 0; i < n; i++)
        if (dup3(3 + i, SPAWN_ASIDE + i, O_CLOEXEC) < 0)
            return err_sys(e, "cannot pass on file descriptor %d as %d", 3 + i, SPAWN_ASIDE + i);
    return 0;
}

int spawn_wait(pid_t pid)
{
    int st;
    while (waitpid(pid, &st, 0) < 0)
        if (errno != EINTR)
            return 125;
    return WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
}

int spawn_and_report(struct spawn *s, const char *who, char *value, size_t size, struct err *e)
{
    int p[2];
    if (pipe2(p, O_CLOEXEC) < 0)
        return err_sys(e, "cannot make a pipe");
    s->report = p[1];
    pid_t pid = -1;
    int r = spawn(s, &pid, e);
    close(p[1]);
    if (r == 0) {
        r = report_read(p[0], who, value, size, e);
        spawn_wait(pid);
    }
    close(p[0]);
    return r;
}

int spawn_and_read(struct spawn *s, size_t max, struct buf *b, struct err *e)
{
    int p[2];
    pid_t pid = -1;
    if (pipe2(p, O_CLOEXEC) < 0)
        return err_sys(e, "cannot make a pipe");
    s->out = p[1];
    int res = spawn(s, &pid, e);
    close(p[1]);
    bool started = res == 0;
    if (started && fd_read_all(p[0], max, b) < 0)
        res = err_sys(e, "cannot read what %s says", s->argv[0]);
    close(p[0]);
    int code = started ? spawn_wait(pid) : 0;
    return res < 0 ? -1 : code;
}
