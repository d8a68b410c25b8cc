/*
 * NOTIFY_SOCKET (sd_notify(3)) for the container: a socket of its own at /run/notify, since that of
 * our caller is nothing that the container should reach. A process beside it passes on that the
 * container is ready, with init as the main process, and ends with it.
 */
#include "rt.h"

#include "disk/sdnotify.h"
#include "plain/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define INSIDE      "/run/notify"
#define NAME        "notify.sock"
#define MAX_MESSAGE 4096

/* Bound by a short way: the state's path may be longer than a socket's may be. */
static int bind_in(const char *dir, struct err *e)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    cleanup_fd int at = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    cleanup_fd int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    snprintf(a.sun_path, sizeof a.sun_path, "/proc/self/fd/%d/" NAME, at);
    if (at < 0 || s < 0 || bind(s, (struct sockaddr *)&a, sizeof a) < 0 ||
        fchmodat(at, NAME, 0666, 0) < 0)
        return err_sys(e, "cannot make the container's NOTIFY_SOCKET");
    return fd_take(&s);
}

int notify_open(struct rt *rt, struct err *e)
{
    json_t *process = json_object_get(rt->spec, "process"), *mounts;
    if (!process || !getenv("NOTIFY_SOCKET") || !*getenv("NOTIFY_SOCKET"))
        return 0;
    cleanup_free char *dir = state_file(rt, "notify");
    if ((mkdir(dir, 0755) < 0 && errno != EEXIST) || chmod(dir, 0755) < 0)
        return err_sys(e, "cannot make \"%s\"", dir);
    rt->notify_fd = bind_in(dir, e);
    if (rt->notify_fd < 0)
        return -1;
    mounts = json_object_get(rt->spec, "mounts");
    if (!mounts) {
        mounts = json_array();
        json_object_set_new(rt->spec, "mounts", mounts);
    }
    json_array_append_new(mounts, json_pack("{s:s, s:s, s:s, s:[s, s, s, s, s]}", "destination",
                                            INSIDE, "type", "bind", "source", dir, "options",
                                            "bind", "ro", "nosuid", "nodev", "noexec"));
    jx_put_env(process, "NOTIFY_SOCKET=" INSIDE "/" NAME);
    return 0;
}

/* A message is lines; one of them says that it is ready. */
static bool says_ready(const char *text)
{
    for (const char *l = text; l; l = strchr(l, '\n') ? strchr(l, '\n') + 1 : NULL)
        if (str_starts(l, "READY=1") && (!l[7] || l[7] == '\n'))
            return true;
    return false;
}

static void pass_on(int sock, int pidfd, pid_t init)
{
    char text[MAX_MESSAGE + 1];
    struct pollfd p[2] = {{.fd = sock, .events = POLLIN}, {.fd = pidfd, .events = POLLIN}};
    for (;;) {
        if (poll(p, 2, -1) < 0 && errno != EINTR)
            return;
        ssize_t n = p[0].revents & POLLIN ? recv(sock, text, MAX_MESSAGE, MSG_DONTWAIT) : -1;
        text[n > 0 ? n : 0] = '\0';
        if (n > 0 && says_ready(text)) {
            sdnotify_ready(getenv("NOTIFY_SOCKET"), init);
            return;
        }
        if (n < 0 && p[1].revents)
            return;
    }
}

int notify_serve(struct rt *rt, pid_t init, struct err *e)
{
    if (rt->notify_fd < 0)
        return 0;
    int end =
        (int)syscall(SYS_pidfd_open, init, 0); /* here it is a child of ours, whatever it does */
    pid_t pid = end < 0 ? -1 : fork();
    if (pid < 0)
        return err_sys(e, "cannot watch for the container to be ready");
    if (pid == 0) {
        int sock = fd_move_up(rt->notify_fd, 10);
        int fd = fd_move_up(end, 10);
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        prctl(PR_SET_NAME, "pod-notify");
        setsid();
        for (int i = 0; i < 3; i++)
            dup2(null, i);
        for (int i = 3; i < 1024; i++) /* the report's and the streams of others are not ours */
            if (i != sock && i != fd)
                close(i);
        pass_on(sock, fd, init);
        _exit(0);
    }
    close(end);
    close(rt->notify_fd);
    rt->notify_fd = -1;
    return 0;
}
