#include "things/session.h"

#include "plain/buf.h"
#include "plain/fdio.h"
#include "plain/str.h"
#include "words/attach.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#define DEFAULT_KEYS "ctrl-p,ctrl-q"

/* A regular write to a pipe or terminal that poll() calls ready does not block up to this. */
#define SAFE_WRITE 4096

/*
 * Neither direction waits for the other: what the monitor does not take yet, and what our reader
 * does not take yet, is kept here, one packet each way, and its source is not read meanwhile.
 */
struct loop {
    const struct session *s;
    int signals;
    bool input_open, output_broken;
    char in[ATTACH_MAX + 1], out[ATTACH_MAX + 2]; /* packets */
    size_t in_len, out_len, out_at;
    char keys[16];
    int nkeys, matched;
    struct termios before;
    bool raw;
};

/* ---- terminal ---- */

int detach_keys_parse(const char *text, char *out, size_t size)
{
    cleanup(strv_free) struct strv words = STRV_INIT;
    if (!*text)
        return 0;
    strv_split(&words, text, ',');
    if (words.n > size)
        return -1;
    for (size_t i = 0; i < words.n; i++) {
        const char *w = words.v[i];
        if (str_starts(w, "ctrl-") && strlen(w) == 6 && w[5] >= '@' && w[5] <= 'z')
            out[i] = (char)(w[5] & 0x1f);
        else if (strlen(w) == 1)
            out[i] = w[0];
        else
            return -1;
    }
    return (int)words.n;
}

static void go_raw(struct loop *l)
{
    struct termios t;
    if (!l->s->tty || !l->s->input || tcgetattr(0, &l->before) < 0)
        return;
    t = l->before;
    cfmakeraw(&t);
    l->raw = tcsetattr(0, TCSADRAIN, &t) == 0;
}

static void end_raw(struct loop *l)
{
    if (l->raw)
        tcsetattr(0, TCSADRAIN, &l->before);
    l->raw = false;
}

/* ---- packets ---- */

int attach_send(int sock, char kind, const void *p, size_t n)
{
    static char packet[ATTACH_MAX + 1];
    if (n > ATTACH_MAX) {
        errno = EMSGSIZE;
        return -1;
    }
    packet[0] = kind;
    if (n)
        memcpy(packet + 1, p, n);
    ssize_t w;
    do
        w = send(sock, packet, n + 1, MSG_NOSIGNAL);
    while (w < 0 && errno == EINTR);
    return w < 0 ? -1 : 0;
}

int attach_sendf(int sock, char kind, const char *fmt, ...)
{
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return attach_send(sock, kind, text, (size_t)n);
}

/*
 * Words that must not queue behind input which the payload does not read: with input, they go by a
 * connection of their own.
 */
static void tell(const struct loop *l, char kind, const char *text)
{
    struct err ignored = ERR_INIT;
    const struct session *s = l->s;
    if (!s->input) {
        attach_sendf(s->sock, kind, "%s", text);
        return;
    }
    cleanup_fd int sock = attach_connect(s->roots, s->id, &ignored);
    if (sock >= 0)
        attach_sendf(sock, kind, "%s", text);
}

static void tell_signal(const struct loop *l, int sig)
{
    char text[16];
    snprintf(text, sizeof text, "%d", sig);
    tell(l, ATTACH_SIGNAL, text);
}

static void send_size(const struct loop *l)
{
    struct winsize ws;
    char text[32];
    if (!l->s->tty || (ioctl(0, TIOCGWINSZ, &ws) < 0 && ioctl(1, TIOCGWINSZ, &ws) < 0))
        return;
    snprintf(text, sizeof text, "%u %u", ws.ws_row, ws.ws_col);
    tell(l, ATTACH_SIZE, text);
}

/* Whoever reads us has gone: the payload is told so, gently and then for good. */
static void output_gone(struct loop *l)
{
    if (l->output_broken)
        return;
    l->output_broken = true;
    tell(l, ATTACH_STOP, "");
    tell_signal(l, SIGPIPE);
    tell_signal(l, SIGKILL);
}

static int out_fd(const struct loop *l)
{
    return l->out[0] == ATTACH_ERR ? 2 : 1;
}

static void write_out(struct loop *l)
{
    struct stat st;
    size_t left = l->out_len - l->out_at;
    bool file = fstat(out_fd(l), &st) == 0 && S_ISREG(st.st_mode);
    ssize_t n = write(out_fd(l), l->out + l->out_at, file || left < SAFE_WRITE ? left : SAFE_WRITE);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n < 0)
        output_gone(l);
    else
        l->out_at += (size_t)n;
    if (n < 0 || l->out_at == l->out_len)
        l->out_len = l->out_at = 0;
}

/* SESSION_EXIT with *code, SESSION_LOST, or -1 to go on. */
static int take_packet(struct loop *l, int *code)
{
    ssize_t n = recv(l->s->sock, l->out, sizeof l->out - 1, 0);
    /* ECONNRESET: the monitor went before it had read all of ours; what it said follows */
    if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == ECONNRESET))
        return -1;
    if (n <= 0)
        return SESSION_LOST;
    l->out[n] = '\0';
    if (l->out[0] == ATTACH_EXIT) {
        *code = l->output_broken ? 128 + SIGPIPE : atoi(l->out + 1);
        return SESSION_EXIT;
    }
    bool is_err = l->out[0] == ATTACH_ERR;
    if ((is_err || l->out[0] == ATTACH_OUT) && !l->output_broken &&
        !(is_err ? l->s->no_err : l->s->no_out)) {
        l->out_len = (size_t)n;
        l->out_at = 1;
    }
    return -1;
}

static void send_in(struct loop *l)
{
    ssize_t n = send(l->s->sock, l->in, l->in_len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOBUFS))
        return;
    l->in_len = 0; /* sent; or the monitor is gone, as recv will tell */
}

/* How much of b may be passed on before the detach sequence is complete; *done when it is. */
static size_t scan_keys(struct loop *l, const char *b, size_t n, bool *done)
{
    for (size_t i = 0; i < n && l->nkeys > 0; i++) {
        if (b[i] == l->keys[l->matched])
            l->matched++;
        else
            l->matched = b[i] == l->keys[0];
        if (l->matched == l->nkeys) {
            *done = true;
            return i + 1 >= (size_t)l->nkeys ? i + 1 - (size_t)l->nkeys : 0;
        }
    }
    return n;
}

static int pass_input(struct loop *l)
{
    char *b = l->in + 1;
    ssize_t n = read(0, b, ATTACH_MAX);
    bool detach = false;
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return -1;
    l->input_open = n > 0;
    l->in[0] = n > 0 ? ATTACH_IN : ATTACH_EOF;
    size_t pass = n <= 0 ? 0 : l->raw ? scan_keys(l, b, (size_t)n, &detach) : (size_t)n;
    if (pass || n <= 0) {
        l->in_len = pass + 1;
        send_in(l);
    }
    return detach ? SESSION_DETACHED : -1;
}

static void pass_signal(struct loop *l)
{
    struct signalfd_siginfo si;
    if (read(l->signals, &si, sizeof si) != (ssize_t)sizeof si)
        return;
    if (si.ssi_signo == SIGWINCH)
        send_size(l);
    else if (l->s->proxy)
        tell_signal(l, (int)si.ssi_signo);
}

int session_signals(bool proxy)
{
    static const int passed[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,
                                 SIGUSR1, SIGUSR2, SIGCONT, SIGALRM};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGWINCH);
    for (size_t i = 0; proxy && i < sizeof passed / sizeof *passed; i++)
        sigaddset(&set, passed[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int step(struct loop *l, int *ret_code)
{
    short sock = (short)((l->out_len ? 0 : POLLIN) | (l->in_len ? POLLOUT : 0));
    struct pollfd p[4] = {{.fd = sock ? l->s->sock : -1, .events = sock},
                          {.fd = l->input_open && !l->in_len ? 0 : -1, .events = POLLIN},
                          {.fd = l->signals, .events = POLLIN},
                          {.fd = l->out_len ? out_fd(l) : -1, .events = POLLOUT}};
    int result = -1;
    if (poll(p, 4, -1) < 0)
        return errno == EINTR ? -1 : SESSION_LOST;
    if (p[2].revents)
        pass_signal(l);
    if (p[3].revents)
        write_out(l);
    if (p[0].revents && l->in_len)
        send_in(l);
    if (p[1].revents)
        result = pass_input(l);
    if (result < 0 && !l->out_len && p[0].revents & (POLLIN | POLLHUP | POLLERR))
        result = take_packet(l, ret_code);
    return result;
}

int session_run(const struct session *s, int *ret_code, struct err *e)
{
    static struct loop l;
    l = (struct loop){.s = s, .input_open = s->input};
    l.signals = s->signals > 0 ? s->signals : session_signals(s->proxy);
    int result = -1;
    l.nkeys =
        detach_keys_parse(s->detach_keys ? s->detach_keys : DEFAULT_KEYS, l.keys, sizeof l.keys);
    if (l.nkeys < 0)
        return err_set(e, 0, "invalid detach keys \"%s\"", s->detach_keys);
    go_raw(&l);
    send_size(&l);
    while (result < 0)
        result = step(&l, ret_code);
    end_raw(&l);
    close(l.signals);
    return result;
}
