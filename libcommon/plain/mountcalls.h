/*
 * The calls of open_tree(2), move_mount(2) and mount_setattr(2), which not every C library has.
 * All return what the kernel does: -1 with errno.
 */
#ifndef POD_PLAIN_MOUNTCALLS_H
#define POD_PLAIN_MOUNTCALLS_H

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

/* A detached copy of the mount at path, close-on-exec; flags: AT_RECURSIVE, AT_EMPTY_PATH. */
static inline int tree_clone(int dir, const char *path, unsigned flags)
{
    flags |= OPEN_TREE_CLONE | (unsigned)OPEN_TREE_CLOEXEC;
    return (int)syscall(SYS_open_tree, dir, path, flags);
}

/* Mounts tree on what at is a descriptor of. */
static inline int tree_attach(int tree, int at)
{
    return (int)syscall(SYS_move_mount, tree, "", at, "",
                        MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

/* The same by path. */
static inline int tree_attach_at(int tree, const char *path)
{
    return (int)syscall(SYS_move_mount, tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH);
}

/* Of the mount that tree is a descriptor of; flags: AT_RECURSIVE. */
static inline int tree_setattr(int tree, const struct mount_attr *a, unsigned flags)
{
    return (int)syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | flags, a, sizeof *a);
}

#endif
