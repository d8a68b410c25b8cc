#include "fakeroot.h"

#include "disk/owner.h"
#include "plain/fdio.h"
#include "plain/str.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HOPS_MAX 8 /* of links to links */

/* ---- the caller's place ---- */

static int proc_open(const struct caller *c, const char *what, int flags)
{
    return openat(c->dir, what, O_PATH | O_CLOEXEC | flags);
}

static int proc_open_fd(const struct caller *c, int fd, int flags)
{
    char what[32];
    snprintf(what, sizeof what, "fd/%d", fd);
    int there = proc_open(c, what, flags);
    if (there < 0 && errno == ENOENT)
        errno = EBADF;
    return there;
}

/*
 * Our root and working directory become the caller's, so that the kernel follows a path as it
 * would for the caller, and never out of the container.
 */
static int stand_there(const struct caller *c, const struct name *n)
{
    cleanup_fd int root = proc_open(c, "root", O_DIRECTORY);
    cleanup_fd int from = n->path[0] == '/'      ? dup(root)
                          : n->dirfd == AT_FDCWD ? proc_open(c, "cwd", O_DIRECTORY)
                                                 : proc_open_fd(c, n->dirfd, O_DIRECTORY);
    return root < 0 || from < 0 || fchdir(root) < 0 || chroot(".") < 0 || fchdir(from) < 0 ? -errno
                                                                                           : 0;
}

/* Nothing of the container is held while we wait. */
static void come_home(void)
{
    if (fchdir(root_dir) < 0 || chroot(".") < 0)
        _exit(1);
}

/*
 * Links of /proc that lead to what a process has open are not followed: we may go where the caller
 * may not, and with the host's processes in sight one leads out of the container.
 */
static int open_plain(const char *path, int flags)
{
    struct open_how how = {.flags = O_PATH | O_CLOEXEC | (unsigned)flags,
                           .resolve = RESOLVE_NO_MAGICLINKS};
    return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
}

/* The caller's own descriptor that the path is a name of, also behind links; or -1. */
static int own_fd(const char *path)
{
    static const char *const names[] = {"/proc/self/fd/", "/proc/thread-self/fd/", "/dev/fd/"};
    char to[2][PATH_MAX];
    for (int hop = 0; hop < HOPS_MAX; hop++) {
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            uint64_t fd;
            if (str_starts(path, names[i]) && str_u64(path + strlen(names[i]), INT_MAX, &fd) == 0)
                return (int)fd;
        }
        cleanup_fd int link = open_plain(path, O_NOFOLLOW);
        ssize_t n = readlinkat(link, "", to[hop & 1], PATH_MAX - 1);
        if (n <= 0)
            return -1;
        to[hop & 1][n] = '\0';
        path = to[hop & 1];
    }
    return -1;
}

/* What the caller means, O_PATH; -1: the kernel shall say what of it. We are home again. */
static int reach(const struct caller *c, const struct name *n)
{
    bool follow = !(n->flags & AT_SYMLINK_NOFOLLOW);
    bool empty = !n->path || (!*n->path && (n->flags & AT_EMPTY_PATH));
    const struct name here = {.dirfd = n->dirfd, .path = "."};
    if (empty && n->dirfd != AT_FDCWD)
        return proc_open_fd(c, n->dirfd, 0);
    if (empty)
        n = &here;
    int number = -1, fd = -1;
    if (stand_there(c, n) == 0) {
        fd = open_plain(n->path, follow ? 0 : O_NOFOLLOW);
        number = fd < 0 && follow ? own_fd(n->path) : -1;
    }
    come_home();
    return number >= 0 ? proc_open_fd(c, number, 0) : fd;
}

/* ---- chown ---- */

static uint32_t other_or(uint32_t id, uint32_t otherwise)
{
    return id == SAME ? otherwise : id;
}

/* In an attribute of the file; a new one that has none is the container's user's. */
static int own_by_attribute(int fd, const struct owner *user, uint32_t uid, uint32_t gid)
{
    char self[64];
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    struct owner o = owner_came_up_path(self) ? (struct owner){0, 0} : *user;
    bool told = user->uid || user->gid;
    (void)owner_read_path(self, &o);
    o.uid = other_or(uid, o.uid);
    o.gid = other_or(gid, o.gid);
    /* where a file system has no such attributes there is nothing to commit either */
    (void)owner_write_path(self, o, told);
    return 0;
}

static bool is_link(const struct stat *st)
{
    return S_ISLNK(st->st_mode) || S_ISFIFO(st->st_mode);
}

/*
 * First what the kernel does of it: the file is its owner's already, but rights are looked at and
 * set-id bits taken away. Then the owner that was meant is put beside. Where the kernel's times are
 * finer than its clock tick, the look before makes that of the change so.
 */
int target_chown(const struct caller *c, const struct name *n, uint32_t uid, uint32_t gid)
{
    struct stat st;
    cleanup_fd int fd = reach(c, n);
    if (fd < 0 || fstat(fd, &st) < 0)
        return GO_ON;
    const struct owner user = caller_user(c);
    if (is_link(&st))
        return links_own(fd, &user, uid, gid);
    if (fchownat(fd, "", uid == SAME ? (uid_t)-1 : 0, gid == SAME ? (gid_t)-1 : 0, AT_EMPTY_PATH) <
        0)
        return -errno;
    return S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) ? own_by_attribute(fd, &user, uid, gid) : 0;
}

/* ---- mknod ---- */

int target_mknod(const struct caller *c, const struct name *n, mode_t mode)
{
    const char *slash = strrchr(n->path, '/');
    const char *base = slash ? slash + 1 : n->path;
    cleanup_free char *up = slash ? xstrndup(n->path, (size_t)(base - n->path)) : xstrdup(".");
    const struct name parent = {.dirfd = n->dirfd, .path = up};
    cleanup_fd int dir = *base ? reach(c, &parent) : -1;
    if (dir < 0)
        return GO_ON;
    mode_t before = umask(c->umask);
    int r = mknodat(dir, base, S_IFREG | (mode & 07777), 0) < 0 ? -errno : 0;
    umask(before);
    return r;
}

/* ---- what the kernel may copy up ---- */

void target_keep(const struct caller *c, const struct name *n)
{
    struct stat st;
    cleanup_fd int fd = reach(c, n);
    if (fd < 0 || fstat(fd, &st) < 0 || !is_link(&st))
        return;
    const struct owner user = caller_user(c);
    links_keep(fd, &user);
}
