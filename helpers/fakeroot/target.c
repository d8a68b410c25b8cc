#include "fakeroot.h"

#include "disk/owner.h"
#include "plain/fdio.h"
#include "plain/str.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

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

/* ---- chown ---- */

static uint32_t other_or(uint32_t id, uint32_t otherwise)
{
    return id == SAME ? otherwise : id;
}

/* In an attribute of the file. */
static int own_by_attribute(int fd, uint32_t uid, uint32_t gid)
{
    struct owner o = {0, 0};
    char self[64];
    if (fchdir(proc_dir) < 0)
        return -errno;
    snprintf(self, sizeof self, "self/fd/%d", fd);
    (void)owner_read_path(self, &o);
    o.uid = other_or(uid, o.uid);
    o.gid = other_or(gid, o.gid);
    /* where a file system has no such attributes there is nothing to commit either */
    (void)owner_write_path(self, o);
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
static int own(int fd, uint32_t uid, uint32_t gid)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (is_link(&st)) {
        come_home();
        return links_own(fd, uid, gid);
    }
    if (fchownat(fd, "", uid == SAME ? (uid_t)-1 : 0, gid == SAME ? (gid_t)-1 : 0, AT_EMPTY_PATH) <
        0)
        return -errno;
    return S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) ? own_by_attribute(fd, uid, gid) : 0;
}

/* "/proc/self/…", also behind a link such as /dev/stdout, means the caller's, not ours. */
static bool is_own_proc(const char *path)
{
    char to[PATH_MAX];
    ssize_t n = readlink(path, to, sizeof to - 1);
    to[n > 0 ? n : 0] = '\0';
    return str_starts(path, "/proc/self/") || str_starts(path, "/proc/thread-self/") ||
           str_starts(to, "/proc/self/");
}

static int chown_named(const struct name *n, uint32_t uid, uint32_t gid)
{
    bool follow = !(n->flags & AT_SYMLINK_NOFOLLOW);
    cleanup_fd int fd = open(n->path, O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW));
    if (fd >= 0)
        return own(fd, uid, gid);
    int saved = errno;
    return saved == ENOENT && is_own_proc(n->path) ? 0 : -saved;
}

int target_chown_fd(const struct caller *c, int fd, uint32_t uid, uint32_t gid)
{
    cleanup_fd int there = proc_open_fd(c, fd, 0);
    if (there < 0)
        return -errno;
    int r = own(there, uid, gid);
    come_home();
    return r;
}

int target_chown(const struct caller *c, const struct name *n, uint32_t uid, uint32_t gid)
{
    if (!*n->path && (n->flags & AT_EMPTY_PATH) && n->dirfd != AT_FDCWD)
        return target_chown_fd(c, n->dirfd, uid, gid);
    int r = stand_there(c, n);
    if (r == 0)
        r = chown_named(*n->path || !(n->flags & AT_EMPTY_PATH)
                            ? n
                            : &(struct name){.path = ".", .flags = n->flags},
                        uid, gid);
    come_home();
    return r;
}

/* ---- mknod ---- */

int target_mknod(const struct caller *c, const struct name *n, mode_t mode)
{
    int r = stand_there(c, n);
    mode_t before = umask(c->umask);
    if (r == 0 && mknod(n->path, S_IFREG | (mode & 07777), 0) < 0)
        r = -errno;
    umask(before);
    come_home();
    return r;
}

/* ---- what the kernel may copy up ---- */

void target_keep(const struct caller *c, const struct name *n)
{
    struct stat st;
    bool itself = !n->path;
    if (!itself && stand_there(c, n) < 0) {
        come_home();
        return;
    }
    bool follow = !(n->flags & AT_SYMLINK_NOFOLLOW);
    cleanup_fd int fd = itself ? proc_open_fd(c, n->dirfd, 0)
                               : open(n->path, O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW));
    come_home();
    if (fd >= 0 && fstat(fd, &st) == 0 && is_link(&st))
        links_keep(fd);
}
