/* Reaching a container that runs: its monitor first, the bare process when that is gone. */
#include "things/session.h"

#include "plain/buf.h"
#include "plain/fdio.h"
#include "things/ctr.h"
#include "words/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_MS 5000
#define RECORD_MS 2000

int attach_connect(const struct roots *r, const char *id, struct err *e)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    cleanup_fd int dir = openat(r->run, id, O_PATH | O_DIRECTORY | O_CLOEXEC);
    cleanup_fd int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (dir < 0 || s < 0)
        return err_sys(e, "cannot reach the monitor of container %s", id);
    snprintf(a.sun_path, sizeof a.sun_path, "/proc/self/fd/%d/" ATTACH_SOCKET, dir);
    if (connect(s, (struct sockaddr *)&a, sizeof a) < 0)
        return err_sys(e, "cannot reach the monitor of container %s", id);
    return fd_take(&s);
}

/* Next packet of that kind within the time; its text to out. */
static int await(int sock, char kind, int ms, char *out, size_t size)
{
    char packet[512];
    struct pollfd p = {.fd = sock, .events = POLLIN};
    for (;;) {
        int n = poll(&p, 1, ms);
        if (n == 0)
            return 1;
        if (n < 0 && errno == EINTR)
            continue;
        ssize_t got = n < 0 ? -1 : recv(sock, packet, sizeof packet - 1, 0);
        if (got < 0 && (errno == EINTR || errno == ECONNRESET))
            continue; /* what the monitor said before it went follows, and then the end */
        if (got <= 0)
            return -1;
        packet[got] = '\0';
        if (packet[0] == kind) {
            snprintf(out, size, "%s", packet + 1);
            return 0;
        }
        if (packet[0] == ATTACH_EXIT) {
            errno = ESRCH;
            return -1;
        }
    }
}

static int signal_process(const struct ctr_status *s, int sig)
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

int ctr_signal(const struct roots *r, const struct ctr *c, int sig, struct err *e)
{
    struct ctr_status s;
    struct err gone = ERR_INIT;
    char answer[16];
    cleanup_fd int sock = attach_connect(r, c->id, &gone);
    if (sock >= 0 && attach_sendf(sock, ATTACH_SIGNAL, "%d", sig) == 0 &&
        await(sock, ATTACH_SENT, ANSWER_MS, answer, sizeof answer) == 0) {
        errno = atoi(answer);
        return errno ? err_sys(e, "cannot send signal %d to container %s", sig, c->id) : 0;
    }
    ctr_status(r, c, &s);
    if (!ctr_is_up(&s)) {
        errno = ESRCH;
        return err_sys(e, "container %s is not running", c->id);
    }
    return signal_process(&s, sig) < 0
               ? err_sys(e, "cannot send signal %d to container %s", sig, c->id)
               : 0;
}

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

/* Without a monitor: until the process is gone, then until its record is there, if one comes. */
static int wait_process(const struct roots *r, const struct ctr *c, int timeout_ms, int *ret_code)
{
    struct ctr_status s;
    ctr_status(r, c, &s);
    if (ctr_is_up(&s)) {
        cleanup_fd int fd = (int)syscall(SYS_pidfd_open, s.pid, 0);
        struct pollfd p = {.fd = fd, .events = POLLIN};
        while (fd >= 0 && proc_birth(s.pid) == s.birth) {
            int n = poll(&p, 1, timeout_ms);
            if (n == 0)
                return 1;
            if (n > 0)
                break;
        }
    }
    for (int ms = 0; ms < RECORD_MS; ms += 2) {
        ctr_status(r, c, &s);
        if (s.state == CTR_EXITED || s.state == CTR_CREATED)
            break;
        nap();
    }
    *ret_code = s.state == CTR_EXITED ? s.exit_code : 0;
    return 0;
}

int ctr_wait(const struct roots *r, const struct ctr *c, int timeout_ms, int *ret_code,
             struct err *e)
{
    struct err gone = ERR_INIT;
    char text[16];
    (void)e;
    cleanup_fd int sock = attach_connect(r, c->id, &gone);
    if (sock >= 0) {
        int res = await(sock, ATTACH_EXIT, timeout_ms, text, sizeof text);
        if (res == 0)
            *ret_code = atoi(text);
        if (res >= 0)
            return res;
    }
    return wait_process(r, c, timeout_ms, ret_code);
}

int session_lost(const struct roots *r, const struct ctr *c, int *ret_code, struct err *e)
{
    sigset_t none;
    struct ctr_status s;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (ctr_wait(r, c, -1, ret_code, e) < 0)
        return -1;
    ctr_status(r, c, &s);
    if (s.state == CTR_EXITED && s.finished_ns)
        return 0;
    return err_set(e, 0, "container %s has lost its monitor: its exit code is not known", c->id);
}
