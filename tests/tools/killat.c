/*
 * killat [-l] [-t MS] PROGRAM N FILE COMMAND [ARG...]: runs COMMAND and sends SIGKILL to the
 * process that is, by its executable's name, PROGRAM, when one is about to make the Nth system call
 * that changes something. Forks and what they exec are followed; newuidmap and newgidmap are not,
 * since a traced program gets no rights by its setuid bit.
 *
 * FILE gets one line: "hit CALL" or "miss COUNT" (so many there were). The exit status is the
 * command's; 124 when it did not end in 30 seconds, or POD_TEST_SLOW times that. After its end what
 * it left running is watched for MS (200) more, so that the last steps of a monitor can be met too.
 * -l lists on stderr what is counted.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIMIT_MS 30000
#define TICK_MS  20

struct call {
    long nr;
    const char *name;
};
#define CALL(x)                                                                                    \
    {                                                                                              \
        SYS_##x, #x                                                                                \
    }
static const struct call calls[] = {
    CALL(write),     CALL(pwrite64),   CALL(writev),   CALL(sendto),    CALL(sendmsg),
    CALL(renameat),  CALL(renameat2),  CALL(linkat),   CALL(symlinkat), CALL(unlinkat),
    CALL(mkdirat),   CALL(mknodat),    CALL(fchmodat), CALL(ftruncate), CALL(fsync),
    CALL(fdatasync), CALL(syncfs),     CALL(mount),    CALL(umount2),   CALL(pivot_root),
    CALL(setns),     CALL(unshare),    CALL(clone),    CALL(clone3),    CALL(execve),
    CALL(bind),      CALL(connect),    CALL(kill),     CALL(fcntl),     CALL(pidfd_send_signal),
    CALL(setresuid), CALL(exit_group),
#ifdef SYS_rename
    CALL(rename),    CALL(link),       CALL(symlink),  CALL(unlink),    CALL(rmdir),
    CALL(mkdir),     CALL(mknod),      CALL(chmod),    CALL(fork),      CALL(vfork),
#endif
};

struct tracee {
    pid_t pid;
    bool in_call, ours, fresh;
};
static struct tracee tracees[4096];
static size_t ntracees;
static const char *program;
static long wanted, counted;
static bool list, hit;
static char hit_name[64];

static struct tracee *find(pid_t pid)
{
    for (size_t i = 0; i < ntracees; i++)
        if (tracees[i].pid == pid)
            return &tracees[i];
    if (ntracees == sizeof tracees / sizeof *tracees) {
        fprintf(stderr, "killat: too many processes\n");
        exit(125);
    }
    tracees[ntracees] = (struct tracee){.pid = pid, .fresh = true};
    return &tracees[ntracees++];
}

static void forget(pid_t pid)
{
    struct tracee *t = find(pid);
    *t = tracees[--ntracees];
}

static bool is_program(pid_t pid)
{
    char path[64], exe[4096];
    snprintf(path, sizeof path, "/proc/%d/exe", pid);
    ssize_t n = readlink(path, exe, sizeof exe - 1);
    if (n <= 0)
        return false;
    exe[n] = '\0';
    const char *slash = strrchr(exe, '/');
    return strcmp(slash ? slash + 1 : exe, program) == 0;
}

struct regs {
    long nr, arg[6];
};

/* Linux calls it PTRACE_GET_SYSCALL_INFO; the same on every machine. */
static bool read_entry(pid_t pid, struct regs *r)
{
    struct __ptrace_syscall_info info = {0};
    if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof info, &info) <= 0 ||
        info.op != PTRACE_SYSCALL_INFO_ENTRY)
        return false;
    r->nr = (long)info.entry.nr;
    for (int i = 0; i < 6; i++)
        r->arg[i] = (long)info.entry.args[i];
    return true;
}

static const char *counts(const struct regs *r)
{
    if (r->nr == SYS_openat)
        return r->arg[2] & (O_CREAT | O_TRUNC) ? "openat" : NULL;
#ifdef SYS_open
    if (r->nr == SYS_open)
        return r->arg[1] & (O_CREAT | O_TRUNC) ? "open" : NULL;
#endif
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        if (calls[i].nr != r->nr)
            continue;
        /* locks only; threads are no processes */
        if (r->nr == SYS_fcntl && (r->arg[1] < 36 || r->arg[1] > 38))
            return NULL;
        if (r->nr == SYS_clone && r->arg[0] & CLONE_THREAD)
            return NULL;
        return calls[i].name;
    }
    return NULL;
}

static void read_text(pid_t pid, long at, char *out, size_t size)
{
    struct iovec here = {.iov_base = out, .iov_len = size - 1};
    struct iovec there = {.iov_base = (void *)(uintptr_t)at, .iov_len = size - 1};
    memset(out, 0, size);
    ssize_t n = process_vm_readv(pid, &here, 1, &there, 1, 0);
    if (n < 0) { /* the text may end just before a page that is not there */
        there.iov_len = here.iov_len = 64;
        (void)process_vm_readv(pid, &here, 1, &there, 1, 0);
    }
}

/* true: the process is not ours to go on with */
static bool entering(pid_t pid, struct tracee *t)
{
    struct regs r;
    char text[256];
    if (!read_entry(pid, &r))
        return false;
    if (r.nr == SYS_execve) {
        read_text(pid, r.arg[0], text, sizeof text);
        const char *slash = strrchr(text, '/');
        const char *name = slash ? slash + 1 : text;
        if (strcmp(name, "newuidmap") == 0 || strcmp(name, "newgidmap") == 0) {
            ptrace(PTRACE_DETACH, pid, 0, 0);
            forget(pid);
            return true;
        }
    }
    const char *name = t->ours ? counts(&r) : NULL;
    if (!name || hit)
        return false;
    counted++;
    if (list) {
        long where = r.nr == SYS_execve ? r.arg[0] : r.arg[1];
        text[0] = '\0';
        if (r.nr != SYS_fcntl && r.nr != SYS_clone && r.nr != SYS_setns)
            read_text(pid, where, text, sizeof text);
        for (char *p = text; *p; p++)
            if ((unsigned char)*p < ' ' || (unsigned char)*p > '~')
                *p = '.';
        fprintf(stderr, "%ld %d %s %.100s\n", counted, pid, name, text);
    }
    if (counted != wanted)
        return false;
    hit = true;
    snprintf(hit_name, sizeof hit_name, "%s", name);
    kill(pid, SIGKILL);
    return true;
}

static void go_on(pid_t pid, int sig)
{
    ptrace(PTRACE_SYSCALL, pid, 0, sig);
}

static void stopped(pid_t pid, int status)
{
    int sig = WSTOPSIG(status), event = status >> 16;
    struct tracee *t = find(pid);
    if (sig == (SIGTRAP | 0x80)) {
        t->in_call = !t->in_call;
        if (!t->in_call || !entering(pid, t))
            go_on(pid, 0);
        return;
    }
    bool fresh = t->fresh;
    if (fresh)
        t->ours = is_program(pid);
    t->fresh = false;
    if (event == PTRACE_EVENT_EXEC) {
        t->ours = is_program(pid);
        t->in_call = true; /* the end of execve is still to come */
    } else if (event == PTRACE_EVENT_STOP && !fresh && sig != SIGTRAP) {
        ptrace(PTRACE_LISTEN, pid, 0, 0); /* stopped by SIGSTOP and the like */
        return;
    }
    go_on(pid, event ? 0 : sig);
}

static int64_t now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static pid_t start(char **argv)
{
    pid_t pid = fork();
    if (pid == 0) {
        raise(SIGSTOP);
        execvp(argv[0], argv);
        perror(argv[0]);
        _exit(127);
    }
    int status;
    const long o = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                   PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;
    waitpid(pid, &status, WUNTRACED);
    if (ptrace(PTRACE_SEIZE, pid, 0, o) < 0) {
        perror("killat: ptrace");
        exit(125);
    }
    kill(pid, SIGCONT);
    return pid;
}

static void tick(int sig)
{
    (void)sig;
}

/* Until the command has ended and its grace is over; its status. */
static int watch(pid_t command, int grace_ms)
{
    const struct itimerval every = {{0, TICK_MS * 1000}, {0, TICK_MS * 1000}};
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = tick}, NULL);
    setitimer(ITIMER_REAL, &every, NULL);
    const char *slow = getenv("POD_TEST_SLOW");
    int64_t begun = now_ms(), ended = 0, limit = LIMIT_MS * (slow ? atoi(slow) : 1);
    int code = 124;
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, __WALL); /* a tick of the timer interrupts it */
        int64_t now = now_ms();
        if (pid < 0 && errno == ECHILD)
            return code;
        if ((ended && (hit || now - ended > grace_ms)) || now - begun > limit)
            return code;
        if (pid > 0 && WIFSTOPPED(status)) {
            stopped(pid, status);
            continue;
        }
        if (pid > 0)
            forget(pid);
        if (pid == command) {
            code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            ended = now;
        }
    }
}

int main(int argc, char **argv)
{
    int c, grace = 200;
    while ((c = getopt(argc, argv, "+lt:")) != -1) {
        if (c == 't')
            grace = atoi(optarg);
        else if (c == 'l')
            list = true;
        else
            return 125;
    }
    argv += optind;
    if (argc - optind < 4) {
        fprintf(stderr, "usage: killat [-l] [-t MS] PROGRAM N FILE COMMAND [ARG...]\n");
        return 125;
    }
    program = argv[0];
    wanted = atol(argv[1]);
    FILE *out = fopen(argv[2], "we");
    if (!out) {
        perror(argv[2]);
        return 125;
    }
    int code = watch(start(argv + 3), grace);
    if (hit)
        fprintf(out, "hit %s\n", hit_name);
    else
        fprintf(out, "miss %ld\n", counted);
    return fclose(out) ? 125 : code;
}
