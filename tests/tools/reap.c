/*
 * reap FILE COMMAND [ARG...]: runs COMMAND as the subreaper of all it starts, and returns its
 * status. Descendants that are still there a moment after its end are named in FILE, one a line,
 * and killed. FILE stays empty when nothing was left.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GRACE_MS 3000
#define STEP_MS  50

static pid_t command;

static void pass_on(int sig)
{
    if (command > 0)
        kill(command, sig);
}

/* Reads a /proc file of pid into buf, with what separates its words as spaces. */
static void read_proc(int pid, const char *name, char *buf, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, buf, size - 1);
    if (fd >= 0)
        close(fd);
    if (n < 0)
        n = 0;
    buf[n] = '\0';
    for (ssize_t i = 0; i < n; i++)
        if (buf[i] == '\0' || buf[i] == '\n')
            buf[i] = i + 1 == n ? '\0' : ' ';
}

static int parent_of(int pid)
{
    char stat[512];
    int ppid = 0;
    read_proc(pid, "stat", stat, sizeof stat);
    const char *end = strrchr(stat, ')');
    if (!end || sscanf(end + 1, " %*c %d", &ppid) != 1)
        return 0;
    return ppid;
}

static int is_ours(int pid)
{
    for (int p = parent_of(pid), depth = 0; p > 1 && depth < 64; p = parent_of(p), depth++)
        if (p == getpid())
            return 1;
    return 0;
}

/* The test file that started it is the last part of its HOME, where it may be read. */
static void describe(FILE *out, int pid)
{
    char cmd[512], env[8192];
    read_proc(pid, "cmdline", cmd, sizeof cmd);
    read_proc(pid, "environ", env, sizeof env);
    char *home = strstr(env, " HOME=");
    if (home)
        home[1 + strcspn(home + 1, " ")] = '\0';
    fprintf(out, "process %d (%s)%s\n", pid, cmd, home ? home : "");
}

/* Kills every living descendant, describing it first where out is given; returns how many. */
static int sweep(FILE *out)
{
    int n = 0;
    DIR *d = opendir("/proc");
    for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
        int pid = atoi(e->d_name);
        char cmd[2];
        if (pid <= 1 || !is_ours(pid))
            continue;
        read_proc(pid, "cmdline", cmd, sizeof cmd);
        if (cmd[0] == '\0') /* a zombie, on its way */
            continue;
        n++;
        if (out) {
            describe(out, pid);
            kill(pid, SIGKILL);
        }
    }
    if (d)
        closedir(d);
    return n;
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

static int wait_for_command(void)
{
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, 0);
        if (pid < 0 && errno != EINTR)
            return 125;
        if (pid == command)
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: reap FILE COMMAND [ARG...]\n");
        return 125;
    }
    FILE *out = fopen(argv[1], "we");
    if (!out || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0) {
        perror(argv[1]);
        return 125;
    }
    command = fork();
    if (command == 0) {
        execvp(argv[2], argv + 2);
        perror(argv[2]);
        _exit(127);
    }
    signal(SIGINT, pass_on);
    signal(SIGTERM, pass_on);
    int code = wait_for_command();
    for (int ms = 0; ms < GRACE_MS && sweep(NULL) > 0; ms += STEP_MS) {
        pause_ms(STEP_MS);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            continue;
    }
    for (int round = 0; round < 20 && sweep(out) > 0; round++) {
        pause_ms(STEP_MS);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            continue;
    }
    fclose(out);
    return code;
}
