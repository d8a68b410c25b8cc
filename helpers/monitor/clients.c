/*
 * Attach clients. Output waits for them: a packet somebody has not taken holds further reading
 * from the container back, so that `run … | slow` loses nothing. The one who ran the container
 * may take as long as it likes; others that take nothing for a while are let go, so that a
 * forgotten, stopped client cannot wedge the container.
 */
#include "mon.h"

#include "plain/fdio.h"
#include "words/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE_MS 10000
#define BACKLOG     128

/* Bound by the short name in the runtime directory: a socket's path has room for 107 bytes. */
int clients_listen(struct mon *m, struct err *e)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    cleanup_fd int dir = open(m->o->run_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    cleanup_fd int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (dir < 0 || s < 0)
        return err_sys(e, "cannot make the attach socket");
    snprintf(a.sun_path, sizeof a.sun_path, "/proc/self/fd/%d/" ATTACH_SOCKET, dir);
    unlink(a.sun_path);
    if (bind(s, (struct sockaddr *)&a, sizeof a) < 0 || listen(s, BACKLOG) < 0)
        return err_sys(e, "cannot listen on \"%s/" ATTACH_SOCKET "\"", m->o->run_dir);
    m->listen = fd_take(&s);
    return 0;
}

void clients_add(struct mon *m, int fd, bool primary)
{
    if (m->nclients == m->room) {
        m->room = m->room ? 2 * m->room : 8;
        m->clients = xrealloc(m->clients, m->room * sizeof *m->clients);
    }
    fd_nonblock(fd, true);
    m->clients[m->nclients++] =
        (struct client){.fd = fd, .primary = primary, .out = primary, .err = primary};
}

void clients_compact(struct mon *m)
{
    size_t n = 0;
    for (size_t i = 0; i < m->nclients; i++)
        if (m->clients[i].fd >= 0)
            m->clients[n++] = m->clients[i];
    if (n < m->nclients)
        m->deaf = false;
    m->nclients = n;
}

void clients_accept(struct mon *m)
{
    int fd = accept4(m->listen, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0)
        clients_add(m, fd, false);
    else
        m->deaf = errno == EMFILE || errno == ENFILE;
}

static void drop(struct client *c)
{
    close(c->fd);
    buf_free(&c->pending);
    *c = (struct client){.fd = -1};
}

static bool try_later(void)
{
    return errno == EAGAIN || errno == ENOBUFS || errno == EINTR;
}

/* Packets that wait stand in pending one behind the other, each with its length in front. */
static void send_packet(struct client *c, const char *p, size_t n)
{
    uint32_t len = (uint32_t)n;
    if (!c->pending.len) {
        if (send(c->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
            return;
        if (!try_later()) {
            drop(c);
            return;
        }
        c->blocked_since = now_ms();
    }
    buf_add(&c->pending, (const char *)&len, sizeof len);
    buf_add(&c->pending, p, n);
}

void clients_output(struct mon *m, char kind, const char *p, size_t n)
{
    static char packet[ATTACH_MAX + 1];
    packet[0] = kind;
    memcpy(packet + 1, p, n);
    for (size_t i = 0; i < m->nclients; i++) {
        struct client *c = &m->clients[i];
        if (c->fd >= 0 && (kind == ATTACH_ERR ? c->err : c->out))
            send_packet(c, packet, n + 1);
    }
}

/* false: not all of it; c may be dropped */
static bool flush(struct client *c, int flags)
{
    size_t at = 0;
    bool lost = false;
    while (at < c->pending.len) {
        uint32_t len;
        memcpy(&len, c->pending.s + at, sizeof len);
        if (send(c->fd, c->pending.s + at + sizeof len, len, MSG_NOSIGNAL | flags) < 0) {
            lost = !try_later();
            break;
        }
        at += sizeof len + len;
        c->blocked_since = now_ms();
    }
    c->pending.len -= at;
    memmove(c->pending.s, c->pending.s + at, c->pending.len);
    if (lost)
        drop(c);
    else if (!c->pending.len)
        buf_free(&c->pending);
    return !lost && !c->pending.len;
}

void clients_flush(struct client *c)
{
    if (c->pending.len)
        flush(c, MSG_DONTWAIT);
}

bool clients_hold_back(struct mon *m)
{
    bool held = false;
    for (size_t i = 0; i < m->nclients; i++) {
        struct client *c = &m->clients[i];
        if (c->fd < 0 || !c->pending.len)
            continue;
        if (!c->primary && now_ms() - c->blocked_since > PATIENCE_MS)
            drop(c);
        else
            held = true;
    }
    return held;
}

/* We have not reaped it yet, so the number cannot be anybody else's. */
static void do_signal(struct mon *m, struct client *c, const char *text)
{
    char answer[16];
    int sig = atoi(text);
    int why = m->exited || m->pid <= 0 ? ESRCH : kill(m->pid, sig) < 0 ? errno : 0;
    int n = snprintf(answer, sizeof answer, "%c%d", ATTACH_SENT, why);
    send(c->fd, answer, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void clients_answer_start(struct mon *m, const struct err *e)
{
    char text[sizeof e->msg + 16];
    int n = e ? snprintf(text, sizeof text, "%c%d\t%s", ATTACH_SENT, e->code, e->msg)
              : snprintf(text, sizeof text, "%c0", ATTACH_SENT);
    for (size_t i = 0; i < m->nclients; i++) {
        struct client *c = &m->clients[i];
        if (c->fd >= 0 && c->starts)
            send(c->fd, text, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
        c->starts = false;
    }
}

static void do_size(struct mon *m, const char *text)
{
    struct winsize ws = {0};
    if (m->o->tty && m->out >= 0 && sscanf(text, "%hu %hu", &ws.ws_row, &ws.ws_col) == 2)
        ioctl(m->out, TIOCSWINSZ, &ws);
}

void clients_read(struct mon *m, struct client *c)
{
    static char packet[ATTACH_MAX + 2];
    ssize_t n = recv(c->fd, packet, sizeof packet - 1, MSG_DONTWAIT);
    /* ECONNRESET: it went before it had read all of ours; what it said last follows */
    if (n < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNRESET))
        return;
    if (n <= 0) {
        drop(c);
        return;
    }
    packet[n] = '\0';
    switch (packet[0]) {
    case ATTACH_JOIN:
        c->out = strchr(packet + 1, 'o');
        c->err = strchr(packet + 1, 'e');
        break;
    case ATTACH_IN:
        buf_add(&m->stdin_pending, packet + 1, (size_t)n - 1);
        c->feeds = true;
        break;
    case ATTACH_EOF:
        m->stdin_eof = true;
        break;
    case ATTACH_SIZE:
        do_size(m, packet + 1);
        break;
    case ATTACH_SIGNAL:
        do_signal(m, c, packet + 1);
        break;
    case ATTACH_START:
        m->start_wanted = c->starts = true;
        if (!m->held)
            clients_answer_start(m, NULL); /* somebody was faster */
        break;
    case ATTACH_STOP:
        record_stopping(m);
        break;
    default:
        drop(c);
    }
}

/*
 * The end must arrive even at a client that is behind: those that can take it now get it first, and
 * then the others are waited for, the one who ran the container as long as it likes.
 */
void clients_goodbye(struct mon *m)
{
    char text[16];
    struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
    int n = snprintf(text, sizeof text, "%c%d", ATTACH_EXIT, m->exit_code);
    /* who has just come is told too, and nobody else can come and wait for ever */
    for (int fd; (fd = accept4(m->listen, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0;)
        clients_add(m, fd, false);
    close(m->listen);
    for (size_t i = 0; i < m->nclients; i++) {
        struct client *c = &m->clients[i];
        if (c->fd < 0)
            continue;
        send_packet(c, text, (size_t)n);
        if (c->fd >= 0 && (!c->pending.len || flush(c, MSG_DONTWAIT)))
            drop(c);
    }
    for (size_t i = 0; i < m->nclients; i++) {
        struct client *c = &m->clients[i];
        if (c->fd < 0)
            continue;
        fd_nonblock(c->fd, false);
        if (!c->primary)
            setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        flush(c, 0);
        if (c->fd >= 0)
            drop(c);
    }
}
