#include "rt.h"

#include "disk/proc.h"
#include "disk/report.h"
#include "plain/buf.h"
#include "plain/fdio.h"
#include "words/signame.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Whoever removes the first fifo starts the container; the answer ends when init has exec'd. */
static int open_gate(const struct rt *rt, struct err *e)
{
    cleanup_free char *go = state_file(rt, EXEC_FIFO), *answer = state_file(rt, EXEC_ANSWER);
    cleanup_fd int fd = open(go, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    cleanup_fd int from = open(answer, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    cleanup(buf_free) struct buf b = BUF_INIT;
    if (fd < 0 && errno == ENXIO)
        return err_set(e, 0, "the container's process is gone");
    if (fd < 0 || from < 0 || fd_nonblock(from, false) < 0)
        return err_sys(e, "cannot start container %s", rt->id);
    if (unlink(go) < 0)
        return err_set(e, 0, "cannot start a container in the state running");
    unlink(answer);
    if (fd_write_all(fd, "g", 1) < 0 || fd_read_all(from, 8192, &b) < 0)
        return err_sys(e, "cannot start container %s", rt->id);
    return b.len ? report_parse(b.s, "init", NULL, 0, e) : 0;
}

int cmd_start(struct rt *rt, struct err *e)
{
    struct state s;
    if (state_load(rt, &s, e) < 0)
        return -1;
    const char *status = state_status(rt, &s);
    pid_t pid = s.pid;
    state_free(&s);
    if (strcmp(status, "created") != 0)
        return err_set(e, 0, "cannot start a container in the state %s", status);
    if (rt->spec && !json_object_get(rt->spec, "process"))
        return err_set(e, 0, "cannot start container %s: its config.json has no process", rt->id);
    if (open_gate(rt, e) < 0)
        return -1;
    hooks_late(rt, "poststart", pid, "running");
    return 0;
}

int cmd_state(struct rt *rt, struct err *e)
{
    struct state s;
    if (state_load(rt, &s, e) < 0)
        return -1;
    cleanup_json o = state_json(rt, &s, state_status(rt, &s));
    state_free(&s);
    json_dumpf(o, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    putchar('\n');
    return fflush(stdout) ? err_sys(e, "cannot write to standard output") : 0;
}

/* By pidfd, checked against the birth: never somebody else's process. */
static int signal_init(const struct state *s, int sig)
{
    cleanup_fd int fd = (int)syscall(SYS_pidfd_open, s->pid, 0);
    if (fd < 0)
        return -1;
    if (proc_birth(s->pid) != s->birth) {
        errno = ESRCH;
        return -1;
    }
    return (int)syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0);
}

int cmd_kill(struct rt *rt, const char *name, struct err *e)
{
    struct state s;
    int sig = strcmp(name, "0") == 0 ? 0 : signal_number(name);
    if (sig < 0)
        return err_set(e, 0, "invalid signal: %s", name);
    if (state_load(rt, &s, e) < 0)
        return -1;
    int r = 0;
    bool stopped = strcmp(state_status(rt, &s), "stopped") == 0;
    if (rt->o->all && s.cgroup)
        cgroup_kill(s.cgroup, sig); /* what outlived init too */
    else if (stopped && rt->o->all)
        r = 0;
    else if (stopped)
        r = err_set(e, 0, "container not running");
    else if (signal_init(&s, sig) < 0)
        r = err_sys(e, "cannot send signal %d to container %s", sig, rt->id);
    state_free(&s);
    return r;
}

static void kill_and_wait(const struct state *s)
{
    signal_init(s, SIGKILL);
    for (int i = 0; i < 1000 && proc_birth(s->pid) == s->birth; i++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

int cmd_delete(struct rt *rt, struct err *e)
{
    struct state s;
    if (state_load(rt, &s, e) < 0) {
        if (!rt->force)
            return -1;
        state_remove(rt); /* a half-made or damaged state is removed all the same */
        return 0;
    }
    const char *status = state_status(rt, &s);
    int r = 0;
    if ((strcmp(status, "running") == 0 || strcmp(status, "paused") == 0) && !rt->force) {
        r = err_set(e, 0, "cannot delete container %s: it is %s", rt->id, status);
    } else {
        if (s.cgroup && strcmp(status, "paused") == 0)
            cgroup_kill(s.cgroup, SIGKILL);
        if (strcmp(status, "stopped") != 0)
            kill_and_wait(&s);
        if (s.cgroup)
            cgroup_remove(s.cgroup);
        hooks_late(rt, "poststop", 0, "stopped");
        state_remove(rt);
    }
    state_free(&s);
    return r;
}
