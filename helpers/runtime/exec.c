/* exec: one more process in a container that runs. */
#include "rt.h"

#include "disk/at.h"
#include "disk/journal.h"
#include "disk/proc.h"
#include "disk/report.h"
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
        if ((setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0) && errno != EINVAL)
            return err_sys(e, "cannot become root of the container");
        if (setgroups(0, NULL) < 0 && errno != EPERM)
            return err_sys(e, "cannot drop supplementary groups");
    }
    return 0;
}

/* Into the container's /dev/pts, through /dev/ptmx where the image has no pts of its own name. */
static int terminal(const struct rt *rt, const json_t *process, int console, struct err *e)
{
    char slave[64];
    cleanup_fd int ptmx = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    const json_t *user = json_object_get(process, "user");
    if (ptmx < 0)
        return err_sys(e, "cannot open a terminal in the container");
    if (dev_open_pty(rt, ptmx, process, slave, sizeof slave, e) < 0)
        return -1;
    if (fd_send(console, "/dev/ptmx", 9, &ptmx, 1) < 0)
        return err_sys(e, "cannot hand the terminal over");
    if (dev_use_terminal(slave, e) < 0)
        return -1;
    if (fchown(0, (uid_t)jx_int(user, "uid", 0), (gid_t)-1) < 0 && errno != EPERM)
        return err_sys(e, "cannot own the container's terminal");
    return 0;
}

static void child(struct rt *rt, const json_t *process, int console, int tell)
{
    struct err e = ERR_INIT;
    char *path = NULL;
    setsid(); /* signals of a terminal come once: from the runtime, which passes them on */
    if (attrs_affinity(process, "final", &e) < 0 ||
        (console >= 0 && terminal(rt, process, console, &e) < 0))
        goto failed;
    if (console >= 0)
        close(console);
    if (process_prepare(rt, process, &path, &e) == 0 && process_filter(rt, process, &e) == 0)
        process_exec(rt, process, path, &e);
failed:;
    cleanup_free char *line = xasprintf("%d\t%s", e.code ? e.code : 125, e.msg);
    (void)fd_write_all(tell, line, strlen(line));
    _exit(e.code);
}

static int finish(struct rt *rt, pid_t pid, int tell, int *ret_code, struct err *e)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    char text[16];
    int n = snprintf(text, sizeof text, "%d", pid);
    if (filter_forward(rt, pid, "running", e) < 0) {
        kill(pid, SIGKILL);
        return -1;
    }
    if (fd_read_all(tell, 8192, &b) == 0 && b.len) {
        waitpid(pid, NULL, 0);
        return report_parse(b.s, "exec", NULL, 0, e);
    }
    if (rt->pid_fd >= 0 && fd_write_all(rt->pid_fd, text, (size_t)n) < 0)
        return err_sys(e, "cannot write pid file \"%s\"", rt->o->pid_file);
    if (rt->report_fd >= 0) {
        report_ok(text);
        close(rt->report_fd);
    }
    if (rt->o->detach)
        return 0;
    int res = foreground(pid, rt->terminal_fd, ret_code, e);
    if (res == 0)
        journal_exit(rt->journal_fd, "exec_died", *ret_code);
    return res;
}

/* What has to be looked up outside: paths are the container's once we have entered it. */
static int open_outside(struct rt *rt, const json_t *process, int *console, struct err *e)
{
    const struct options *o = rt->o;
    bool tty = jx_bool(process, "terminal");
    if (tty && !o->console_socket && o->detach)
        return err_set(e, 0, "a terminal was asked for, but no console socket was given");
    if (tty && console_open(rt, e) < 0)
        return -1;
    *console = rt->console_fd;
    rt->pid_fd = -1;
    rt->journal_fd = o->journal ? open(o->journal, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    if (o->pid_file) {
        rt->pid_fd = open(o->pid_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (rt->pid_fd < 0)
            return err_sys(e, "cannot write pid file \"%s\"", o->pid_file);
    }
    return filter_listen(rt, e);
}

static int launch(struct rt *rt, const struct state *s, const json_t *process, int *ret_code,
                  struct err *e)
{
    int tell[2], console = -1;
    if (open_outside(rt, process, &console, e) < 0)
        return -1;
    if (attrs_affinity(process, "initial", e) < 0 || attrs_oom_score(process, e) < 0 ||
        cgroup_follow(s, rt->o->cgroup, e) < 0)
        return -1;
    if (pipe2(tell, O_CLOEXEC) < 0)
        return err_sys(e, "cannot make a pipe");
    /* from here on a process of the container could look at us */
    prctl(PR_SET_DUMPABLE, 0);
    if (enter(s, e) < 0)
        return -1;
    pid_t pid = fork();
    if (pid < 0)
        return err_sys(e, "cannot fork");
    if (pid == 0) {
        if (rt->journal_fd >= 0)
            close(rt->journal_fd); /* a directory of the host is not for the container */
        child(rt, process, console, tell[1]);
    }
    close(tell[1]);
    if (console >= 0)
        close(console);
    /* we stay; whether they are closed is the command's alone to say */
    for (int i = 0; rt->o->preserve_at && i < rt->o->preserve_fds; i++)
        close((int)rt->o->preserve_at + i);
    int r = finish(rt, pid, tell[0], ret_code, e);
    close(tell[0]);
    return r;
}

int cmd_exec(struct rt *rt, char **argv, int *ret_code, struct err *e)
{
    struct state s;
    if (state_load(rt, &s, e) < 0)
        return -1;
    const char *status = state_status(rt, &s);
    int r = -1;
    if (strcmp(status, "stopped") == 0) {
        err_set(e, 0, "cannot exec in a container that is not running");
    } else if (strcmp(status, "paused") == 0 && !rt->o->ignore_paused) {
        err_set(e, 0, "cannot exec in a paused container");
    } else {
        cleanup_json process = exec_process(rt, argv, e);
        r = process ? launch(rt, &s, process, ret_code, e) : -1;
    }
    state_free(&s);
    return r;
}
