/*
 * pod-fakeroot SOCKET [--owners TOP]... [--] COMMAND [ARG...]: makes root of a container that has
 * one user id (words/userns.h, single-id mode) able to do what package managers do.
 *
 * The container's seccomp filter hands us chown, set*id, setgroups and mknod, and shows us what may
 * copy a link up (fakeroot/copyup.c; OCI runtime-spec, «seccomp», listenerPath: SOCKET). Owners
 * are remembered beside the file for `commit` (disk/owner.h), those of links beside the container's
 * own layer, whose top is the first TOP; the others are of the layers below it (disk/owners.h). To
 * become somebody else succeeds and changes nothing; a device is an empty file. Nobody gets a right
 * from it: what is done to a file is what the caller, whose files they all are, may do to it.
 *
 * COMMAND, the runtime, is run in our place; we stay beside it until nobody is left who has
 * the filter.
 */
#include "fakeroot/fakeroot.h"

#include "disk/report.h"
#include "plain/err.h"
#include "plain/fdio.h"
#include "plain/str.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define GUESTS_MAX 1024 /* one for the container and one for each exec that runs */
#define STATE_MAX  65536

int proc_dir = -1, root_dir = -1;

/*
 * Slot 0 listens, slot 1 is the runtime's pidfd; the others are runtimes that have connected and
 * then the seccomp listeners that they send.
 */
enum { DOOR, RUNTIME, FIRST };
struct server {
    struct pollfd p[FIRST + GUESTS_MAX];
    bool sends[FIRST + GUESTS_MAX]; /* a runtime that has not sent its listener yet */
    size_t n;
};

static int listen_on(const char *path, struct err *e)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    cleanup_fd int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (str_copy(a.sun_path, sizeof a.sun_path, path) < 0)
        return err_set(e, 0, "runtime directory too long for a socket: \"%s\"", path);
    unlink(path);
    if (s < 0 || bind(s, (struct sockaddr *)&a, sizeof a) < 0 || listen(s, 16) < 0)
        return err_sys(e, "cannot listen on \"%s\"", path);
    return fd_take(&s);
}

static void let_in(struct server *s)
{
    int conn = accept4(s->p[DOOR].fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (conn < 0)
        return;
    if (s->n == FIRST + GUESTS_MAX) {
        close(conn);
        return;
    }
    s->sends[s->n] = true;
    s->p[s->n++] = (struct pollfd){.fd = conn, .events = POLLIN};
}

/* The container's state, and beside it the descriptor, which takes the runtime's place. */
static bool take_listener(struct pollfd *p)
{
    static char state[STATE_MAX];
    int fds[4];
    size_t n = sizeof fds / sizeof *fds;
    if (fd_recv(p->fd, state, sizeof state, fds, &n) <= 0 || n == 0)
        return false;
    while (n > 1)
        close(fds[--n]);
    close(p->fd);
    p->fd = fds[0];
    return true;
}

static bool goes_on(struct server *s, size_t i)
{
    if (!s->p[i].revents)
        return true;
    if (!(s->p[i].revents & POLLIN))
        return false; /* the last process that had the filter is gone */
    if (!s->sends[i])
        return answer_next(s->p[i].fd) == 0;
    s->sends[i] = false;
    return take_listener(&s->p[i]);
}

static void answer_all(struct server *s)
{
    size_t kept = FIRST;
    for (size_t i = FIRST; i < s->n; i++) {
        if (!goes_on(s, i)) {
            close(s->p[i].fd);
            continue;
        }
        s->sends[kept] = s->sends[i];
        s->p[kept++] = s->p[i];
    }
    s->n = kept;
}

static void serve(struct server *s)
{
    while (s->p[RUNTIME].fd >= 0 || s->n > FIRST) {
        if (poll(s->p, s->n, -1) < 0 && errno != EINTR)
            return;
        answer_all(s);
        if (s->p[DOOR].revents & POLLIN) {
            let_in(s);
        } else if (s->p[RUNTIME].revents) {
            close(s->p[RUNTIME].fd); /* what it had to send, it has sent */
            s->p[RUNTIME].fd = -1;
        }
    }
}

static void become_server(int door, int runtime)
{
    static struct server s;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    prctl(PR_SET_NAME, "pod-fakeroot");
    setsid();
    for (int fd = 0; fd < 3; fd++)
        dup2(null, fd);
    proc_dir = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    root_dir = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    /* the report's descriptor and whatever else was inherited is the runtime's */
    const int ours[] = {door, runtime, proc_dir, root_dir};
    fd_close_now(3, ours, sizeof ours / sizeof *ours);
    if (proc_dir < 0 || root_dir < 0 || chdir("/") < 0)
        _exit(1);
    s.p[DOOR] = (struct pollfd){.fd = door, .events = POLLIN};
    s.p[RUNTIME] = (struct pollfd){.fd = runtime, .events = POLLIN};
    s.n = FIRST;
    serve(&s);
    _exit(0);
}

static int run(const char *path, char **command, struct err *e)
{
    int door = listen_on(path, e);
    if (door < 0)
        return -1;
    int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
    pid_t pid = self < 0 ? -1 : fork();
    if (pid < 0)
        return err_sys(e, "cannot start pod-fakeroot beside the runtime");
    if (pid == 0)
        become_server(door, self);
    close(door);
    close(self);
    execvp(command[0], command);
    err_sys(e, "cannot run \"%s\"", command[0]);
    e->code = errno == ENOENT ? 127 : 126;
    return -1;
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    char **command = argv + 2;
    for (; argc > 2 && command[0] && command[1] && strcmp(command[0], "--owners") == 0;
         command += 2)
        links_layer(command[1]);
    if (argc > 2 && command[0] && strcmp(command[0], "--") == 0)
        command++;
    if (argc < 3 || !*command)
        err_set(&e, 0, "usage: pod-fakeroot SOCKET [--owners TOP]... [--] COMMAND [ARG...]");
    else
        run(argv[1], command, &e);
    report_err(&e);
    fprintf(stderr, "Error: %s\n", e.msg);
    return e.code;
}
