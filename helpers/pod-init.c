/*
 * pod-init: process 1 of a container.
 *
 *   pod-init --pause             hold a pod's namespaces: reap, end on SIGTERM or SIGINT
 *   pod-init [--] COMMAND ...    run COMMAND as a child, pass signals on, reap whatever is left
 *                                to process 1, and end as COMMAND ended
 *
 * Static, and the only program of ours that is ever visible inside a container.
 */
#include "plain/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static int code_of(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Reaps all that has ended; the code of main_child when it was among them, else -1. */
static int reap(pid_t main_child)
{
    int status, code = -1;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        if (pid == main_child)
            code = code_of(status);
    return code;
}

static int pause_forever(const sigset_t *all)
{
    int sig;
    prctl(PR_SET_NAME, "pause");
    for (;;) {
        if (sigwait(all, &sig) != 0)
            continue;
        if (sig == SIGTERM || sig == SIGINT)
            return 0;
        if (sig == SIGCHLD)
            reap(0);
    }
}

static pid_t start(char **argv, const sigset_t *before)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    sigprocmask(SIG_SETMASK, before, NULL);
    setpgid(0, 0);
    if (isatty(0)) {
        signal(SIGTTOU, SIG_IGN);
        tcsetpgrp(0, getpid());
        signal(SIGTTOU, SIG_DFL);
    }
    execvp(argv[0], argv);
    fprintf(stderr, "Error: %s: %s\n", argv[0], strerror(errno));
    _exit(errno == ENOENT ? 127 : 126);
}

int main(int argc, char **argv)
{
    sigset_t all, before;
    signals_fill(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    if (argc > 1 && strcmp(argv[1], "--pause") == 0)
        return pause_forever(&all);
    argv += argc > 1 && strcmp(argv[1], "--") == 0 ? 2 : 1;
    if (!argv[0]) {
        fputs("Error: usage: pod-init --pause | [--] COMMAND [ARG...]\n", stderr);
        return 125;
    }
    pid_t child = start(argv, &before);
    if (child < 0)
        return 125;
    for (;;) {
        int sig;
        if (sigwait(&all, &sig) != 0)
            continue;
        if (sig == SIGCHLD) {
            int code = reap(child);
            if (code >= 0)
                return code;
        } else if (sig != SIGTTIN && sig != SIGTTOU) {
            kill(child, sig);
        }
    }
}
