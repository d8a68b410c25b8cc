/*
 * Bind mounts: a detached copy of the source gets its options first and is then put in place, by
 * descriptor on both sides.
 *
 * With a user namespace of the container's own the copies are made by the runtime beforehand:
 * it may go where the container's root may not, and only it may map ids.
 */
#include "rt.h"

#include "mountopt.h"
#include "plain/fdio.h"
#include "plain/mountcalls.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

bool mount_is_bind(const json_t *mnt, const struct mountopt *m)
{
    return (m->flags & MS_BIND) || strcmp(jx_str(mnt, "type"), "bind") == 0;
}

char *mount_source(const struct rt *rt, const json_t *mnt)
{
    const char *s = jx_str(mnt, "source");
    return s[0] == '/' ? xstrdup(s) : xasprintf("%s/%s", rt->bundle, s);
}

static unsigned clone_flags(const struct mountopt *m)
{
    return m->flags & MS_REC ? AT_RECURSIVE : 0;
}

/* ---- in the runtime ---- */

/* Has the caller an id in the container? Its root may then go wherever the caller's files lie. */
static bool maps_caller(const json_t *spec)
{
    const json_t *m, *all = json_object_get(json_object_get(spec, "linux"), "uidMappings");
    int64_t own = (int64_t)geteuid();
    size_t i;
    json_array_foreach(all, i, m)
    {
        int64_t first = jx_int(m, "hostID", 0);
        if (own >= first && own - first < jx_int(m, "size", 0))
            return true;
    }
    return !json_array_size(all);
}

void trees_open(struct rt *rt, const struct nsplan *p)
{
    bool userns = (p->fresh | p->joined) & CLONE_NEWUSER;
    const json_t *mnt, *all = json_object_get(rt->spec, "mounts");
    size_t i;
    /* who a joined user namespace maps is not written there */
    if ((p->joined & CLONE_NEWUSER) || (userns && !maps_caller(rt->spec)))
        rt->root_tree = tree_clone(AT_FDCWD, rt->rootfs, AT_RECURSIVE);
    rt->trees = xcalloc(json_array_size(all) + 1, sizeof *rt->trees);
    json_array_foreach(all, i, mnt)
    {
        struct mountopt m;
        mountopt_parse(mnt, &m);
        rt->trees[i] = -1;
        rt->trees_remap = rt->trees_remap || m.idmap;
        if (mount_is_bind(mnt, &m) && !m.copy_symlink && (userns || m.idmap)) {
            cleanup_free char *source = mount_source(rt, mnt);
            rt->trees[i] = tree_clone(AT_FDCWD, source, clone_flags(&m));
        }
        buf_free(&m.data);
    }
}

static int map_one(const json_t *mnt, const struct mountopt *m, int tree, pid_t pid, struct err *e)
{
    const json_t *uids = json_object_get(mnt, "uidMappings");
    struct mount_attr a = {.attr_set = MOUNT_ATTR_IDMAP};
    cleanup_free char *own = xasprintf("/proc/%d/ns/user", pid);
    cleanup_fd int ns = json_array_size(uids)
                            ? ns_of_maps(uids, json_object_get(mnt, "gidMappings"), e)
                            : open(own, O_RDONLY | O_CLOEXEC);
    if (ns < 0)
        return -1;
    a.userns_fd = (uint64_t)ns;
    if (tree < 0 || tree_setattr(tree, &a, m->idmap_all ? AT_RECURSIVE : 0) < 0)
        return err_sys(e, "cannot map the ids of mount \"%s\"", jx_str(mnt, "destination"));
    return 0;
}

int trees_map(const struct rt *rt, pid_t pid, struct err *e)
{
    const json_t *mnt;
    size_t i;
    json_array_foreach(json_object_get(rt->spec, "mounts"), i, mnt)
    {
        struct mountopt m;
        mountopt_parse(mnt, &m);
        buf_free(&m.data);
        if (m.idmap && map_one(mnt, &m, rt->trees[i], pid, e) < 0)
            return -1;
    }
    return 0;
}

/* ---- in init ---- */

/*
 * The caller's own files, in directories that are closed to everybody else: with another id map
 * (keep-id) root of the container is somebody else, so the caller's file system id is borrowed.
 */
static int open_source(const struct rt *rt, const char *source, const struct mountopt *m)
{
    int fd = tree_clone(AT_FDCWD, source, clone_flags(m));
    if (fd >= 0 || errno != EACCES || rt->caller_uid == 0)
        return fd;
    setfsgid(rt->caller_gid);
    setfsuid(rt->caller_uid);
    cleanup_fd int there = open(source, O_PATH | O_CLOEXEC);
    int saved = errno;
    setfsuid(0);
    setfsgid(0);
    errno = saved;
    return there < 0 ? -1 : tree_clone(there, "", AT_EMPTY_PATH | clone_flags(m));
}

static const struct {
    unsigned long flag;
    uint64_t attr;
} attrs[] = {{MS_RDONLY, MOUNT_ATTR_RDONLY},         {MS_NOSUID, MOUNT_ATTR_NOSUID},
             {MS_NODEV, MOUNT_ATTR_NODEV},           {MS_NOEXEC, MOUNT_ATTR_NOEXEC},
             {MS_NODIRATIME, MOUNT_ATTR_NODIRATIME}, {MS_NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW}};

static int set_attr(int tree, struct mount_attr *a, unsigned how)
{
    if (!a->attr_set && !a->attr_clr)
        return 0;
    return tree_setattr(tree, a, how);
}

/*
 * What is to be set must be; what is to be cleared ("rw", "suid") may be locked on the source by
 * a user namespace further out, and then stays as it is, as mount(8) has it.
 */
int mount_set_options(int tree, const struct mountopt *m, struct err *e)
{
    struct mount_attr set = {0}, clear = {0};
    for (size_t i = 0; i < sizeof attrs / sizeof *attrs; i++) {
        if (m->flags & attrs[i].flag)
            set.attr_set |= attrs[i].attr;
        if (m->clear & attrs[i].flag)
            clear.attr_clr |= attrs[i].attr;
    }
    struct mount_attr atime = {.attr_clr = MOUNT_ATTR__ATIME};
    atime.attr_set = m->flags & MS_NOATIME       ? MOUNT_ATTR_NOATIME
                     : m->flags & MS_STRICTATIME ? MOUNT_ATTR_STRICTATIME
                                                 : MOUNT_ATTR_RELATIME;
    if (m->flags & (MS_NOATIME | MS_STRICTATIME | MS_RELATIME))
        (void)set_attr(tree, &atime, 0);
    for (size_t i = 0; i < sizeof attrs / sizeof *attrs; i++) {
        struct mount_attr one = {.attr_clr = clear.attr_clr & attrs[i].attr};
        (void)set_attr(tree, &one, 0);
    }
    struct mount_attr all = {.attr_set = m->recursive};
    struct mount_attr none = {.attr_clr = m->recursive_clear};
    (void)set_attr(tree, &none, AT_RECURSIVE);
    return set_attr(tree, &set, 0) < 0 || set_attr(tree, &all, AT_RECURSIVE) < 0
               ? err_sys(e, "mount options")
               : 0;
}

/* Where nothing is said, a bind follows the root: what happens in it never reaches the host. */
static int propagate(const struct rt *rt, int tree, const struct mountopt *m)
{
    const char *root = jx_str(json_object_get(rt->spec, "linux"), "rootfsPropagation");
    unsigned long how = m->propagation;
    if (!how)
        how = MS_REC | (propagation_of(root) & (MS_SLAVE | MS_SHARED) ? MS_SLAVE : MS_PRIVATE);
    return mount(NULL, fd_path(tree).s, NULL, how, NULL);
}

/* copy-symlink: a link is made again instead of what it points to being bound. */
static int copy_link(const char *source, const char *dest, int rootfd, struct err *e)
{
    char target[4096];
    ssize_t n = readlink(source, target, sizeof target - 1);
    if (n < 0)
        return 1;
    target[n] = '\0';
    cleanup_free char *parent = xstrdup(dest);
    char *slash = strrchr(parent, '/');
    if (slash)
        *slash = '\0';
    cleanup_fd int dir = open_in_root(rootfd, slash ? parent : "", true, e);
    if (dir < 0)
        return -1;
    if (symlinkat(target, dir, slash ? slash + 1 : dest) < 0 && errno != EEXIST)
        return err_sys(e, "cannot copy the link \"%s\" to \"%s\"", source, dest);
    return 0;
}

int bind_mount(const struct rt *rt, const char *source, const char *dest, int made, int rootfd,
               const struct mountopt *m, struct err *e)
{
    struct stat st;
    int r = m->copy_symlink ? copy_link(source, dest, rootfd, e) : 1;
    if (r <= 0)
        return r;
    cleanup_fd int tree = made >= 0 ? made : open_source(rt, source, m);
    if (tree < 0 || fstat(tree, &st) < 0)
        return err_sys(e, "cannot find mount source \"%s\"", source);
    cleanup_fd int dst = open_in_root(rootfd, dest, S_ISDIR(st.st_mode), e);
    if (dst < 0)
        return -1;
    if (mount_set_options(tree, m, e) < 0)
        return err_prefix(e, "cannot bind \"%s\" to \"%s\" in the container", source, dest);
    if (tree_attach(tree, dst) < 0)
        return err_sys(e, "cannot bind \"%s\" to \"%s\" in the container", source, dest);
    return propagate(rt, tree, m) < 0 ? err_sys(e, "cannot set the propagation of \"%s\"", dest)
                                      : 0;
}
