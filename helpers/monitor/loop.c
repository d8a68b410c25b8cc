#include "mon.h"

#include "plain/fdio.h"
#include "words/attach.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

/*
 * Once pid 1 is gone, what is still in the pipes is read, whether clients keep up or not, but
 * nobody else's writing is waited for.
 */
#define DRAIN_MS  100
#define DRAIN_MAX (8 << 20)
#define MAX_STDIN (1 << 20)

static void read_output(struct mon *m, int *fd, bool is_err)
{
    static char b[ATTACH_MAX];
    ssize_t n = read(*fd, b, sizeof b);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) { /* EIO is how a terminal ends */
        if (m->o->tty)
            m->in = -1;
        close(*fd);
        *fd = -1;
        return;
    }
    m->drained += m->exited ? n : 0;
    log_write(&m->log, is_err, b, (size_t)n);
    clients_output(m, is_err ? ATTACH_ERR : ATTACH_OUT, b, (size_t)n);
}

static void feed_stdin(struct mon *m)
{
    struct buf *p = &m->stdin_pending;
    if (m->in < 0) {
        buf_clear(p);
        return;
    }
    if (p->len) {
        ssize_t n = write(m->in, p->s, p->len);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            n = (ssize_t)p->len; /* the payload has closed its input: the rest has no reader */
        if (n > 0) {
            memmove(p->s, p->s + n, p->len - (size_t)n);
            p->len -= (size_t)n;
        }
    }
    if (!p->len && m->stdin_eof && !m->o->tty) {
        close(m->in);
        m->in = -1;
    }
}

int loop_signals(void)
{
    sigset_t s;
    sigemptyset(&s);
    sigaddset(&s, SIGCHLD);
    sigaddset(&s, SIGTERM);
    sigaddset(&s, SIGINT);
    sigaddset(&s, SIGHUP);
    sigaddset(&s, SIGALRM);
    sigprocmask(SIG_BLOCK, &s, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &s, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void drain_signals(struct mon *m)
{
    struct signalfd_siginfo si;
    while (read(m->signals, &si, sizeof si) == (ssize_t)sizeof si) {
        if (si.ssi_signo == SIGCHLD || m->exited || m->pid <= 0)
            continue;
        m->timed_out = si.ssi_signo == SIGALRM;
        kill(m->pid, m->timed_out ? SIGKILL : (int)si.ssi_signo);
    }
    launch_reap(m);
}

enum { P_SIGNALS, P_LISTEN, P_OUT, P_ERR, P_IN, P_HEALTH, P_CLIENTS };

/* As many as there are clients; the array grows with them. */
static struct pollfd *prepare(struct mon *m, size_t *ret_n)
{
    static struct pollfd *p;
    static size_t room;
    bool held = clients_hold_back(m) && !m->exited;
    clients_compact(m);
    *ret_n = P_CLIENTS + m->nclients;
    if (*ret_n > room) {
        room = *ret_n + 8;
        p = xrealloc(p, room * sizeof *p);
    }
    p[P_SIGNALS] = (struct pollfd){.fd = m->signals, .events = POLLIN};
    p[P_LISTEN] = (struct pollfd){.fd = m->deaf ? -1 : m->listen, .events = POLLIN};
    p[P_OUT] = (struct pollfd){.fd = held ? -1 : m->out, .events = POLLIN};
    p[P_ERR] = (struct pollfd){.fd = held ? -1 : m->err, .events = POLLIN};
    bool feed = m->stdin_pending.len || (m->stdin_eof && m->in >= 0 && !m->o->tty);
    p[P_IN] = (struct pollfd){.fd = feed ? m->in : -1, .events = POLLOUT};
    p[P_HEALTH] = (struct pollfd){.fd = m->health_timer, .events = POLLIN};
    for (size_t i = 0; i < m->nclients; i++) {
        struct client *c = &m->clients[i];
        short events = !c->feeds || m->stdin_pending.len < MAX_STDIN ? POLLIN : 0;
        if (c->pending.len)
            events |= POLLOUT;
        p[P_CLIENTS + i] = (struct pollfd){.fd = c->fd, .events = events};
    }
    return p;
}

static void serve(struct mon *m, const struct pollfd *p, size_t n)
{
    if (p[P_SIGNALS].revents)
        drain_signals(m);
    if (p[P_LISTEN].revents)
        clients_accept(m);
    if (p[P_HEALTH].revents)
        health_due(m);
    for (size_t i = 0; i < n - P_CLIENTS; i++) {
        struct client *c = &m->clients[i];
        if (c->fd < 0 || c->fd != p[P_CLIENTS + i].fd)
            continue;
        if (p[P_CLIENTS + i].revents & POLLOUT)
            clients_flush(c);
        if (c->fd >= 0 && (p[P_CLIENTS + i].revents & (POLLIN | POLLHUP | POLLERR)))
            clients_read(m, c);
    }
    if (p[P_IN].revents || (m->in < 0 && m->stdin_pending.len))
        feed_stdin(m);
    if (p[P_OUT].revents)
        read_output(m, &m->out, false);
    if (p[P_ERR].revents && m->err >= 0)
        read_output(m, &m->err, true);
}

static void close_streams(struct mon *m)
{
    if (m->in >= 0 && m->in != m->out)
        close(m->in);
    if (m->out >= 0)
        close(m->out);
    if (m->err >= 0)
        close(m->err);
    m->in = m->out = m->err = -1;
}

/* Milliseconds until the next thing that no descriptor tells of; -1: there is none. */
static int patience(struct mon *m, bool held)
{
    if (m->keep_at && now_ms() >= m->keep_at)
        record_kept(m);
    return m->keep_at ? 1 : held ? 1000 : m->exited ? DRAIN_MS : -1;
}

void loop_run(struct mon *m)
{
    int64_t quiet_since = 0;
    m->drained = 0;
    for (;;) {
        if (m->exited && ((m->out < 0 && m->err < 0) || m->drained > DRAIN_MAX))
            break;
        size_t count;
        struct pollfd *p = prepare(m, &count);
        bool held = p[P_OUT].fd < 0 && m->out >= 0;
        int n = poll(p, count, patience(m, held));
        if (n < 0 && errno != EINTR)
            break;
        bool ran = !m->exited;
        serve(m, p, count);
        /*
         * The end may come between our look at the pipes and at the processes: they are looked at
         * again after it. Then, somebody outside may hold a pipe open (a shared pid namespace):
         * that is not our container's any more.
         */
        if (ran || p[P_OUT].revents || p[P_ERR].revents)
            quiet_since = now_ms();
        else if (now_ms() - quiet_since >= DRAIN_MS)
            break;
    }
    close_streams(m);
}

void loop_hold(struct mon *m)
{
    while (!m->start_wanted && !m->stop_wanted && !m->exited) {
        size_t count;
        struct pollfd *p = prepare(m, &count);
        if (poll(p, count, -1) < 0 && errno != EINTR)
            return;
        serve(m, p, count);
    }
}

void loop_rest(struct mon *m, int64_t ms)
{
    int64_t end = now_ms() + ms;
    for (int64_t left; !m->stop_wanted && (left = end - now_ms()) > 0;) {
        size_t count;
        struct pollfd *p = prepare(m, &count);
        if (poll(p, count, (int)left) < 0 && errno != EINTR)
            return;
        serve(m, p, count);
    }
}
