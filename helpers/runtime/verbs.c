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
    cleanup_free char *fifo = state_file(rt, EXEC_FIFO);
    cleanup_free char *answer = state_file(rt, EXEC_ANSWER);
    cleanup_fd int why = open(answer, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    cleanup_fd int go = open(fifo, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    cleanup(buf_free) struct buf b = BUF_INIT;
    if (go < 0 && errno == ENXIO)
        return err_set(e, 0, "the container's process is gone");
    if (go < 0 || why < 0)
        return err_sys(e, "cannot open \"%s\"", fifo);
    if (write(go, "g", 1) != 1)
        return err_sys(e, "cannot write to \"%s\"", fifo);
    unlink(fifo);
    unlink(answer);
    fd_nonblock(why, false);
    if (fd_read_all(why, 8192, &b) < 0)
        return err_sys(e, "cannot read \"%s\"", answer);
    if (b.len)
        return report_parse(b.s, "init", NULL, 0, e);
    struct err warning = ERR_INIT;
    if (rt->spec && hooks_run(rt, "poststart", pid, "running", &warning) < 0)
        fprintf(stderr, "Warning: %s\n", warning.msg);
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
    int sig = signal_number(name);
    if (sig < 0)
        return err_set(e, 0, "invalid signal: %s", name);
    if (state_load(rt, &s, e) < 0)
        return -1;
    int r = 0;
    if (strcmp(state_status(rt, &s), "stopped") == 0)
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
    if (strcmp(status, "running") == 0 && !rt->force) {
        r = err_set(e, 0, "cannot delete container %s: it is running", rt->id);
    } else {
        if (strcmp(status, "stopped") != 0)
            kill_and_wait(&s);
        struct err warning = ERR_INIT;
        if (rt->spec && hooks_run(rt, "poststop", s.pid, "stopped", &warning) < 0)
            fprintf(stderr, "Warning: %s\n", warning.msg);
        state_remove(rt);
    }
    state_free(&s);
    return r;
}
