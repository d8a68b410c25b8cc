/* Starting a network program in the background, and hearing when it serves or why it ended. */
#include "netns.h"

#include "disk/report.h"
#include "plain/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY_MS  20000
#define MAX_WORDS 65536

/*
 * Given open: the program gives up rights, or enters the user namespace,
 * before it looks at the process, and then may not open the namespaces of one that runs as
 * another user.
 */
int program_namespaces(pid_t pid, int *ret_user, int *ret_net, struct err *e)
{
    char path[48];
    snprintf(path, sizeof path, "/proc/%d/ns/user", pid);
    cleanup_fd int user = open(path, O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof path, "/proc/%d/ns/net", pid);
    cleanup_fd int net = open(path, O_RDONLY | O_CLOEXEC);
    if (user < 0 || net < 0)
        return err_sys(e, "cannot open the namespaces of process %d", pid);
    *ret_user = fd_take(&user);
    *ret_net = fd_take(&net);
    return 0;
}

static void run(char *const *argv, int ready, const int extra[PROGRAM_KEEP], int words)
{
    int keep[PROGRAM_KEEP + 1] = {ready};
    memcpy(keep + 1, extra, PROGRAM_KEEP * sizeof *extra);
    int null = open("/dev/null", O_RDWR);
    setsid();
    /*
     * The sandbox of slirp4netns makes only the topmost mount private before it throws all of them
     * away; for root, whose mounts are shared, the host's /sys/fs/cgroup and /dev/pts went along.
     */
    if (geteuid() == 0 &&
        (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0))
        _exit(126);
    signal(SIGPIPE, SIG_DFL); /* pasta takes an ignored one for a failure */
    dup2(null, 0);
    dup2(null, 1);
    dup2(words, 2);
    fd_close_from(3, keep, PROGRAM_KEEP + 1);
    for (int i = 0; i <= PROGRAM_KEEP; i++)
        if (keep[i] >= 0)
            fd_cloexec(keep[i], false);
    execvp(argv[0], argv);
    _exit(127);
}

int program_start(char *const *argv, int ready[2], const int keep[PROGRAM_KEEP],
                  struct program *ret, struct err *e)
{
    /* in memory: the program may speak long after we are gone, and nobody must read it */
    int words = memfd_create("words", MFD_CLOEXEC);
    pid_t pid = words < 0 ? -1 : fork();
    if (pid == 0)
        run(argv, ready[1], keep, words);
    if (pid < 0)
        err_sys(e, "cannot start %s", argv[0]);
    close(ready[1]);
    if (pid < 0) {
        close(ready[0]);
        if (words >= 0)
            close(words);
        return -1;
    }
    *ret = (struct program){.pid = pid, .ready = ready[0], .words = words};
    return 0;
}

/* The last line, or the one before a page of usage. */
static void last_words(int fd, char *out, size_t size)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    char *save = NULL, *last = NULL;
    if (lseek(fd, 0, SEEK_SET) == 0)
        (void)fd_read_all(fd, MAX_WORDS, &b);
    for (char *l = b.s ? strtok_r(b.s, "\n", &save) : NULL; l; l = strtok_r(NULL, "\n", &save)) {
        if (!str_starts(l, "Failed to send ")) /* pasta's complaint about a missing syslog */
            last = l;
        if (strstr(l, "unrecognized option"))
            break;
    }
    snprintf(out, size, "%s", last ? last : "");
}

int program_ready(struct program *p, const char *name, struct err *e)
{
    struct pollfd f = {.fd = p->ready, .events = POLLIN};
    char byte, words[600];
    int status = 0, r;
    do
        r = poll(&f, 1, READY_MS);
    while (r < 0 && errno == EINTR);
    bool serves = r > 0 && read(p->ready, &byte, 1) == 1;
    if (!serves) {
        if (r == 0)
            kill(p->pid, SIGKILL);
        waitpid(p->pid, &status, 0);
        last_words(p->words, words, sizeof words);
        bool missing = WIFEXITED(status) && WEXITSTATUS(status) == 127;
        err_set(e, 0, "%s %s%s%s", name,
                r == 0    ? "did not set up the network in time"
                : missing ? "cannot be run"
                          : "failed",
                *words ? ": " : "", words);
    }
    close(p->ready);
    close(p->words);
    return serves ? 0 : -1;
}
