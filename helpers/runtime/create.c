/*
 * create and run: the conversation between the runtime and init, over one seqpacket socket.
 *
 *   runtime                               init
 *   clone
 *   id maps, cgroup           'm' →       has waited, where there is any of these to do
 *                             ← 'r'       is root in there (these two where there are such hooks)
 *   createRuntime hooks       'h' →       mounts, createContainer hooks, pivot, credentials
 *   writes state, pid file    'g' →
 *                             ← 'c'       ready to exec; with create this comes first, and after
 *                                         'g' it reads exec.fifo, which `start` writes, and answers
 *                                         in exec.answer; startContainer hooks; exec
 *   end of file: exec worked; a line instead of any of these: what failed
 */
#include "rt.h"

#include "disk/at.h"
#include "disk/report.h"
#include "plain/buf.h"
#include "plain/fdio.h"
#include "plain/loopback.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Joined, they may have inhabitants with rights over us. */
#define WITH_OTHERS (CLONE_NEWPID | CLONE_NEWUSER)

/* ---- messages ---- */

static void send_err(int fd, const struct err *e)
{
    cleanup_free char *line = xasprintf("%d\t%s", e->code ? e->code : 125, e->msg);
    (void)fd_write_all(fd, line, strlen(line));
}

static void say(int sync, char c)
{
    (void)send(sync, &c, 1, MSG_NOSIGNAL);
}

/* A reset: the other end has gone without reading all. What it said before that can be read. */
static ssize_t hear(int sync, char *line, size_t size)
{
    ssize_t n;
    do
        n = recv(sync, line, size, 0);
    while (n < 0 && (errno == EINTR || errno == ECONNRESET));
    return n;
}

/* Waits for the letter; an error line or an end of file instead is an error of init. */
static int expect(int sync, char want, struct err *e)
{
    char line[sizeof e->msg + 16];
    ssize_t n = hear(sync, line, sizeof line - 1);
    if (n == 1 && line[0] == want)
        return 0;
    if (n <= 0)
        return err_set(e, 0, "the container's first process died while it was set up");
    line[n] = '\0';
    return report_parse(line, "init", NULL, 0, e);
}

/* Hooks that the runtime runs when the namespaces are made and nothing is mounted yet. */
static bool hooks_before(const struct rt *rt)
{
    return hooks_any(rt, "prestart") || hooks_any(rt, "createRuntime");
}

/* ---- init ---- */

static int set_names(const json_t *spec, struct err *e)
{
    const char *host = jx_str(spec, "hostname"), *domain = jx_str(spec, "domainname");
    if (*host && sethostname(host, strlen(host)) < 0)
        return err_sys(e, "cannot set the host name \"%s\"", host);
    if (*domain && setdomainname(domain, strlen(domain)) < 0)
        return err_sys(e, "cannot set the domain name \"%s\"", domain);
    return 0;
}

static int become_root(struct rt *rt, const struct nsplan *plan, struct err *e)
{
    rt->caller_uid = geteuid();
    rt->caller_gid = getegid();
    if (!((plan->fresh | plan->joined) & CLONE_NEWUSER))
        return 0;
    /* a namespace without id 0 has its rights all the same, and one id to do with */
    if ((setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0) && errno != EINVAL)
        return err_sys(e, "cannot become root of the user namespace");
    if (!keeps_groups(rt->spec) && setgroups(0, NULL) < 0 && errno != EPERM)
        return err_sys(e, "cannot drop supplementary groups");
    return 0;
}

/* `start` writes a byte. Read by descriptor: by now we may be a user who could not open it. */
static int wait_for_start(int go, struct err *e)
{
    char c;
    ssize_t n;
    do
        n = read(go, &c, 1);
    while (n < 0 && errno == EINTR);
    return n == 1 ? 0 : err_sys(e, "cannot wait for start");
}

static int init_steps(struct rt *rt, const struct nsplan *plan, int sync, char **path,
                      struct err *e)
{
    int master = -1;
    const json_t *process = json_object_get(rt->spec, "process");
    if (plan->fresh & CLONE_NEWNET)
        loopback_up(); /* takes a while, in which the id maps are written */
    if (!plan->ready && expect(sync, 'm', e) < 0)
        return -1;
    /* not before: for a caller who is not root the id maps would be root's files */
    prctl(PR_SET_DUMPABLE, 0);
    if (become_root(rt, plan, e) < 0 || ns_make_late(plan, rt->spec, e) < 0)
        return -1;
    if (hooks_before(rt)) {
        say(sync, 'r');
        if (expect(sync, 'h', e) < 0)
            return -1;
    }
    if (set_names(rt->spec, e) < 0)
        return -1;
    cleanup_fd int console = rt->console_fd;
    if (rootfs_setup(rt, &master, e) < 0)
        return -1;
    if (master >= 0 && console >= 0 && fd_send(console, "/dev/ptmx", 9, &master, 1) < 0)
        return err_sys(e, "cannot hand the terminal over");
    if (master >= 0)
        close(master);
    return process ? process_prepare(rt, process, path, e) : 0;
}

void init_main(struct rt *rt, const struct nsplan *plan, int sync, const struct gate *gate)
{
    struct err e = ERR_INIT;
    char *path = NULL;
    int tell = sync;
    /* files in /proc/self are ours only while we are dumpable */
    if (!(plan->joined & WITH_OTHERS) &&
        attrs_oom_score(json_object_get(rt->spec, "process"), &e) < 0)
        goto failed;
    setsid();
    if (init_steps(rt, plan, sync, &path, &e) < 0)
        goto failed;
    say(sync, 'c');
    if (expect(sync, 'g', &e) < 0)
        goto failed;
    if (gate->go >= 0) {
        close(sync);
        tell = gate->answer;
        if (wait_for_start(gate->go, &e) < 0)
            goto failed;
    }
    if (process_filter(rt, json_object_get(rt->spec, "process"), &e) == 0 &&
        hooks_run(rt, "startContainer", getpid(), "created", &e) == 0)
        process_exec(rt, json_object_get(rt->spec, "process"), path, &e);
failed:
    send_err(tell, &e);
    _exit(e.code);
}

/* ---- the runtime ---- */

static int write_pid_file(const struct rt *rt, pid_t pid, struct err *e)
{
    char text[16];
    int n = snprintf(text, sizeof text, "%d", pid);
    if (rt->o->pid_file && at_write(AT_FDCWD, rt->o->pid_file, text, (size_t)n, 0644, AT_PLAIN) < 0)
        return err_sys(e, "cannot write pid file \"%s\"", rt->o->pid_file);
    return 0;
}

/* Both open at both ends, so that opening never waits; init's death closes them. */
static int make_gate(const struct rt *rt, struct gate *ret, struct err *e)
{
    cleanup_free char *go = state_file(rt, EXEC_FIFO), *answer = state_file(rt, EXEC_ANSWER);
    if (mkfifo(go, 0600) < 0 || mkfifo(answer, 0600) < 0 ||
        (ret->go = open(go, O_RDWR | O_CLOEXEC)) < 0 ||
        (ret->answer = open(answer, O_RDWR | O_CLOEXEC)) < 0)
        return err_sys(e, "cannot make \"%s\"", go);
    return 0;
}

static int guide_init(struct rt *rt, const struct nsplan *plan, pid_t pid, int sync, bool start_too,
                      struct err *e)
{
    if ((plan->fresh & CLONE_NEWUSER) && ns_write_maps(rt->spec, plan, pid, e) < 0)
        return -1;
    if (trees_map(rt, pid, e) < 0 || (rt->cgroup && cgroup_add(rt->cgroup, pid, e) < 0))
        return -1;
    if (!plan->ready)
        say(sync, 'm');
    if (hooks_before(rt)) {
        if (expect(sync, 'r', e) < 0 || hooks_run(rt, "prestart", pid, "creating", e) < 0 ||
            hooks_run(rt, "createRuntime", pid, "creating", e) < 0)
            return -1;
        say(sync, 'h');
    }
    if (rt->console_fd >= 0)
        close(rt->console_fd);
    if (filter_forward(rt, pid, "creating", e) < 0)
        return -1;
    /* while init is busy; where `start` has yet to come, there is no state until it may */
    if (state_save_config(rt, e) < 0 || write_pid_file(rt, pid, e) < 0 || lent_gone(rt, e) < 0)
        return -1;
    if (!start_too) {
        if (expect(sync, 'c', e) < 0 || state_save(rt, pid, e) < 0)
            return -1;
        say(sync, 'g');
        return 0;
    }
    if (state_save(rt, pid, e) < 0)
        return -1;
    say(sync, 'g');
    if (expect(sync, 'c', e) < 0)
        return -1;
    char line[sizeof e->msg + 16];
    ssize_t n = hear(sync, line, sizeof line - 1);
    if (n > 0) {
        line[n] = '\0';
        return report_parse(line, "init", NULL, 0, e);
    }
    hooks_late(rt, "poststart", pid, "running");
    return 0;
}

static void give_up(const struct rt *rt, pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    if (rt->o->pid_file)
        unlink(rt->o->pid_file);
    if (rt->cgroup)
        cgroup_remove(rt->cgroup);
    hooks_late(rt, "poststop", 0, "stopped");
}

/*
 * Processes that live in the pid namespace already see init from its first instruction, and may
 * be the same user; root of the container's user namespace sees us, where it has the host's pid
 * namespace: nobody must be able to trace either while the host's files are in sight.
 */
static int hide_from_others(const struct rt *rt, struct err *e)
{
    if (attrs_oom_score(json_object_get(rt->spec, "process"), e) < 0)
        return -1;
    return prctl(PR_SET_DUMPABLE, 0) < 0 ? err_sys(e, "cannot hide from other processes") : 0;
}

struct beginning {
    struct rt *rt;
    const struct nsplan *plan;
    int sync[2]; /* the runtime's end, init's */
    struct gate gate;
};

static void beginning_free(struct beginning *b)
{
    if (b->gate.go >= 0)
        close(b->gate.go);
    if (b->gate.answer >= 0)
        close(b->gate.answer);
}

static void begin(void *arg)
{
    struct beginning *b = arg;
    close(b->sync[0]);
    init_main(b->rt, b->plan, b->sync[1], &b->gate);
}

static int launch(struct rt *rt, bool start_too, struct err *e)
{
    struct nsplan plan;
    cleanup(beginning_free) struct beginning b = {.rt = rt, .plan = &plan, .gate = {-1, -1}};
    if (ns_plan(rt->spec, &plan, e) < 0)
        return -1;
    if (!start_too && make_gate(rt, &b.gate, e) < 0)
        return -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, b.sync) < 0)
        return err_sys(e, "cannot make a socket pair");
    trees_open(rt, &plan);
    lent_take(rt, &plan);
    if ((plan.joined & WITH_OTHERS) && hide_from_others(rt, e) < 0)
        return -1;
    if (cgroup_make(rt, e) < 0)
        return -1;
    plan.ready = !(plan.fresh & CLONE_NEWUSER) && !rt->cgroup && !rt->trees_remap;
    plan.stay =
        !plan.ready || !(plan.fresh & CLONE_NEWPID) || rt->notify_fd >= 0 || hooks_any(rt, NULL);
    pid_t pid = ns_make(&plan, begin, &b, e);
    if (pid < 0) {
        if (rt->cgroup)
            cgroup_remove(rt->cgroup);
        return -1;
    }
    close(b.sync[1]);
    int r = notify_serve(rt, pid, e);
    if (r == 0)
        r = guide_init(rt, &plan, pid, b.sync[0], start_too, e);
    close(b.sync[0]);
    if (r < 0)
        give_up(rt, pid);
    return r;
}

/* Socket activation: descriptors that stand open from 3 up, as sd_listen_fds(3) tells. */
static void take_listen_fds(struct rt *rt)
{
    const char *text = getenv("LISTEN_FDS");
    uint64_t n;
    if (rt->report_fd >= 0)
        return;
    if (text && str_u64(text, 1024, &n) == 0)
        rt->listen_fds = (int64_t)n;
}

int cmd_create(struct rt *rt, bool start_too, struct err *e)
{
    const json_t *process = json_object_get(rt->spec, "process");
    const struct options *o = rt->o;
    bool terminal = jx_bool(process, "terminal"), alone = o->detach || !start_too;
    if (start_too && !process)
        return err_set(e, 0, "cannot start a container without process in its config.json");
    if (terminal && !o->console_socket && alone)
        return err_set(e, 0, "a terminal was asked for, but no console socket was given");
    if (!terminal && o->console_socket)
        return err_set(e, 0, "a console socket was given, but process.terminal is not true");
    lent_open(rt);
    if (terminal && console_open(rt, e) < 0)
        return -1;
    take_listen_fds(rt);
    if (filter_listen(rt, e) < 0 || state_reserve(rt, e) < 0)
        return -1;
    if (notify_open(rt, e) == 0 && launch(rt, start_too, e) == 0)
        return 0;
    state_remove(rt);
    return -1;
}
