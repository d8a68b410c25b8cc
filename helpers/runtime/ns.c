#include "rt.h"

#include "disk/at.h"
#include "plain/buf.h"
#include "plain/fdio.h"
#include "things/spawn.h"
#include "words/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
    const char *name;
    int flag;
} types[] = {
    {"user", CLONE_NEWUSER},     {"mount", CLONE_NEWNS},  {"pid", CLONE_NEWPID},
    {"network", CLONE_NEWNET},   {"ipc", CLONE_NEWIPC},   {"uts", CLONE_NEWUTS},
    {"cgroup", CLONE_NEWCGROUP}, {"time", CLONE_NEWTIME},
};

/* Made by init itself: once it is in its cgroup, and with clocks set before anybody reads them. */
#define NS_LATE (CLONE_NEWCGROUP | CLONE_NEWTIME)

static int flag_of(const char *name)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].name, name) == 0)
            return types[i].flag;
    return 0;
}

int ns_plan(const json_t *spec, struct nsplan *ret, struct err *e)
{
    struct nsplan p = {0};
    const json_t *list = json_object_get(json_object_get(spec, "linux"), "namespaces"), *item;
    size_t i;
    json_array_foreach(list, i, item)
    {
        const char *type = jx_str(item, "type"), *path = jx_str(item, "path");
        int flag = flag_of(type);
        if (!flag)
            return err_set(e, 0, "unknown namespace type \"%s\"", type);
        if ((p.fresh | p.joined) & flag)
            return err_set(e, 0, "namespace \"%s\" is named twice", type);
        if (!*path) {
            p.fresh |= flag;
            continue;
        }
        if (path[0] != '/')
            return err_set(e, 0, "namespace path \"%s\" is not absolute", path);
        p.fd[p.n] = open(path, O_RDONLY | O_CLOEXEC);
        if (p.fd[p.n] < 0)
            return err_sys(e, "cannot open namespace \"%s\"", path);
        if (ioctl(p.fd[p.n], NS_GET_NSTYPE) != flag)
            return err_set(e, 0, "\"%s\" is not a namespace of type \"%s\"", path, type);
        p.type[p.n++] = flag;
        p.joined |= flag;
    }
    if (!((p.fresh | p.joined) & CLONE_NEWNS))
        return err_set(e, 0, "a container without a mount namespace is not supported");
    if (geteuid() != 0 && !((p.fresh | p.joined) & CLONE_NEWUSER)) {
        p.fresh |= CLONE_NEWUSER;
        p.rootless = true;
    }
    *ret = p;
    return 0;
}

/* Entering the namespace we are in already is no error for anything but the kernel. */
static int enter(int fd, int type)
{
    static const char *const self[] = {"user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "time"};
    if (setns(fd, type) == 0)
        return 0;
    int saved = errno;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct stat a, b;
        cleanup_free char *path = xasprintf("/proc/self/ns/%s", self[i]);
        if (types[i].flag == type && fstat(fd, &a) == 0 && stat(path, &b) == 0 &&
            a.st_ino == b.st_ino && a.st_dev == b.st_dev)
            return 0;
    }
    errno = saved;
    return -1;
}

/*
 * A namespace is entered with rights over its owner: those owned by our user namespace while we
 * are in it, those owned by the container's once we have entered that. The mount namespace goes
 * last: paths are the old ones until then.
 */
static int join(const struct nsplan *p, struct err *e)
{
    bool done[8] = {false};
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < p->n; i++) {
            if (done[i] || p->type[i] == CLONE_NEWUSER || (p->type[i] == CLONE_NEWNS && pass == 0))
                continue;
            if (enter(p->fd[i], p->type[i]) == 0)
                done[i] = true;
            else if (pass == 1 || errno != EPERM)
                return err_sys(e, "cannot enter a namespace of type 0x%x", p->type[i]);
        }
        for (size_t i = 0; i < p->n && pass == 0; i++)
            if (p->type[i] == CLONE_NEWUSER && enter(p->fd[i], CLONE_NEWUSER) < 0)
                return err_sys(e, "cannot enter the user namespace");
    }
    return 0;
}

/* more: flags beside those of the namespaces. 0 in the child. */
static pid_t make(const struct nsplan *p, uint64_t more)
{
    struct clone_args a = {
        .flags = (uint64_t)(unsigned)(p->fresh & ~NS_LATE) | more,
        .exit_signal = more & CLONE_PARENT ? 0 : SIGCHLD, /* that one goes by who makes it */
    };
    return (pid_t)syscall(SYS_clone3, &a, sizeof a);
}

struct made {
    pid_t pid;
    struct err e;
};

static int join_and_make(const struct nsplan *p, ns_init *init, void *arg, int answer)
{
    struct made made = {.pid = -1, .e = ERR_INIT};
    if (join(p, &made.e) == 0 && (made.pid = make(p, CLONE_PARENT)) < 0)
        err_sys(&made.e, "cannot make the container's namespaces");
    if (made.pid == 0) {
        close(answer);
        init(arg);
    }
    return fd_write_all(answer, &made, sizeof made) < 0;
}

/*
 * A process of its own enters what is there already, so that we stay outside, where hooks are to
 * run and where our rights are. Init is its sibling, a child of ours.
 */
static pid_t make_apart(const struct nsplan *p, ns_init *init, void *arg, struct err *e)
{
    int answer[2];
    struct made made = {.pid = -1, .e = ERR_INIT};
    if (pipe2(answer, O_CLOEXEC) < 0)
        return err_sys(e, "cannot make a pipe");
    pid_t between = fork(); /* who shares memory cannot enter a time namespace */
    if (between == 0)
        _exit(join_and_make(p, init, arg, answer[1]));
    close(answer[1]);
    if (between < 0)
        err_sys(e, "cannot fork");
    else if (fd_read_full(answer[0], &made, sizeof made) != sizeof made)
        err_set(e, 0, "the process that enters the container's namespaces died");
    else if (made.pid < 0)
        *e = made.e;
    if (between > 0)
        spawn_wait(between);
    close(answer[0]);
    return made.pid;
}

pid_t ns_make(const struct nsplan *p, ns_init *init, void *arg, struct err *e)
{
    if (p->n && p->stay)
        return make_apart(p, init, arg, e);
    if (p->n && join(p, e) < 0)
        return -1;
    pid_t pid = make(p, 0);
    if (pid == 0)
        init(arg);
    return pid < 0 ? err_sys(e, "cannot make the container's namespaces") : pid;
}

static int run_mapper(const char *tool, pid_t pid, const json_t *maps, struct err *e)
{
    cleanup(strv_free) struct strv argv = STRV_INIT;
    static const char *const keys[] = {"containerID", "hostID", "size"};
    const json_t *m;
    size_t i;
    strv_add(&argv, tool);
    strv_addf(&argv, "%d", pid);
    json_array_foreach(maps, i, m) for (size_t k = 0; k < 3; k++)
        strv_addf(&argv, "%lld", (long long)jx_int(m, keys[k], 0));
    pid_t child = fork();
    if (child == 0) {
        execvp(tool, argv.v);
        _exit(127);
    }
    return child > 0 && spawn_wait(child) == 0
               ? 0
               : err_set(e, 0, "%s cannot map the ids of the user namespace", tool);
}

/* Written by ourselves where the kernel allows it: as root, or the one id that is our own. */
static int write_map(const json_t *maps, pid_t pid, const char *file, const char *tool,
                     struct err *e)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    const json_t *m;
    size_t i;
    json_array_foreach(maps, i, m)
        buf_addf(&b, "%lld %lld %lld\n", (long long)jx_int(m, "containerID", -1),
                 (long long)jx_int(m, "hostID", -1), (long long)jx_int(m, "size", -1));
    cleanup_free char *path = xasprintf("/proc/%d/%s", pid, file);
    cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0 && write(fd, buf_str(&b), b.len) == (ssize_t)b.len)
        return 0;
    if (fd >= 0 && errno == EPERM && geteuid() != 0) {
        if (json_array_size(maps) > 1 || jx_int(json_array_get(maps, 0), "size", 0) > 1)
            return run_mapper(tool, pid, maps, e);
        cleanup_free char *deny = xasprintf("/proc/%d/setgroups", pid);
        cleanup_fd int d = open(deny, O_WRONLY | O_CLOEXEC);
        if (d >= 0 && write(d, "deny", 4) == 4 && write(fd, b.s, b.len) == (ssize_t)b.len)
            return 0;
    }
    return err_sys(e, "cannot write %s", path);
}

/* No mappings are given: root sees the ids that we see, under the same numbers. */
static int same_map(pid_t pid, const char *file, struct err *e)
{
    cleanup(buf_free) struct buf ours = BUF_INIT, b = BUF_INIT;
    cleanup_free char *own = xasprintf("/proc/self/%s", file);
    cleanup_free char *path = xasprintf("/proc/%d/%s", pid, file);
    unsigned long in, out, count;
    int used;
    if (at_read(AT_FDCWD, own, 65536, &ours) < 0)
        return err_sys(e, "cannot read %s", own);
    for (const char *p = buf_str(&ours); sscanf(p, "%lu %lu %lu%n", &in, &out, &count, &used) == 3;
         p += used)
        buf_addf(&b, "%lu %lu %lu\n", in, in, count);
    cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd >= 0 && write(fd, buf_str(&b), b.len) == (ssize_t)b.len
               ? 0
               : err_sys(e, "cannot write %s", path);
}

int ns_write_maps(const json_t *spec, const struct nsplan *p, pid_t pid, struct err *e)
{
    const json_t *l = json_object_get(spec, "linux");
    const json_t *uids = json_object_get(l, "uidMappings"),
                 *gids = json_object_get(l, "gidMappings");
    if (p->rootless || (geteuid() != 0 && !json_array_size(uids)))
        return userns_can_map(e) == 0 ? userns_map(pid, e) : userns_map_single(pid, e);
    if (!json_array_size(uids))
        return same_map(pid, "gid_map", e) < 0 ? -1 : same_map(pid, "uid_map", e);
    return write_map(json_array_size(gids) ? gids : uids, pid, "gid_map", "newgidmap", e) < 0
               ? -1
               : write_map(uids, pid, "uid_map", "newuidmap", e);
}

static int write_offsets(const json_t *spec, struct err *e)
{
    json_t *all = json_object_get(json_object_get(spec, "linux"), "timeOffsets"), *o;
    cleanup(buf_free) struct buf b = BUF_INIT;
    const char *clock;
    json_object_foreach(all, clock, o)
        buf_addf(&b, "%s %lld %lld\n", clock, (long long)jx_int(o, "secs", 0),
                 (long long)jx_int(o, "nanosecs", 0));
    if (!b.len)
        return 0;
    cleanup_fd int fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, b.s, b.len) != (ssize_t)b.len)
        return err_sys(e, "cannot set the clocks of the time namespace");
    return 0;
}

int ns_make_late(const struct nsplan *p, const json_t *spec, struct err *e)
{
    if ((p->fresh & NS_LATE) && unshare(p->fresh & NS_LATE) < 0)
        return err_sys(e, "cannot make the container's cgroup and time namespaces");
    if (!(p->fresh & CLONE_NEWTIME))
        return 0;
    /* the file is ours only while we are dumpable, and nobody else is here to make use of it */
    if (p->fresh & CLONE_NEWPID)
        prctl(PR_SET_DUMPABLE, 1);
    int r = write_offsets(spec, e);
    prctl(PR_SET_DUMPABLE, 0);
    if (r < 0)
        return -1;
    cleanup_fd int fd = open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || setns(fd, CLONE_NEWTIME) < 0)
        return err_sys(e, "cannot enter the time namespace");
    return 0;
}

static void sleep_on(void *arg)
{
    (void)arg;
    for (;;)
        pause();
}

int ns_of_maps(const json_t *uids, const json_t *gids, struct err *e)
{
    struct nsplan p = {.fresh = CLONE_NEWUSER};
    pid_t pid = ns_make(&p, sleep_on, NULL, e);
    if (pid < 0)
        return -1;
    int fd = -1;
    if (write_map(gids, pid, "gid_map", "newgidmap", e) == 0 &&
        write_map(uids, pid, "uid_map", "newuidmap", e) == 0) {
        cleanup_free char *path = xasprintf("/proc/%d/ns/user", pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            err_sys(e, "cannot open \"%s\"", path);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return fd;
}
