/*
 * Paths of the container, resolved by the kernel as if its root were /. Nothing in an image or a
 * shared volume (links that point out, links exchanged at the right moment) leads outside.
 */
#include "rt.h"

#include "plain/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_LINKS 40

struct fdpath fd_path(int fd)
{
    struct fdpath p;
    snprintf(p.s, sizeof p.s, "/proc/self/fd/%d", fd);
    return p;
}

static int resolve(int rootfd, const char *path, uint64_t how_to)
{
    struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = how_to};
    path += strspn(path, "/");
    return (int)syscall(SYS_openat2, rootfd, *path ? path : ".", &how, sizeof how);
}

int path_in_root(int rootfd, const char *path)
{
    int fd = -1;
    /* EAGAIN: something was renamed on the way, and the kernel could not rule out an escape */
    for (int i = 0; i < 100; i++) {
        fd = resolve(rootfd, path, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
        if (fd >= 0 || errno != EAGAIN)
            break;
    }
    return fd;
}

static int make_missing(int rootfd, const char *path, bool dir, int links);

/* A link that points to nothing: what it points to is made instead. */
static int make_target(int rootfd, int parent, const char *name, const char *above, bool dir,
                       int links)
{
    char target[PATH_MAX];
    ssize_t n = readlinkat(parent, name, target, sizeof target - 1);
    if (n < 0)
        return -1;
    if (links >= MAX_LINKS) {
        errno = ELOOP;
        return -1;
    }
    target[n] = '\0';
    if (target[0] == '/')
        return make_missing(rootfd, target, dir, links + 1);
    cleanup_free char *path = xasprintf("%s/%s", above, target);
    return make_missing(rootfd, path, dir, links + 1);
}

/* 0, or 1 when a dangling link is in the way */
static int make_one(int parent, const char *name, bool dir)
{
    struct stat st;
    if (dir && mkdirat(parent, name, 0755) == 0)
        return 0;
    if (!dir) {
        cleanup_fd int f =
            openat(parent, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0644);
        if (f >= 0)
            return 0;
    }
    if (errno != EEXIST || fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -1;
    return S_ISLNK(st.st_mode);
}

/*
 * Makes path, and what is missing above it first: each parent is resolved inside the root by the
 * kernel, then the new name is made in that directory and nowhere else.
 */
static int make_missing(int rootfd, const char *path, bool dir, int links)
{
    cleanup_free char *copy = xstrdup(path + strspn(path, "/"));
    for (size_t n = strlen(copy); n > 0 && copy[n - 1] == '/';)
        copy[--n] = '\0';
    char *slash = strrchr(copy, '/');
    if (slash)
        *slash = '\0';
    const char *above = slash ? copy : "", *name = slash ? slash + 1 : copy;
    int fd = path_in_root(rootfd, above);
    if (fd < 0 && errno == ENOENT && *above && make_missing(rootfd, above, true, links) == 0)
        fd = path_in_root(rootfd, above);
    cleanup_fd int parent = fd;
    int r = parent < 0 ? -1 : *name ? make_one(parent, name, dir) : 0;
    return r > 0 ? make_target(rootfd, parent, name, above, dir, links) : r;
}

int open_in_root(int rootfd, const char *dest, bool want_dir, struct err *e)
{
    dest += strspn(dest, "/");
    int fd = path_in_root(rootfd, dest);
    if (fd < 0 && errno == ENOENT && make_missing(rootfd, dest, want_dir, 0) == 0)
        fd = path_in_root(rootfd, dest);
    if (fd < 0)
        return err_sys(e, "cannot make mount point \"/%s\" in the container", dest);
    return fd;
}

int open_no_links(int rootfd, const char *dest, struct err *e)
{
    cleanup_fd int any = open_in_root(rootfd, dest, true, e);
    if (any < 0)
        return -1;
    int fd = resolve(rootfd, dest, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
    return fd >= 0
               ? fd
               : err_set(e, 0, "\"%s\" in the container must be a directory and not a link", dest);
}
