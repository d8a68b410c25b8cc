/*
 * UDP: each peer of a published port has a socket of its own towards the container, so that
 * answers find their way back. A flow that has been silent for a while goes; when there are too
 * many, the one that has been silent for longest.
 */
#include "ports.h"

#include "plain/buf.h"
#include "plain/fdio.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SILENT_MS = 120000, MAX_FLOWS = 1024, MAX_DATAGRAM = 65536, AT_ONCE = 64 };

struct server {
    struct source s;
    int fd;
    struct sockaddr_in to;
};
struct flow {
    struct source s;
    struct server *server;
    int fd;
    struct sockaddr_storage peer;
    socklen_t len;
    int64_t last;
    struct flow *newer, *older; /* by last use */
};

/* All flows, the one used last first. They are few, and those in use are found at once. */
static struct flow *newest, *oldest;
static int flows;

static void unlink_flow(struct flow *f)
{
    *(f->newer ? &f->newer->older : &newest) = f->older;
    *(f->older ? &f->older->newer : &oldest) = f->newer;
}

static void touch(struct flow *f, bool is_new)
{
    if (!is_new)
        unlink_flow(f);
    f->newer = NULL;
    f->older = newest;
    *(newest ? &newest->newer : &oldest) = f;
    newest = f;
    f->last = now_ms();
}

static void end_flow(struct flow *f)
{
    unlink_flow(f);
    close(f->fd);
    f->s.ready = NULL;
    discard(f);
    flows--;
}

/* The container's answer goes to the peer. */
static void answer_ready(struct source *s, uint32_t events)
{
    static char datagram[MAX_DATAGRAM];
    struct flow *f = (struct flow *)s;
    (void)events;
    for (int i = 0; i < AT_ONCE; i++) {
        ssize_t n = recv(f->fd, datagram, sizeof datagram, MSG_DONTWAIT);
        if (n < 0)
            return; /* nothing more, or nobody listens in there: the peer hears nothing */
        (void)sendto(f->server->fd, datagram, (size_t)n, MSG_DONTWAIT,
                     (const struct sockaddr *)&f->peer, f->len);
        touch(f, false);
    }
}

static struct flow *find(const struct server *v, const struct sockaddr_storage *peer, socklen_t len)
{
    for (struct flow *f = newest; f; f = f->older)
        if (f->server == v && f->len == len && memcmp(&f->peer, peer, len) == 0)
            return f;
    return NULL;
}

static struct flow *new_flow(struct server *v, const struct sockaddr_storage *peer, socklen_t len)
{
    if (flows >= MAX_FLOWS)
        end_flow(oldest);
    cleanup_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&v->to, sizeof v->to) < 0)
        return NULL;
    struct flow *f = xcalloc(1, sizeof *f);
    *f = (struct flow){.s = {answer_ready}, .server = v, .peer = *peer, .len = len};
    f->fd = fd_take(&fd);
    flows++;
    touch(f, true);
    watch(f->fd, EPOLLIN, &f->s);
    return f;
}

static void peer_ready(struct source *s, uint32_t events)
{
    static char datagram[MAX_DATAGRAM];
    struct server *v = (struct server *)s;
    (void)events;
    for (int i = 0; i < AT_ONCE; i++) {
        struct sockaddr_storage peer;
        socklen_t len = sizeof peer;
        memset(&peer, 0, sizeof peer);
        ssize_t n = recvfrom(v->fd, datagram, sizeof datagram, MSG_DONTWAIT,
                             (struct sockaddr *)&peer, &len);
        if (n < 0)
            return;
        struct flow *f = find(v, &peer, len);
        if (f)
            touch(f, false);
        else if (!(f = new_flow(v, &peer, len)))
            continue;
        if (send(f->fd, datagram, (size_t)n, MSG_DONTWAIT) < 0 && errno == ECONNREFUSED)
            (void)send(f->fd, datagram, (size_t)n, MSG_DONTWAIT); /* that was of an earlier one */
    }
}

void udp_serve(int sock, const struct sockaddr_in *to)
{
    struct server *v = xcalloc(1, sizeof *v);
    *v = (struct server){.s = {peer_ready}, .fd = sock, .to = *to};
    watch(sock, EPOLLIN, &v->s);
}

int udp_expire(void)
{
    int64_t now = now_ms();
    while (oldest && now - oldest->last >= SILENT_MS)
        end_flow(oldest);
    return oldest ? (int)(oldest->last + SILENT_MS - now) : -1;
}
