#include "rt.h"

#include "mountopt.h"
#include "plain/buf.h"
#include "plain/fdio.h"
#include "plain/mountcalls.h"
#include "things/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * What a user namespace may not mount itself is taken from the host, as other runtimes do; a
 * read-only one down to the last mount in it.
 */
static int fallback(const struct rt *rt, const char *type, const char *dest, int rootfd,
                    const struct mountopt *m, struct err *e)
{
    static const char *const sources[][2] = {
        {"sysfs", "/sys"}, {"proc", "/proc"}, {"mqueue", "/dev/mqueue"}, {"cgroup2", CGROUP_ROOT}};
    struct mountopt bind = *m;
    bind.flags |= MS_BIND | MS_REC;
    bind.recursive = m->flags & MS_RDONLY ? MOUNT_ATTR_RDONLY : 0;
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
        if (strcmp(type, sources[i][0]) == 0 && strcmp(type, "mqueue") == 0 &&
            access(sources[i][1], F_OK) < 0)
            return 0; /* another's IPC namespace, on a host without queues to show */
        else if (strcmp(type, sources[i][0]) == 0)
            return bind_mount(rt, sources[i][1], dest, -1, rootfd, &bind, e);
    return -1;
}

/* Nothing to copy, and no program to start for it, in most cases: -1. */
static int open_filled(int dir)
{
    cleanup_fd int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(dup(fd));
    int n = 0;
    while (d && n < 3 && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n < 3 ? -1 : fd_take(&fd);
}

/* Both ends are descriptors of ours; nothing of the image is in the command. */
static int copy_up(const char *dest, int from, int rootfd, struct err *e)
{
    struct stat top;
    cleanup_fd int found = open_in_root(rootfd, dest, true, e);
    if (found < 0)
        return -1;
    cleanup_fd int to = openat(found, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (to < 0 || fstat(to, &top) < 0)
        return err_sys(e, "cannot open the tmpfs on \"%s\"", dest);
    cleanup_free char *cmd = xasprintf("cp -a /proc/self/fd/%d/. /proc/self/fd/%d/", from, to);
    fd_cloexec(from, false);
    fd_cloexec(to, false);
    int st = system(cmd);
    fd_cloexec(from, true);
    /* its own mode and owner are the mount's options' */
    if (st != 0 || fchmod(to, top.st_mode & 07777) < 0 || fchown(to, top.st_uid, top.st_gid) < 0)
        return err_set(e, 0, "cannot copy the image's \"%s\" into the tmpfs on it", dest);
    return 0;
}

/*
 * A tmpfs without a mode looks like the directory it covers; over none, as the kernel makes it:
 * anybody's.
 */
static void inherit_mode(const char *type, int dst, bool was_there, struct mountopt *m)
{
    struct stat st;
    if (strcmp(type, "tmpfs") != 0 || strstr(buf_str(&m->data), "mode=") || !was_there ||
        fstat(dst, &st) < 0)
        return;
    buf_addf(&m->data, "%smode=%o", m->data.len ? "," : "", (unsigned)st.st_mode & 07777);
}

static int remount_readonly(const char *dest, int rootfd, unsigned long flags, struct err *e)
{
    cleanup_fd int top = open_in_root(rootfd, dest, true, e);
    if (top < 0)
        return -1;
    flags = (flags & ~(unsigned long)MS_REC) | MS_REMOUNT | MS_BIND | MS_RDONLY;
    return mount(NULL, fd_path(top).s, NULL, flags, NULL) < 0
               ? err_sys(e, "cannot make \"%s\" read-only", dest)
               : 0;
}

static int mount_fs(const struct rt *rt, const char *type, const char *source, const char *dest,
                    int rootfd, struct mountopt *m, struct err *e)
{
    const char *fs = strcmp(type, "cgroup") == 0 ? "cgroup2" : type;
    bool kernel = strcmp(fs, "proc") == 0 || strcmp(fs, "sysfs") == 0;
    cleanup_fd int there = path_in_root(rootfd, dest);
    cleanup_fd int dst =
        kernel ? open_no_links(rootfd, dest, e) : open_in_root(rootfd, dest, true, e);
    if (dst < 0)
        return -1;
    inherit_mode(fs, dst, there >= 0, m);
    cleanup_fd int before = m->copy_up ? open_filled(dst) : -1;
    unsigned long flags = m->flags & ~(unsigned long)(before >= 0 ? MS_RDONLY : 0);
    if (mount(*source ? source : type, fd_path(dst).s, fs, flags, buf_str(&m->data)) < 0) {
        err_sys(e, "cannot mount %s on \"%s\" in the container", type, dest);
        bool refused = e->sys == EPERM || e->sys == EBUSY;
        /* a host without it: the container has no view of cgroups, nothing worse */
        if (strcmp(fs, "cgroup2") == 0 && (!refused || !cgroup_is_v2()))
            return 0;
        return refused && fallback(rt, fs, dest, rootfd, m, e) == 0 ? 0 : -1;
    }
    if (before < 0)
        return 0;
    if (copy_up(dest, before, rootfd, e) < 0)
        return -1;
    return m->flags & MS_RDONLY ? remount_readonly(dest, rootfd, flags, e) : 0;
}

/* Options that only mount_setattr(2) and mount(2)'s second call know, for a filesystem's mount. */
static int finish_fs(const char *dest, int rootfd, const struct mountopt *m, struct err *e)
{
    struct mount_attr a = {.attr_set = m->recursive, .attr_clr = m->recursive_clear};
    if (!m->recursive && !m->recursive_clear && !m->propagation)
        return 0;
    cleanup_fd int top = open_in_root(rootfd, dest, true, e);
    if (top < 0)
        return -1;
    if ((a.attr_set || a.attr_clr) && tree_setattr(top, &a, AT_RECURSIVE) < 0)
        return err_sys(e, "cannot set recursive mount options of \"%s\"", dest);
    if (m->propagation && mount(NULL, fd_path(top).s, NULL, m->propagation, NULL) < 0)
        return err_sys(e, "cannot set the propagation of \"%s\"", dest);
    return 0;
}

static int mount_one(struct rt *rt, const json_t *mnt, int tree, int rootfd, struct err *e)
{
    const char *dest = jx_str(mnt, "destination"), *type = jx_str(mnt, "type");
    struct mountopt m;
    int r;
    mountopt_parse(mnt, &m);
    if (mount_is_bind(mnt, &m)) {
        cleanup_free char *source = mount_source(rt, mnt);
        r = bind_mount(rt, source, dest, tree, rootfd, &m, e);
    } else if (!*type) {
        r = err_set(e, 0, "mount \"%s\" has no type", dest);
    } else {
        bool dev = strcmp(type, "tmpfs") == 0 && strcmp(dest, "/dev") == 0;
        rt->dev_readonly = rt->dev_readonly || (dev && (m.flags & MS_RDONLY));
        m.flags &= ~(unsigned long)(dev ? MS_RDONLY : 0);
        r = mount_fs(rt, type, jx_str(mnt, "source"), dest, rootfd, &m, e);
        if (r == 0)
            r = finish_fs(dest, rootfd, &m, e);
    }
    buf_free(&m.data);
    return r;
}

int mounts_all(struct rt *rt, int rootfd, struct err *e)
{
    const json_t *mnt;
    size_t i;
    json_array_foreach(json_object_get(rt->spec, "mounts"), i, mnt)
    {
        if (mount_one(rt, mnt, rt->trees ? rt->trees[i] : -1, rootfd, e) < 0)
            return -1;
    }
    return 0;
}

int mounts_finish(const struct rt *rt, int rootfd, struct err *e)
{
    struct mount_attr a = {.attr_set = MOUNT_ATTR_RDONLY};
    if (!rt->dev_readonly)
        return 0;
    cleanup_fd int dev = open_in_root(rootfd, "dev", true, e);
    if (dev < 0)
        return -1;
    return tree_setattr(dev, &a, 0) < 0 ? err_sys(e, "cannot make /dev read-only") : 0;
}
