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
#include <termios.h>
#include <unistd.h>

#define DEFAULT_KEYS "ctrl-p,ctrl-q"

struct loop {
    const struct session *s;
    int signals;
    bool input_open, output_broken;
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

static void send_size(const struct loop *l)
{
    struct winsize ws;
    if (l->s->tty && (ioctl(0, TIOCGWINSZ, &ws) == 0 || ioctl(1, TIOCGWINSZ, &ws) == 0))
        attach_sendf(l->s->sock, ATTACH_SIZE, "%u %u", ws.ws_row, ws.ws_col);
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

/* Whoever reads us has gone: the payload is told so, gently and then for good. */
static void output_gone(struct loop *l)
{
    if (l->output_broken)
        return;
    l->output_broken = true;
    attach_sendf(l->s->sock, ATTACH_STOP, "%s", "");
    attach_sendf(l->s->sock, ATTACH_SIGNAL, "%d", SIGPIPE);
    attach_sendf(l->s->sock, ATTACH_SIGNAL, "%d", SIGKILL);
}

/* SESSION_EXIT with *code, SESSION_LOST, or -1 to go on. */
static int take_packet(struct loop *l, int *code)
{
    static char packet[ATTACH_MAX + 2];
    ssize_t n = recv(l->s->sock, packet, sizeof packet - 1, 0);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return -1;
    if (n <= 0)
        return SESSION_LOST;
    packet[n] = '\0';
    if (packet[0] == ATTACH_EXIT) {
        *code = l->output_broken ? 128 + SIGPIPE : atoi(packet + 1);
        return SESSION_EXIT;
    }
    if (packet[0] == ATTACH_OUT || packet[0] == ATTACH_ERR)
        if (!l->output_broken &&
            fd_write_all(packet[0] == ATTACH_ERR ? 2 : 1, packet + 1, (size_t)n - 1) < 0)
            output_gone(l);
    return -1;
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
    static char b[ATTACH_MAX];
    ssize_t n = read(0, b, sizeof b);
    bool detach = false;
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return -1;
    if (n <= 0) {
        l->input_open = false;
        attach_send(l->s->sock, ATTACH_EOF, NULL, 0);
        return -1;
    }
    size_t pass = l->raw ? scan_keys(l, b, (size_t)n, &detach) : (size_t)n;
    if (pass)
        attach_send(l->s->sock, ATTACH_IN, b, pass);
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
        attach_sendf(l->s->sock, ATTACH_SIGNAL, "%u", si.ssi_signo);
}

static int open_signals(const struct session *s)
{
    static const int passed[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,
                                 SIGUSR1, SIGUSR2, SIGCONT, SIGALRM};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGWINCH);
    for (size_t i = 0; s->proxy && i < sizeof passed / sizeof *passed; i++)
        sigaddset(&set, passed[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int session_run(const struct session *s, int *ret_code, struct err *e)
{
    struct loop l = {.s = s, .input_open = s->input, .signals = open_signals(s)};
    int result = -1;
    l.nkeys =
        detach_keys_parse(s->detach_keys ? s->detach_keys : DEFAULT_KEYS, l.keys, sizeof l.keys);
    if (l.nkeys < 0)
        return err_set(e, 0, "invalid detach keys \"%s\"", s->detach_keys);
    go_raw(&l);
    send_size(&l);
    while (result < 0) {
        struct pollfd p[3] = {{.fd = s->sock, .events = POLLIN},
                              {.fd = l.input_open ? 0 : -1, .events = POLLIN},
                              {.fd = l.signals, .events = POLLIN}};
        if (poll(p, 3, -1) < 0 && errno != EINTR)
            break;
        if (p[2].revents)
            pass_signal(&l);
        if (p[1].revents)
            result = pass_input(&l);
        if (result < 0 && p[0].revents)
            result = take_packet(&l, ret_code);
    }
    end_raw(&l);
    close(l.signals);
    return result < 0 ? SESSION_LOST : result;
}
