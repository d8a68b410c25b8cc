#include "rt.h"

#include "plain/buf.h"
#include "plain/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
    const char *name;
    int flag;
} types[] = {
    {"user", CLONE_NEWUSER},     {"mount", CLONE_NEWNS},  {"pid", CLONE_NEWPID},
    {"network", CLONE_NEWNET},   {"ipc", CLONE_NEWIPC},   {"uts", CLONE_NEWUTS},
    {"cgroup", CLONE_NEWCGROUP}, {"time", CLONE_NEWTIME},
};

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
        p.fd[p.n] = open(path, O_RDONLY | O_CLOEXEC);
        if (p.fd[p.n] < 0)
            return err_sys(e, "cannot open namespace \"%s\"", path);
        p.type[p.n++] = flag;
        p.joined |= flag;
    }
    if (!((p.fresh | p.joined) & CLONE_NEWNS))
        return err_set(e, 0, "a container without a mount namespace is not supported");
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
int ns_join(const struct nsplan *p, struct err *e)
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

pid_t ns_clone(const struct nsplan *p, int *pidfd)
{
    struct clone_args a = {
        .flags = (uint64_t)(unsigned)p->fresh | CLONE_PIDFD,
        .pidfd = (uint64_t)(uintptr_t)pidfd,
        .exit_signal = SIGCHLD,
    };
    return (pid_t)syscall(SYS_clone3, &a, sizeof a);
}

static int write_map(const json_t *maps, pid_t pid, const char *file, struct err *e)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    const json_t *m;
    size_t i;
    json_array_foreach(maps, i, m)
        buf_addf(&b, "%lld %lld %lld\n", (long long)jx_int(m, "containerID", -1),
                 (long long)jx_int(m, "hostID", -1), (long long)jx_int(m, "size", -1));
    cleanup_free char *path = xasprintf("/proc/%d/%s", pid, file);
    cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, buf_str(&b), b.len) != (ssize_t)b.len)
        return err_sys(e, "cannot write %s", path);
    return 0;
}

int ns_write_maps(const json_t *spec, pid_t pid, struct err *e)
{
    const json_t *l = json_object_get(spec, "linux");
    if (write_map(json_object_get(l, "gidMappings"), pid, "gid_map", e) < 0)
        return -1;
    return write_map(json_object_get(l, "uidMappings"), pid, "uid_map", e);
}

int ns_loopback_up(void)
{
    struct ifreq ifr = {.ifr_name = "lo"};
    cleanup_fd int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (s < 0 || ioctl(s, SIOCGIFFLAGS, &ifr) < 0)
        return -1;
    ifr.ifr_flags |= IFF_UP | IFF_RUNNING;
    return ioctl(s, SIOCSIFFLAGS, &ifr);
}
