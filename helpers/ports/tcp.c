/*
 * TCP: bytes go from socket to socket through a pipe for each direction, by splice(2): they are
 * never copied into this process. A direction stops where its reader stops, so that a slow one
 * holds back its peer and nobody else.
 */
#include "ports.h"

#include "plain/buf.h"
#include "plain/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK (1 << 16)

struct way { /* one direction of a flow: from fd[i] to fd[!i] */
    int pipe[2];
    size_t held; /* bytes in the pipe */
    bool eof;    /* the reading side has ended */
    bool shut;   /* and so was told the writing side */
};

struct flow;
struct end {
    struct source s;
    struct flow *flow;
    int fd;
    uint32_t watched;
};
struct flow {
    struct end end[2]; /* 0: the host's side, 1: the container's */
    struct way way[2]; /* way[i] reads end[i] */
    bool connecting;
};

struct listener {
    struct source s;
    int fd;
    struct sockaddr_in to;
    struct listener *next;
};

static struct listener *listeners;
static bool out_of_files;

static void listen_all(bool on)
{
    out_of_files = !on;
    for (struct listener *l = listeners; l; l = l->next)
        watch(l->fd, on ? EPOLLIN : 0, &l->s);
}

static void end_flow(struct flow *f, bool reset)
{
    struct linger hard = {.l_onoff = 1, .l_linger = 0};
    for (int i = 0; i < 2; i++) {
        if (reset)
            setsockopt(f->end[i].fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        close(f->end[i].fd);
        close(f->way[i].pipe[0]);
        close(f->way[i].pipe[1]);
        f->end[i].s.ready = NULL;
    }
    discard(f);
    if (out_of_files)
        listen_all(true);
}

/* Moves what can be moved from end i to the other. false: the flow is broken. */
static bool move(struct flow *f, int i)
{
    struct way *w = &f->way[i];
    int from = f->end[i].fd, to = f->end[!i].fd;
    for (;;) {
        bool moved = false;
        if (!w->eof && w->held < CHUNK) {
            ssize_t n = splice(from, NULL, w->pipe[1], NULL, CHUNK - w->held,
                               SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
            if (n < 0 && errno != EAGAIN && errno != EINTR)
                return false;
            w->eof = n == 0;
            w->held += n > 0 ? (size_t)n : 0;
            moved = n > 0;
        }
        if (w->held) {
            ssize_t n =
                splice(w->pipe[0], NULL, to, NULL, w->held, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
            if (n < 0 && errno != EAGAIN && errno != EINTR)
                return false;
            w->held -= n > 0 ? (size_t)n : 0;
            moved = moved || n > 0;
        }
        if (!moved)
            break;
    }
    if (w->eof && !w->held && !w->shut) {
        w->shut = true;
        shutdown(to, SHUT_WR);
    }
    return true;
}

static void rewatch(struct flow *f)
{
    for (int i = 0; i < 2; i++) {
        struct end *end = &f->end[i];
        uint32_t want = 0;
        if (f->connecting)
            want = i ? EPOLLOUT : 0;
        else
            want = (!f->way[i].eof && f->way[i].held < CHUNK ? EPOLLIN : 0) |
                   (f->way[!i].held ? EPOLLOUT : 0);
        if (want != end->watched)
            watch(end->fd, want, &end->s);
        end->watched = want;
    }
}

static void flow_ready(struct source *s, uint32_t events)
{
    struct end *end = (struct end *)s;
    struct flow *f = end->flow;
    if (f->connecting && end == &f->end[1]) {
        int sys = 0;
        socklen_t len = sizeof sys;
        if (getsockopt(end->fd, SOL_SOCKET, SO_ERROR, &sys, &len) < 0 || sys) {
            end_flow(f, true);
            return;
        }
        f->connecting = false;
    }
    if (f->connecting) { /* the host's side has gone meanwhile */
        if (events & (EPOLLHUP | EPOLLERR))
            end_flow(f, true);
        return;
    }
    if (!move(f, 0) || !move(f, 1))
        end_flow(f, true);
    else if (f->way[0].shut && f->way[1].shut)
        end_flow(f, false);
    else
        rewatch(f);
}

static struct flow *new_flow(int client)
{
    struct flow *f = xcalloc(1, sizeof *f);
    for (int i = 0; i < 2; i++) {
        f->end[i] = (struct end){.s = {flow_ready}, .flow = f, .fd = -1};
        f->way[i].pipe[0] = f->way[i].pipe[1] = -1;
    }
    f->end[0].fd = client;
    f->end[1].fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (f->end[1].fd < 0 || pipe2(f->way[0].pipe, O_CLOEXEC | O_NONBLOCK) < 0 ||
        pipe2(f->way[1].pipe, O_CLOEXEC | O_NONBLOCK) < 0) {
        if (errno == EMFILE || errno == ENFILE)
            listen_all(false);
        bool waiting = out_of_files;
        out_of_files = false; /* end_flow() would listen again at once */
        end_flow(f, true);
        out_of_files = waiting;
        return NULL;
    }
    return f;
}

static void accept_ready(struct source *s, uint32_t events)
{
    struct listener *l = (struct listener *)s;
    int one = 1;
    (void)events;
    int client = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client < 0) {
        if (errno == EMFILE || errno == ENFILE)
            listen_all(false); /* until a flow ends */
        return;
    }
    struct flow *f = new_flow(client);
    if (!f)
        return;
    for (int i = 0; i < 2; i++)
        setsockopt(f->end[i].fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(f->end[1].fd, (const struct sockaddr *)&l->to, sizeof l->to) < 0 &&
        errno != EINPROGRESS) {
        end_flow(f, true);
        return;
    }
    f->connecting = true;
    rewatch(f);
}

void tcp_serve(int sock, const struct sockaddr_in *to)
{
    struct listener *l = xcalloc(1, sizeof *l);
    *l = (struct listener){.s = {accept_ready}, .fd = sock, .to = *to, .next = listeners};
    listeners = l;
    fd_nonblock(sock, true);
    watch(sock, EPOLLIN, &l->s);
}
