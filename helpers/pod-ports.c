/*
 * pod-ports: carries published ports into a container's network namespace.
 *
 *   pod-ports --pid PID --to IPV4 --ready-fd N --exit-fd M IP:HOSTPORT:CTRPORT/PROTO...
 *
 * The listening sockets are made on the host, then the process changes into the user and network
 * namespaces of PID, gives up what rights that brought, and from there connects to IPV4, the
 * container's own address. Writes one byte to N once it serves, or one line to stderr and ends.
 * Ends when the other end of M is closed. Static and small: one runs per container with ports.
 */
#include "ports/ports.h"

#include "plain/buf.h"
#include "plain/fdio.h"
#include "plain/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EVENTS 64

int loop;
static void **gone;
static size_t ngone, room;

struct options {
    int64_t pid, ready, exit;
    struct sockaddr_in to;
};

int64_t now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

void discard(void *p)
{
    if (ngone == room) {
        room = room ? 2 * room : 64;
        gone = xrealloc(gone, room * sizeof *gone);
    }
    gone[ngone++] = p;
}

void watch(int fd, uint32_t events, struct source *s)
{
    struct epoll_event ev = {.events = events, .data.ptr = s};
    if (!events)
        epoll_ctl(loop, EPOLL_CTL_DEL, fd, NULL);
    else if (epoll_ctl(loop, EPOLL_CTL_MOD, fd, &ev) < 0 && errno == ENOENT)
        epoll_ctl(loop, EPOLL_CTL_ADD, fd, &ev);
}

static int fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    return 1;
}

static char **parse(char **argv, struct options *o)
{
    for (argv++; *argv && (*argv)[0] == '-' && argv[1]; argv += 2) {
        int r = -1;
        if (strcmp(*argv, "--pid") == 0)
            r = str_i64(argv[1], 1, INT32_MAX, &o->pid);
        else if (strcmp(*argv, "--ready-fd") == 0)
            r = str_i64(argv[1], 3, INT32_MAX, &o->ready);
        else if (strcmp(*argv, "--exit-fd") == 0)
            r = str_i64(argv[1], 3, INT32_MAX, &o->exit);
        else if (strcmp(*argv, "--to") == 0)
            r = inet_pton(AF_INET, argv[1], &o->to.sin_addr) == 1 ? 0 : -1;
        if (r < 0)
            return NULL;
    }
    return *argv && o->pid && o->ready && o->exit && o->to.sin_addr.s_addr ? argv : NULL;
}

static int enter(pid_t pid)
{
    char path[48];
    snprintf(path, sizeof path, "/proc/%d/ns/user", pid);
    cleanup_fd int user = open(path, O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof path, "/proc/%d/ns/net", pid);
    cleanup_fd int net = open(path, O_RDONLY | O_CLOEXEC);
    if (user < 0 || net < 0)
        return -1;
    prctl(PR_SET_DUMPABLE, 0); /* root of that namespace may see us */
    /* EINVAL: it is our own already, as for root */
    if (setns(user, CLONE_NEWUSER) < 0 && errno != EINVAL)
        return -1;
    return setns(net, CLONE_NEWNET);
}

/* Sockets are all it needs from here on, and those need no rights. */
static int give_up_rights(void)
{
    struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2];
    memset(none, 0, sizeof none);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_capset, &h, none) < 0)
        return -1;
    return chdir("/");
}

static void more_files(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
        r.rlim_cur = r.rlim_max;
        setrlimit(RLIMIT_NOFILE, &r);
    }
}

static void end_ready(struct source *s, uint32_t events)
{
    (void)s;
    (void)events;
    _exit(0);
}

static void serve(struct port *ports, const int *socks, size_t n, const struct options *o)
{
    static struct source end = {end_ready};
    for (size_t i = 0; i < n; i++) {
        struct sockaddr_in to = o->to;
        to.sin_family = AF_INET;
        to.sin_port = htons(ports[i].ctr);
        if (ports[i].udp)
            udp_serve(socks[i], &to);
        else
            tcp_serve(socks[i], &to);
    }
    /* a pipe's end shows as EPOLLHUP whatever is asked for */
    watch((int)o->exit, EPOLLIN, &end);
}

static void run(void)
{
    struct epoll_event ev[EVENTS];
    for (;;) {
        int n = epoll_wait(loop, ev, EVENTS, udp_expire());
        for (int i = 0; i < n; i++) {
            struct source *s = ev[i].data.ptr;
            if (s->ready)
                s->ready(s, ev[i].events);
        }
        while (ngone)
            free(gone[--ngone]);
    }
}

int main(int argc, char **argv)
{
    struct options o = {.pid = 0};
    char **words = parse(argv, &o);
    size_t n = 0;
    if (!words) {
        fputs("pod-ports: is started by pod-netns, not by hand\n", stderr);
        return 125;
    }
    struct port *ports = xcalloc((size_t)argc, sizeof *ports);
    int *socks = xcalloc((size_t)argc, sizeof *socks);
    signal(SIGPIPE, SIG_IGN);
    more_files();
    for (; *words; words++, n++) {
        struct err e = {0};
        if (port_parse(*words, &ports[n], &e) < 0) {
            fprintf(stderr, "%s\n", e.msg);
            return 1;
        }
        socks[n] = port_bind(&ports[n]);
        if (socks[n] < 0)
            return fail(*words);
    }
    loop = epoll_create1(EPOLL_CLOEXEC);
    if (loop < 0 || enter((pid_t)o.pid) < 0 || give_up_rights() < 0)
        return fail("cannot enter the container's network");
    serve(ports, socks, n, &o);
    if (write((int)o.ready, "1", 1) != 1)
        return fail("cannot say that the ports are open");
    close((int)o.ready);
    close(2);
    run();
}
