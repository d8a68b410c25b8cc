/*
 * pod-stopall PID STOP|CONT: sends the signal to every process of PID's PID namespace, whose first
 * process PID is. Run as uid 0 of the user's namespace (pod-userns enter --).
 *
 * From inside, kill(-1) reaches all but the first process and the caller, in one go: whoever
 * forks meanwhile has the signal pending before the child is there. The first one gets it from
 * outside, where even that one cannot ignore it.
 */
#include "disk/report.h"
#include "plain/fdio.h"
#include "plain/str.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Is it number 1 of a namespace below ours? Nobody else's processes may be meant. */
static bool is_first(pid_t pid)
{
    char path[32], line[256];
    bool first = false;
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f)) {
        if (!str_starts(line, "NSpid:"))
            continue;
        line[strcspn(line, "\n")] = '\0';
        char *last = strrchr(line, '\t');
        first = last && strcmp(last + 1, "1") == 0 && last != strchr(line, '\t');
    }
    if (f)
        fclose(f);
    return first;
}

static int inside(pid_t pid, int sig, struct err *e)
{
    cleanup_free char *path = xasprintf("/proc/%d/ns/pid", pid);
    cleanup_fd int ns = open(path, O_RDONLY | O_CLOEXEC);
    int status = 0;
    if (ns < 0 || setns(ns, CLONE_NEWPID) < 0)
        return err_sys(e, "cannot enter the PID namespace of process %d", pid);
    pid_t child = fork();
    if (child < 0)
        return err_sys(e, "cannot fork");
    if (child == 0)
        _exit(kill(-1, sig) < 0 && errno != ESRCH ? errno : 0);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (!WIFEXITED(status) || WEXITSTATUS(status) == 0)
        return 0;
    errno = WEXITSTATUS(status);
    return err_sys(e, "cannot signal the container's processes");
}

static int all(pid_t pid, int sig, struct err *e)
{
    cleanup_fd int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0 || !is_first(pid))
        return err_set(e, 0, "the container has no PID namespace of its own");
    if (sig == SIGSTOP && syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0) < 0)
        return err_sys(e, "cannot stop process %d", pid);
    if (inside(pid, sig, e) < 0)
        return -1;
    if (sig == SIGCONT && syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0) < 0)
        return err_sys(e, "cannot continue process %d", pid);
    return 0;
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    uint64_t pid;
    prctl(PR_SET_DUMPABLE, 0);
    bool stop = argc == 3 && strcmp(argv[2], "STOP") == 0;
    if (argc != 3 || (!stop && strcmp(argv[2], "CONT") != 0) ||
        str_u64(argv[1], 1 << 22, &pid) < 0 || pid < 2)
        err_set(&e, 0, "usage: pod-stopall PID STOP|CONT");
    else if (all((pid_t)pid, stop ? SIGSTOP : SIGCONT, &e) == 0) {
        report_ok(NULL);
        return 0;
    }
    report_err(&e);
    return e.code;
}
