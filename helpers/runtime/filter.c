/*
 * linux.seccomp put on the process, and its notifications handed to an agent.
 *
 * The filter may stop init from sending anything, so its notify descriptor leaves through a
 * helper that shares init's descriptors and was forked before; the runtime, which knows init's
 * pid as the host sees it, passes it on to listenerPath.
 */
#include "rt.h"

#include "plain/fdio.h"
#include "things/seccomp.h"

#include <errno.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MAX_BPF (1 << 20)

static const json_t *profile_of(const struct rt *rt)
{
    return json_object_get(json_object_get(rt->spec, "linux"), "seccomp");
}

bool filter_notifies(const struct rt *rt)
{
    const json_t *p = profile_of(rt), *rule;
    size_t i;
    json_array_foreach(json_object_get(p, "syscalls"), i, rule)
    {
        if (strcmp(jx_str(rule, "action"), "SCMP_ACT_NOTIFY") == 0)
            return true;
    }
    return strcmp(jx_str(p, "defaultAction"), "SCMP_ACT_NOTIFY") == 0;
}

/* ---- in init ---- */

static void nothing(int sig)
{
    (void)sig;
}

/*
 * Shared with the helper. The kernel marks alive when the helper ends, however it does
 * (set_robust_list(2)): that can be seen without a system call.
 */
struct mailbox {
    atomic_int fd, sent; /* fd: -1 nothing yet, -2 there will be none, else the descriptor */
    atomic_uint alive;   /* 0: not begun yet; its thread id, FUTEX_OWNER_DIED */
    struct robust_list entry;
    struct robust_list_head list;
};

static void show_life(struct mailbox *m)
{
    m->entry.next = &m->list.list;
    m->list.list.next = &m->entry;
    m->list.futex_offset = (char *)&m->alive - (char *)&m->entry;
    m->list.list_op_pending = NULL;
    atomic_store(&m->alive, (unsigned)syscall(SYS_gettid));
    if (syscall(SYS_set_robust_list, &m->list, sizeof m->list) < 0)
        _exit(1);
}

static bool has_died(struct mailbox *m)
{
    return atomic_load(&m->alive) & FUTEX_OWNER_DIED;
}

/* It has to be seen alive before it can be seen to die. */
static bool wait_for_life(struct mailbox *m, pid_t pid)
{
    while (!atomic_load(&m->alive)) {
        if (kill(pid, 0) < 0)
            return false;
        nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
    }
    return true;
}

/* It ends with init, whose end of the socket it has too. */
static void helper(const struct rt *rt, struct mailbox *m, pid_t init)
{
    int fd;
    show_life(m);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != init)
        _exit(1);
    while ((fd = atomic_load(&m->fd)) == -1)
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    if (fd >= 0)
        atomic_store(&m->sent, fd_send(rt->listener_end, "n", 1, &fd, 1) == 1 ? 1 : -1);
    _exit(0);
}

static int install_notifying(const struct rt *rt, const struct buf *bpf, unsigned flags,
                             struct err *e)
{
    struct mailbox *m =
        /* cppcheck-suppress invalidFunctionArg ; an anonymous mapping has no file */
        mmap(NULL, sizeof *m, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (m == MAP_FAILED)
        return err_sys(e, "cannot share memory");
    atomic_init(&m->fd, -1);
    atomic_init(&m->sent, 0);
    atomic_init(&m->alive, 0);
    /* the helper is reaped by the kernel; exec sets the handler back to the default */
    struct sigaction sa = {.sa_handler = nothing, .sa_flags = SA_NOCLDWAIT | SA_RESTART};
    sigaction(SIGCHLD, &sa, NULL);
    struct clone_args a = {.flags = CLONE_FILES, .exit_signal = SIGCHLD};
    pid_t init = getpid();
    pid_t pid = (pid_t)syscall(SYS_clone3, &a, sizeof a);
    if (pid < 0)
        return err_sys(e, "cannot fork");
    if (pid == 0)
        helper(rt, m, init);
    if (!wait_for_life(m, pid))
        return err_set(e, 0, "the process that hands the seccomp listener over was ended");
    int fd = -2;
    int r = seccomp_install(bpf->s, bpf->len, flags, &fd, e);
    atomic_store(&m->fd, r < 0 ? -2 : fd);
    while (r == 0 && atomic_load(&m->sent) == 0 && !has_died(m))
        ; /* short, and without a system call that the filter could stop */
    if (r == 0)
        close(fd);
    if (r == 0 && atomic_load(&m->sent) != 1)
        return err_set(e, 0, "the seccomp listener could not be handed over");
    return r;
}

int filter_load(const struct rt *rt, struct err *e)
{
    const json_t *profile = profile_of(rt);
    cleanup(buf_free) struct buf bpf = BUF_INIT;
    unsigned flags = 0;
    if (!profile)
        return 0;
    if (rt->seccomp_fd >= 0) {
        if (fd_read_all(rt->seccomp_fd, MAX_BPF, &bpf) < 0)
            return err_sys(e, "cannot read the compiled seccomp filter");
    } else if (seccomp_compile(profile, &bpf, e) < 0) {
        return -1;
    }
    if (seccomp_flags(profile, &flags, e) < 0)
        return -1;
    return rt->listener_end >= 0 ? install_notifying(rt, &bpf, flags, e)
                                 : seccomp_install(bpf.s, bpf.len, flags, NULL, e);
}

/* ---- in the runtime ---- */

int filter_listen(struct rt *rt, struct err *e)
{
    int s[2];
    const json_t *p = profile_of(rt);
    if (*jx_str(p, "listenerMetadata") && !*jx_str(p, "listenerPath"))
        return err_set(e, 0, "seccomp: listenerMetadata without listenerPath");
    if (!filter_notifies(rt))
        return 0;
    if (!*jx_str(p, "listenerPath"))
        return err_set(e, 0, "seccomp: SCMP_ACT_NOTIFY needs listenerPath");
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s) < 0)
        return err_sys(e, "cannot make a socket pair");
    rt->listener_fd = s[0];
    rt->listener_end = s[1];
    /* now: exec is in the container, where paths are others, when it has something to send */
    rt->agent_fd = dev_console_connect(jx_str(p, "listenerPath"), e);
    return rt->agent_fd < 0 ? err_prefix(e, "seccomp listener") : 0;
}

int filter_forward(struct rt *rt, pid_t pid, const char *status, struct err *e)
{
    char c;
    int fd = -1;
    size_t n = 1;
    const json_t *p = profile_of(rt);
    if (rt->listener_fd < 0)
        return 0;
    close(rt->listener_end);
    rt->listener_end = -1;
    ssize_t got = fd_recv(rt->listener_fd, &c, 1, &fd, &n);
    close(rt->listener_fd);
    rt->listener_fd = -1;
    if (got != 1 || n != 1)
        return 0; /* init died, and says why elsewhere */
    cleanup_fd int notify = fd;
    struct state s = {.pid = pid, .bundle = (char *)(uintptr_t)rt->bundle};
    s.annotations = json_object_get(rt->spec, "annotations");
    cleanup_json o = json_pack("{s:s, s:[s], s:i, s:o}", "ociVersion", OCI_VERSION, "fds",
                               "seccompFd", "pid", (int)pid, "state", state_json(rt, &s, status));
    jx_set_str(o, "metadata", jx_str0(p, "listenerMetadata"));
    cleanup_free char *text = json_dumps(o, JSON_COMPACT);
    cleanup_fd int sock = rt->agent_fd;
    rt->agent_fd = -1;
    if (!text || fd_send(sock, text, strlen(text), &notify, 1) < (ssize_t)strlen(text))
        return err_sys(e, "cannot send to the seccomp listener \"%s\"", jx_str(p, "listenerPath"));
    return 0;
}
