#include "rt.h"

#include "plain/buf.h"
#include "plain/fdio.h"
#include "plain/mountcalls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Nothing we mount may reach the host; what the host mounts later may come in with rslave. */
static int cut_propagation(const struct rt *rt, struct err *e)
{
    unsigned long how =
        propagation_of(jx_str(json_object_get(rt->spec, "linux"), "rootfsPropagation"));
    if (!(how & (MS_SLAVE | MS_SHARED | MS_PRIVATE)))
        how = MS_REC | MS_PRIVATE;
    if (mount(NULL, "/", NULL, MS_REC | (how & MS_SHARED ? MS_SLAVE : how & ~MS_REC), NULL) < 0)
        return err_sys(e, "cannot cut mount propagation");
    return 0;
}

/*
 * The root is bound onto itself: mounts that came from the outer user namespace are locked and
 * cannot be pivoted to, a bind of ours can.
 */
static int open_root(const struct rt *rt, struct err *e)
{
    if (rt->root_tree >= 0) {
        /* put where everybody may go; "/" itself is about to be left */
        if (tree_attach_at(rt->root_tree, "/") < 0)
            return err_sys(e, "cannot mount the root filesystem \"%s\"", rt->rootfs);
        return rt->root_tree;
    }
    if (mount(rt->rootfs, rt->rootfs, NULL, MS_BIND | MS_REC, NULL) < 0)
        return err_sys(e, "cannot bind the root filesystem \"%s\"", rt->rootfs);
    int fd = open(rt->rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_sys(e, "cannot open the root filesystem \"%s\"", rt->rootfs);
    return fd;
}

/* For roots that cannot be left by pivot_root(2), such as an initramfs: laid over the old one. */
static int move_root(const struct rt *rt, int rootfd, struct err *e)
{
    if (fchdir(rootfd) < 0 || (rt->root_tree < 0 && mount(".", "/", NULL, MS_MOVE, NULL) < 0) ||
        chroot(".") < 0 || chdir("/") < 0)
        return err_sys(e, "cannot move the root filesystem to the root");
    return 0;
}

static int pivot(const struct rt *rt, int rootfd, struct err *e)
{
    if (rt->o->no_pivot)
        return move_root(rt, rootfd, e);
    if (fchdir(rootfd) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
        return err_sys(e, "cannot make the root filesystem the root");
    /* the old root is now mounted on top of ".": away with it */
    if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
        return err_sys(e, "cannot leave the host's root");
    return 0;
}

static int root_readonly(const struct rt *rt, struct err *e)
{
    struct mount_attr a = {.attr_set = MOUNT_ATTR_RDONLY};
    if (!jx_bool(json_object_get(rt->spec, "root"), "readonly"))
        return 0;
    return syscall(SYS_mount_setattr, AT_FDCWD, "/", 0, &a, sizeof a) < 0
               ? err_sys(e, "cannot make the root filesystem read-only")
               : 0;
}

int rootfs_set_sysctls(const json_t *spec, struct err *e)
{
    json_t *all = json_object_get(json_object_get(spec, "linux"), "sysctl"), *value;
    const char *key;
    json_object_foreach(all, key, value)
    {
        cleanup_free char *path = xasprintf("/proc/sys/%s", key);
        const char *text = json_string_value(value);
        if (strstr(key, ".."))
            return err_set(e, 0, "sysctl \"%s\" is not a kernel parameter", key);
        for (char *p = path + strlen("/proc/sys/"); *p; p++)
            if (*p == '.')
                *p = '/';
        cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0 || !text || fd_write_all(fd, text, strlen(text)) < 0)
            return err_sys(e, "cannot set sysctl \"%s\"", key);
    }
    return 0;
}

/* Here a missing one can still be made below a root that will be read-only. */
static void make_cwd(const json_t *process, int rootfd)
{
    struct err later = ERR_INIT; /* whoever enters it says why he cannot */
    int fd =
        *jx_str(process, "cwd") ? open_in_root(rootfd, jx_str(process, "cwd"), true, &later) : -1;
    if (fd >= 0)
        close(fd);
}

int rootfs_setup(struct rt *rt, int *ret_console_master, struct err *e)
{
    const json_t *process = json_object_get(rt->spec, "process");
    char slave[64] = "";
    if (cut_propagation(rt, e) < 0)
        return -1;
    cleanup_fd int rootfd = open_root(rt, e);
    if (rootfd < 0 || mounts_all(rt, rootfd, e) < 0 || dev_populate(rt, rootfd, e) < 0)
        return -1;
    if (jx_bool(process, "terminal") &&
        dev_console(rt, rootfd, process, ret_console_master, slave, sizeof slave, e) < 0)
        return -1;
    if (hooks_any(rt, "createContainer") &&
        hooks_run(rt, "createContainer", getpid(), "creating", e) < 0)
        return -1;
    make_cwd(process, rootfd);
    if (mounts_finish(rt, rootfd, e) < 0 || rootfs_set_sysctls(rt->spec, e) < 0 ||
        mounts_masks(rt, rootfd, e) < 0 || pivot(rt, rootfd, e) < 0 || root_readonly(rt, e) < 0)
        return -1;
    const char *after = jx_str(json_object_get(rt->spec, "linux"), "rootfsPropagation");
    if ((propagation_of(after) & (MS_SHARED | MS_UNBINDABLE)) &&
        mount(NULL, "/", NULL, propagation_of(after), NULL) < 0)
        return err_sys(e, "cannot set rootfsPropagation \"%s\"", after);
    return slave[0] ? dev_use_terminal(slave, e) : 0;
}
