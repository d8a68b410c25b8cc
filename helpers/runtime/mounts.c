#include "rt.h"

#include "mountopt.h"
#include "plain/buf.h"
#include "plain/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

struct fdpath fd_path(int fd)
{
    struct fdpath p;
    snprintf(p.s, sizeof p.s, "/proc/self/fd/%d", fd);
    return p;
}

static int open2(int dir, const char *path, uint64_t flags, uint64_t resolve)
{
    struct open_how how = {.flags = flags | O_CLOEXEC, .resolve = resolve};
    return (int)syscall(SYS_openat2, dir, path, &how, sizeof how);
}

static int in_root(int rootfd, const char *path)
{
    return open2(rootfd, *path ? path : ".", O_PATH, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

/*
 * Makes the missing tail of path, one component at a time: each parent is resolved inside the
 * root by the kernel, then the new name is made in that directory and nowhere else.
 */
static int make_missing(int rootfd, const char *path, bool want_dir)
{
    cleanup_free char *copy = xstrdup(path);
    for (char *p = copy;; p++) {
        p = strchrnul(p, '/');
        char end = *p;
        *p = '\0';
        cleanup_fd int there = in_root(rootfd, copy);
        if (there < 0) {
            char *slash = strrchr(copy, '/');
            if (slash)
                *slash = '\0';
            cleanup_fd int parent = slash ? in_root(rootfd, copy) : dup(rootfd);
            const char *name = slash ? slash + 1 : copy;
            if (parent < 0)
                return -1;
            if (end || want_dir) {
                if (mkdirat(parent, name, 0755) < 0 && errno != EEXIST)
                    return -1;
            } else {
                cleanup_fd int f = openat(
                    parent, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0644);
                if (f < 0 && errno != EEXIST)
                    return -1;
            }
            if (slash)
                *slash = '/';
        }
        if (!end)
            return 0;
        *p = end;
    }
}

int open_in_root(int rootfd, const char *dest, bool want_dir, struct err *e)
{
    dest += strspn(dest, "/");
    int fd = in_root(rootfd, dest);
    if (fd < 0 && errno == ENOENT && make_missing(rootfd, dest, want_dir) == 0)
        fd = in_root(rootfd, dest);
    if (fd < 0)
        return err_sys(e, "cannot make mount point \"/%s\" in the container", dest);
    return fd;
}

/* Flags the kernel has locked on the source must be given again, or the remount is refused. */
static unsigned long locked_flags(const char *path)
{
    struct statvfs v;
    unsigned long f = 0;
    if (statvfs(path, &v) < 0)
        return 0;
    if (v.f_flag & ST_NOSUID)
        f |= MS_NOSUID;
    if (v.f_flag & ST_NODEV)
        f |= MS_NODEV;
    if (v.f_flag & ST_NOEXEC)
        f |= MS_NOEXEC;
    if (v.f_flag & ST_RDONLY)
        f |= MS_RDONLY;
    if (v.f_flag & ST_NOATIME)
        f |= MS_NOATIME;
    else if (v.f_flag & ST_RELATIME)
        f |= MS_RELATIME;
    return f;
}

static int remount_bind(int rootfd, const char *dest, unsigned long flags, unsigned long clear,
                        struct err *e)
{
    cleanup_fd int top = open_in_root(rootfd, dest, true, e);
    if (top < 0)
        return -1;
    struct fdpath p = fd_path(top);
    unsigned long locked = locked_flags(p.s);
    unsigned long want = (flags | (locked & ~clear)) & ~(unsigned long)(MS_BIND | MS_REC);
    if (mount(NULL, p.s, NULL, MS_BIND | MS_REMOUNT | want, NULL) < 0 &&
        mount(NULL, p.s, NULL, MS_BIND | MS_REMOUNT | want | locked, NULL) < 0)
        return err_sys(e, "cannot set the mount options of \"%s\"", dest);
    return 0;
}

static int set_recursive(int rootfd, const char *dest, unsigned long attr, struct err *e)
{
    cleanup_fd int top = open_in_root(rootfd, dest, true, e);
    struct mount_attr a = {.attr_set = attr};
    if (top < 0)
        return -1;
    if (syscall(SYS_mount_setattr, top, "", AT_EMPTY_PATH | AT_RECURSIVE, &a, sizeof a) < 0)
        return err_sys(e, "cannot set recursive mount options of \"%s\"", dest);
    return 0;
}

static int set_propagation(int rootfd, const char *dest, unsigned long how, struct err *e)
{
    cleanup_fd int top = open_in_root(rootfd, dest, true, e);
    if (top < 0)
        return -1;
    if (mount(NULL, fd_path(top).s, NULL, how, NULL) < 0)
        return err_sys(e, "cannot set the propagation of \"%s\"", dest);
    return 0;
}

/*
 * The caller's own files, in directories that are closed to everybody else: with another id map
 * (keep-id) root of the container is somebody else, so the caller's file system id is borrowed.
 */
static int open_source(const struct rt *rt, const char *source)
{
    int fd = open(source, O_PATH | O_CLOEXEC);
    if (fd >= 0 || errno != EACCES || rt->caller_uid == 0)
        return fd;
    setfsgid(rt->caller_gid);
    setfsuid(rt->caller_uid);
    fd = open(source, O_PATH | O_CLOEXEC);
    int saved = errno;
    setfsuid(0);
    setfsgid(0);
    errno = saved;
    return fd;
}

static int bind_one(const struct rt *rt, const char *source, const char *dest, int rootfd,
                    const struct mountopt *m, struct err *e)
{
    struct stat st;
    cleanup_fd int src = open_source(rt, source);
    if (src < 0 || fstat(src, &st) < 0)
        return err_sys(e, "cannot find mount source \"%s\"", source);
    cleanup_fd int dst = open_in_root(rootfd, dest, S_ISDIR(st.st_mode), e);
    if (dst < 0)
        return -1;
    if (mount(fd_path(src).s, fd_path(dst).s, NULL, MS_BIND | (m->flags & MS_REC), NULL) < 0)
        return err_sys(e, "cannot bind \"%s\" to \"%s\" in the container", source, dest);
    unsigned long rest = m->flags & ~(unsigned long)(MS_BIND | MS_REC);
    return rest || m->clear ? remount_bind(rootfd, dest, rest, m->clear, e) : 0;
}

/* What a user namespace may not mount itself is taken from the host, as other runtimes do. */
static int fallback(const struct rt *rt, const char *type, const char *dest, int rootfd,
                    const struct mountopt *m, struct err *e)
{
    struct mountopt bind = {.flags = MS_BIND | MS_REC | (m->flags & MS_RDONLY)};
    if (strcmp(type, "sysfs") == 0)
        return bind_one(rt, "/sys", dest, rootfd, &bind, e);
    if (strcmp(type, "proc") == 0)
        return bind_one(rt, "/proc", dest, rootfd, &bind, e);
    if (strcmp(type, "mqueue") == 0)
        return bind_one(rt, "/dev/mqueue", dest, rootfd, &bind, e);
    return -1;
}

static int copy_up(const char *dest, int from, int rootfd, struct err *e)
{
    cleanup_fd int to = open_in_root(rootfd, dest, true, e);
    if (to < 0)
        return -1;
    cleanup_free char *cmd = xasprintf("cp -a /proc/self/fd/%d/. /proc/self/fd/%d/", from, to);
    fd_cloexec(from, false);
    fd_cloexec(to, false);
    int st =
        system(cmd); /* both ends are descriptors of ours; nothing of the image is in the text */
    fd_cloexec(from, true);
    if (st != 0)
        return err_set(e, 0, "cannot copy the image's \"%s\" into the tmpfs on it", dest);
    return 0;
}

static int mount_fs(const struct rt *rt, const char *type, const char *source, const char *dest,
                    int rootfd, struct mountopt *m, struct err *e)
{
    cleanup_fd int dst = open_in_root(rootfd, dest, true, e);
    if (dst < 0)
        return -1;
    const char *fs = strcmp(type, "cgroup") == 0 ? "cgroup2" : type;
    cleanup_fd int before = m->copy_up ? openat(dst, ".", O_RDONLY | O_DIRECTORY) : -1;
    if (mount(*source ? source : type, fd_path(dst).s, fs, m->flags, buf_str(&m->data)) < 0) {
        err_sys(e, "cannot mount %s on \"%s\" in the container", type, dest);
        if (strcmp(fs, "cgroup2") == 0)
            return 0; /* a host without it: the container has no view of cgroups, nothing worse */
        if ((e->sys == EPERM || e->sys == EBUSY) && fallback(rt, type, dest, rootfd, m, e) == 0)
            return 0;
        return -1;
    }
    return before >= 0 ? copy_up(dest, before, rootfd, e) : 0;
}

static int mount_one(const struct rt *rt, const json_t *mnt, int rootfd, struct err *e)
{
    const char *dest = jx_str(mnt, "destination"), *type = jx_str(mnt, "type");
    const char *source = jx_str(mnt, "source");
    struct mountopt m;
    mountopt_parse(mnt, &m);
    cleanup_free char *full =
        source[0] == '/' ? xstrdup(source) : xasprintf("%s/%s", rt->bundle, source);
    int r;
    if ((m.flags & MS_BIND) || strcmp(type, "bind") == 0)
        r = bind_one(rt, full, dest, rootfd, &m, e);
    else
        r = mount_fs(rt, *type ? type : "tmpfs", source, dest, rootfd, &m, e);
    if (r == 0 && m.recursive)
        r = set_recursive(rootfd, dest, m.recursive, e);
    if (r == 0 && m.propagation)
        r = set_propagation(rootfd, dest, m.propagation, e);
    buf_free(&m.data);
    return r;
}

int mounts_all(const struct rt *rt, int rootfd, struct err *e)
{
    const json_t *mnt;
    size_t i;
    json_array_foreach(json_object_get(rt->spec, "mounts"), i, mnt)
    {
        if (mount_one(rt, mnt, rootfd, e) < 0)
            return -1;
    }
    return 0;
}

static int mask_one(const char *path, int rootfd, struct err *e)
{
    struct stat st;
    cleanup_fd int fd = in_root(rootfd, path + strspn(path, "/"));
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES
                   ? 0
                   : err_sys(e, "cannot mask \"%s\"", path);
    int r = fstat(fd, &st);
    if (r == 0 && S_ISDIR(st.st_mode))
        r = mount("tmpfs", fd_path(fd).s, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
                  "size=0k,mode=755");
    else if (r == 0)
        r = mount("/dev/null", fd_path(fd).s, NULL, MS_BIND, NULL);
    return r < 0 ? err_sys(e, "cannot mask \"%s\"", path) : 0;
}

static int readonly_one(const char *path, int rootfd, struct err *e)
{
    cleanup_fd int fd = in_root(rootfd, path + strspn(path, "/"));
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES
                   ? 0
                   : err_sys(e, "cannot protect \"%s\"", path);
    struct fdpath p = fd_path(fd);
    if (mount(p.s, p.s, NULL, MS_BIND | MS_REC, NULL) < 0)
        return err_sys(e, "cannot protect \"%s\"", path);
    return remount_bind(rootfd, path, MS_RDONLY, 0, e);
}

int mounts_masks(const struct rt *rt, int rootfd, struct err *e)
{
    const json_t *l = json_object_get(rt->spec, "linux"), *p;
    size_t i;
    json_array_foreach(json_object_get(l, "readonlyPaths"), i, p)
    {
        if (json_is_string(p) && readonly_one(json_string_value(p), rootfd, e) < 0)
            return -1;
    }
    json_array_foreach(json_object_get(l, "maskedPaths"), i, p)
    {
        if (json_is_string(p) && mask_one(json_string_value(p), rootfd, e) < 0)
            return -1;
    }
    return 0;
}
