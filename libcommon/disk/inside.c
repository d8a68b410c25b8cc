#include "disk/inside.h"

#include "plain/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRIES 100

int inside_open_below(int root, const char *path, int flags)
{
    struct open_how how = {.flags = (unsigned)flags | O_CLOEXEC,
                           .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
    int fd = -1;
    /* EAGAIN: something on the way was renamed; nobody can keep that up for long */
    for (int i = 0; i < TRIES; i++) {
        fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);
        if (fd >= 0 || errno != EAGAIN)
            break;
    }
    return fd;
}

static void child(pid_t pid, int root, const char *path, int flags, int answer)
{
    char ns[64];
    snprintf(ns, sizeof ns, "/proc/%d/ns/user", pid);
    int user = open(ns, O_RDONLY | O_CLOEXEC);
    prctl(PR_SET_DUMPABLE, 0); /* root of that namespace may see us */
    int fd =
        user >= 0 && setns(user, CLONE_NEWUSER) == 0 ? inside_open_below(root, path, flags) : -1;
    int why = fd < 0 ? errno : 0;
    fd_send(answer, &why, sizeof why, &fd, fd >= 0);
    _exit(0);
}

/* By a child of ours that is in pid's user namespace. */
static int open_as_member(pid_t pid, int root, const char *path, int flags)
{
    int s[2], why = EACCES, fd = -1;
    size_t n = 1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s) < 0)
        return -1;
    pid_t worker = fork();
    if (worker == 0)
        child(pid, root, path, flags, s[1]);
    close(s[1]);
    bool answered = worker > 0 && fd_recv(s[0], &why, sizeof why, &fd, &n) == sizeof why;
    close(s[0]);
    if (worker > 0)
        waitpid(worker, NULL, 0);
    if (answered && n == 1)
        return fd;
    errno = why;
    return -1;
}

/* File systems in user space turn everybody away who is not in the user namespace they were
 * mounted in, whatever the modes of their files say. */
int inside_open(pid_t pid, const char *path, int flags)
{
    char name[64];
    snprintf(name, sizeof name, "/proc/%d/root", pid);
    cleanup_fd int root = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return -1;
    int fd = inside_open_below(root, path, flags);
    return fd < 0 && errno == EACCES ? open_as_member(pid, root, path, flags) : fd;
}

int inside_read(pid_t pid, const char *path, size_t max, struct buf *b)
{
    size_t before = b->len;
    cleanup_fd int fd = inside_open(pid, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -1;
    if (fd_read_all(fd, max, b) == 0)
        return 0;
    b->len = before;
    if (b->s)
        b->s[before] = '\0';
    return -1;
}
