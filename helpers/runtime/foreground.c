/*
 * run and exec without --detach: the caller's signals go to the process, and when it has a
 * terminal and no console socket takes it, we are the other end of that terminal.
 */
#include "rt.h"

#include "plain/fdio.h"
#include "plain/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

struct front {
    pid_t pid;
    int signals, master; /* master -1: no terminal */
    bool input_open, raw;
    struct termios before;
    int status;
};

/* The socket's path is the caller's: it is connected to before anybody enters anything. */
int console_open(struct rt *rt, struct err *e)
{
    int s[2];
    if (rt->o->console_socket) {
        rt->console_fd = dev_console_connect(rt->o->console_socket, e);
        return rt->console_fd < 0 ? -1 : 0;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s) < 0)
        return err_sys(e, "cannot make a socket pair");
    rt->terminal_fd = s[0];
    rt->console_fd = s[1];
    return 0;
}

static void copy_size(const struct front *f)
{
    struct winsize ws;
    if (f->master >= 0 && ioctl(0, TIOCGWINSZ, &ws) == 0)
        ioctl(f->master, TIOCSWINSZ, &ws);
}

static int take_terminal(struct front *f, int from, struct err *e)
{
    char name[16];
    size_t n = 1;
    if (fd_recv(from, name, sizeof name, &f->master, &n) < 0 || n != 1) {
        f->master = -1;
        return err_sys(e, "the container's terminal did not arrive");
    }
    f->input_open = true;
    if (tcgetattr(0, &f->before) == 0) {
        struct termios raw = f->before;
        cfmakeraw(&raw);
        f->raw = tcsetattr(0, TCSANOW, &raw) == 0;
    }
    return 0;
}

#define LAST_WORDS_MS 100

/* One portion from one side to the other; false: that side has ended. */
static bool move(int from, int to)
{
    char portion[4096];
    ssize_t n = read(from, portion, sizeof portion);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return true;
    return n > 0 && fd_write_all(to, portion, (size_t)n) == 0;
}

/* Children that a container without a pid namespace left to us are reaped on the way. */
static bool reap(struct front *f)
{
    int st;
    for (pid_t p; (p = waitpid(-1, &st, WNOHANG)) > 0;)
        if (p == f->pid) {
            f->status = st;
            return true;
        }
    return kill(f->pid, 0) < 0 && errno == ESRCH;
}

static bool on_signal(struct front *f)
{
    struct signalfd_siginfo si;
    if (read(f->signals, &si, sizeof si) != sizeof si)
        return false;
    if (si.ssi_signo == SIGCHLD)
        return reap(f);
    if (si.ssi_signo == SIGWINCH && f->master >= 0)
        copy_size(f);
    else
        kill(f->pid, (int)si.ssi_signo);
    return false;
}

static void serve(struct front *f)
{
    bool ended = reap(f);
    while (!ended) {
        struct pollfd p[] = {{.fd = f->signals, .events = POLLIN},
                             {.fd = f->master, .events = POLLIN},
                             {.fd = f->input_open ? 0 : -1, .events = POLLIN}};
        if (poll(p, 3, -1) < 0 && errno != EINTR)
            return;
        if (p[0].revents)
            ended = on_signal(f);
        if (p[1].revents && !move(f->master, 1)) {
            close(f->master);
            f->master = -1;
            f->input_open = false;
        }
        if (p[2].revents && f->master >= 0 && !move(0, f->master)) {
            char eot = 4; /* a terminal has no end of file but the character for it */
            (void)fd_write_all(f->master, &eot, 1);
            f->input_open = false;
        }
    }
    /* the kernel hands what was written to a terminal over in its own time; somebody who was left
       behind may keep it open */
    struct pollfd last = {.fd = f->master, .events = POLLIN};
    while (f->master >= 0 && poll(&last, 1, LAST_WORDS_MS) > 0 && move(f->master, 1))
        ;
}

int foreground(pid_t pid, int terminal_fd, int *ret_code, struct err *e)
{
    struct front f = {.pid = pid, .master = -1};
    sigset_t all, before;
    signals_fill(&all);
    static const int ours[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTTIN, SIGTTOU, SIGPIPE};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        sigdelset(&all, ours[i]);
    signal(SIGPIPE, SIG_IGN);
    sigprocmask(SIG_SETMASK, &all, &before);
    cleanup_fd int fd = signalfd(-1, &all, SFD_CLOEXEC);
    f.signals = fd;
    int r = fd < 0 ? err_sys(e, "cannot wait for signals") : 0;
    if (r == 0 && terminal_fd >= 0)
        r = take_terminal(&f, terminal_fd, e);
    if (r == 0)
        serve(&f);
    if (f.raw)
        tcsetattr(0, TCSANOW, &f.before);
    if (f.master >= 0)
        close(f.master);
    sigprocmask(SIG_SETMASK, &before, NULL);
    *ret_code = WIFEXITED(f.status) ? WEXITSTATUS(f.status) : 128 + WTERMSIG(f.status);
    return r;
}
