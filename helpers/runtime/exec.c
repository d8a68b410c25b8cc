/* exec: one more process in a container that runs. */
#include "rt.h"

#include "disk/at.h"
#include "disk/proc.h"
#include "disk/report.h"
#include "plain/buf.h"
#include "plain/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_PROCESS (4 << 20)

static const struct {
    const char *name;
    int flag;
} kinds[] = {{"user", CLONE_NEWUSER},    {"mnt", CLONE_NEWNS},  {"pid", CLONE_NEWPID},
             {"net", CLONE_NEWNET},      {"ipc", CLONE_NEWIPC}, {"uts", CLONE_NEWUTS},
             {"cgroup", CLONE_NEWCGROUP}};

/* The namespaces in which the container differs from us, as setns wants them. */
static int differing(pid_t pid)
{
    int flags = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct stat ours, theirs;
        char a[64], b[64];
        snprintf(a, sizeof a, "/proc/self/ns/%s", kinds[i].name);
        snprintf(b, sizeof b, "/proc/%d/ns/%s", pid, kinds[i].name);
        if (stat(a, &ours) == 0 && stat(b, &theirs) == 0 && ours.st_ino != theirs.st_ino)
            flags |= kinds[i].flag;
    }
    return flags;
}

/* All at once through the pidfd: no moment in which a swapped root could be met half-way. */
static int enter(const struct state *s, struct err *e)
{
    cleanup_fd int fd = (int)syscall(SYS_pidfd_open, s->pid, 0);
    if (fd < 0 || proc_birth(s->pid) != s->birth)
        return err_set(e, 0, "the container's first process has just ended");
    int flags = differing(s->pid);
    if (flags && setns(fd, flags) < 0)
        return err_sys(e, "cannot enter the container's namespaces");
    if (flags & CLONE_NEWUSER) {
        if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
            return err_sys(e, "cannot become root of the container");
        if (setgroups(0, NULL) < 0 && errno != EPERM)
            return err_sys(e, "cannot drop supplementary groups");
    }
    return 0;
}

static int terminal(const json_t *process, int console, struct err *e)
{
    char slave[64];
    int master = -1;
    cleanup_fd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    cleanup_fd int ptmx = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (root < 0 || ptmx < 0)
        return err_sys(e, "cannot open a terminal in the container");
    if (dev_open_pty(ptmx, process, slave, sizeof slave, e) < 0)
        return -1;
    master = ptmx;
    if (fd_send(console, "/dev/ptmx", 9, &master, 1) < 0)
        return err_sys(e, "cannot hand the terminal over");
    return dev_use_terminal(slave, e);
}

static void child(struct rt *rt, const json_t *process, int console, int tell)
{
    struct err e = ERR_INIT;
    char *path = NULL;
    prctl(PR_SET_DUMPABLE, 0);
    setsid(); /* signals of a terminal come once: from the runtime, which passes them on */
    if (console >= 0 && terminal(process, console, &e) < 0)
        goto failed;
    if (process_prepare(rt, process, &path, &e) == 0)
        process_exec(rt, process, path, &e);
failed:;
    cleanup_free char *line = xasprintf("%d\t%s", e.code ? e.code : 125, e.msg);
    (void)fd_write_all(tell, line, strlen(line));
    _exit(e.code);
}

static json_t *load_process(struct rt *rt, char **argv, struct err *e)
{
    json_t *p = NULL;
    if (rt->process_file) {
        if (jx_load(AT_FDCWD, rt->process_file, MAX_PROCESS, &p, e) < 0)
            return NULL;
        return p;
    }
    p = json_deep_copy(json_object_get(rt->spec, "process"));
    json_t *args = json_array();
    for (; *argv; argv++)
        json_array_append_new(args, json_string(*argv));
    json_object_set_new(p, "args", args);
    json_object_set_new(p, "terminal", json_false());
    return p;
}

static pid_t running_child;

static void forward(int sig)
{
    if (running_child > 0)
        kill(running_child, sig);
}

static int finish(struct rt *rt, pid_t pid, int tell, int *ret_code, struct err *e)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    char text[16];
    int st, n = snprintf(text, sizeof text, "%d", pid);
    if (rt->pid_file)
        (void)at_write(AT_FDCWD, rt->pid_file, text, (size_t)n, 0644, AT_PLAIN);
    if (fd_read_all(tell, 8192, &b) == 0 && b.len) {
        waitpid(pid, NULL, 0);
        return report_parse(b.s, "exec", NULL, 0, e);
    }
    if (rt->report_fd >= 0) {
        report_ok(text);
        close(rt->report_fd);
    }
    if (rt->detach)
        return 0;
    running_child = pid;
    static const int passed[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH};
    for (size_t i = 0; i < sizeof passed / sizeof *passed; i++)
        signal(passed[i], forward);
    while (waitpid(pid, &st, 0) < 0)
        if (errno != EINTR)
            return err_sys(e, "cannot wait for the process");
    *ret_code = WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
    return 0;
}

int cmd_exec(struct rt *rt, char **argv, int *ret_code, struct err *e)
{
    struct state s;
    int tell[2];
    if (state_load(rt, &s, e) < 0)
        return -1;
    if (strcmp(state_status(rt, &s), "running") != 0) {
        state_free(&s);
        return err_set(e, 0, "cannot exec in a container that is not running");
    }
    cleanup_json process = load_process(rt, argv, e);
    cleanup_fd int console = -1;
    if (!process)
        return -1;
    if (jx_bool(process, "terminal") && rt->console_socket &&
        (console = dev_console_connect(rt->console_socket, e)) < 0)
        return -1;
    if (pipe2(tell, O_CLOEXEC) < 0)
        return err_sys(e, "cannot make a pipe");
    int r = enter(&s, e);
    state_free(&s);
    if (r < 0)
        return -1;
    pid_t pid = fork();
    if (pid < 0)
        return err_sys(e, "cannot fork");
    if (pid == 0)
        child(rt, process, console, tell[1]);
    close(tell[1]);
    r = finish(rt, pid, tell[0], ret_code, e);
    close(tell[0]);
    return r;
}
