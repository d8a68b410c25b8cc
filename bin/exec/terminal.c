#include "exec.h"

#include "plain/fdio.h"
#include "things/session.h"
#include "things/spawn.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#define DEFAULT_KEYS "ctrl-p,ctrl-q"

struct screen {
    int master, signals;
    struct termios before;
    bool raw, input;
    char keys[16];
    int nkeys, matched;
};

static void copy_size(const struct screen *s)
{
    struct winsize ws;
    if (ioctl(0, TIOCGWINSZ, &ws) == 0)
        ioctl(s->master, TIOCSWINSZ, &ws);
}

static void go_raw(struct screen *s)
{
    struct termios t;
    if (tcgetattr(0, &s->before) < 0)
        return;
    t = s->before;
    cfmakeraw(&t);
    s->raw = tcsetattr(0, TCSADRAIN, &t) == 0;
}

/* true: the person typed the detach keys */
static bool from_person(struct screen *s)
{
    char b[4096];
    ssize_t n = read(0, b, sizeof b);
    if (n <= 0) {
        s->input = false;
        return false;
    }
    for (ssize_t i = 0; i < n && s->nkeys > 0; i++) {
        s->matched = b[i] == s->keys[s->matched] ? s->matched + 1 : b[i] == s->keys[0];
        if (s->matched == s->nkeys)
            return true;
    }
    (void)fd_write_all(s->master, b, (size_t)n);
    return false;
}

/* false: the terminal has ended */
static bool from_container(struct screen *s)
{
    char b[16384];
    ssize_t n = read(s->master, b, sizeof b);
    if (n < 0 && errno == EINTR)
        return true;
    return n > 0 && fd_write_all(1, b, (size_t)n) == 0;
}

#define LAST_WORDS_MS 100

/* Until the terminal or the command ends; true when the person detached. */
static bool move_bytes(struct screen *s, pid_t pid)
{
    cleanup_fd int ended = (int)syscall(SYS_pidfd_open, pid, 0);
    bool over = false;
    for (;;) {
        struct pollfd p[4] = {{.fd = s->master, .events = POLLIN},
                              {.fd = s->input ? 0 : -1, .events = POLLIN},
                              {.fd = s->signals, .events = POLLIN},
                              {.fd = over ? -1 : ended, .events = POLLIN}};
        struct signalfd_siginfo si;
        int n = poll(p, 4, over ? LAST_WORDS_MS : -1);
        if ((n < 0 && errno != EINTR) || (n == 0 && over))
            return false;
        if (p[2].revents && read(s->signals, &si, sizeof si) == (ssize_t)sizeof si)
            copy_size(s);
        if (p[1].revents && from_person(s))
            return true;
        if (p[0].revents && !from_container(s))
            return false;
        /* what was written to a terminal may take a moment to be readable at its other end */
        over |= p[3].revents != 0;
    }
}

static int take_master(int listen_fd, pid_t pid, int *ret, struct err *e)
{
    char name[64];
    size_t n = 1;
    cleanup_fd int ended = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd p[2] = {{.fd = listen_fd, .events = POLLIN}, {.fd = ended, .events = POLLIN}};
    while (poll(p, 2, -1) < 0 && errno == EINTR)
        ;
    if (!(p[0].revents & POLLIN))
        return err_set(e, 0, "the runtime did not hand over a terminal");
    cleanup_fd int s = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (s < 0 || fd_recv(s, name, sizeof name, ret, &n) < 0 || n != 1)
        return err_set(e, 0, "the runtime did not hand over a terminal");
    return 0;
}

/* The command's pid: the runtime's own, which stays beside it, or what a foreign one left. */
static int start(char *const *argv, const struct exec_foreign *f, int keep, pid_t *ret,
                 struct err *e)
{
    struct spawn sp = {.argv = argv,
                       .in = -1,
                       .out = -1,
                       .err = SPAWN_INHERIT,
                       .report = -1,
                       .keep = &keep,
                       .nkeep = 1,
                       .preserve = f->preserve};
    return f->log ? exec_foreign_start(argv, f, keep, false, ret, e) : spawn(&sp, ret, e);
}

int exec_terminal(char *const *argv, const struct exec_foreign *f, int listen_fd, int keep,
                  const char *detach_keys, int *code, struct err *e)
{
    struct screen s = {.master = -1, .input = true};
    sigset_t winch;
    pid_t pid;
    s.nkeys = detach_keys_parse(detach_keys ? detach_keys : DEFAULT_KEYS, s.keys, sizeof s.keys);
    if (s.nkeys < 0)
        return err_set(e, 0, "invalid detach keys \"%s\"", detach_keys);
    if (start(argv, f, keep, &pid, e) < 0)
        return -1;
    if (take_master(listen_fd, pid, &s.master, e) < 0) {
        *code = spawn_wait(pid); /* the runtime has said why, on standard error */
        e->code = *code;
        e->msg[0] = '\0';
        return *code ? -1 : 0;
    }
    sigemptyset(&winch);
    sigaddset(&winch, SIGWINCH);
    sigprocmask(SIG_BLOCK, &winch, NULL);
    s.signals = signalfd(-1, &winch, SFD_CLOEXEC);
    go_raw(&s);
    copy_size(&s);
    bool detached = move_bytes(&s, pid);
    if (s.raw)
        tcsetattr(0, TCSADRAIN, &s.before);
    *code = detached ? 0 : spawn_wait(pid);
    close(s.master);
    close(s.signals);
    return 0;
}
