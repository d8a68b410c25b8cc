/* The user's namespace and what is mounted in it. */
#include "things/needs.h"

#include "disk/at.h"
#include "disk/rmtree.h"
#include "plain/buf.h"
#include "plain/fdio.h"
#include "plain/str.h"
#include "words/reasons.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

/* ---- user namespace ---- */

static bool write_file(const char *path, const char *text)
{
    cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd >= 0 && fd_write_all(fd, text, strlen(text)) == 0;
}

/* uid 0 of a namespace with this one id, and a mount namespace; in a child. 0 or its exit code. */
static int become_root_alone(void)
{
    char map[32];
    unsigned uid = geteuid(), gid = getegid();
    if (unshare(CLONE_NEWUSER) < 0)
        return errno;
    snprintf(map, sizeof map, "0 %u 1", uid);
    if (!write_file("/proc/self/uid_map", map))
        return REASON_NO_RIGHTS;
    snprintf(map, sizeof map, "0 %u 1", gid);
    if (!write_file("/proc/self/setgroups", "deny") || !write_file("/proc/self/gid_map", map) ||
        unshare(CLONE_NEWNS) < 0)
        return REASON_NO_RIGHTS;
    return 0;
}

static int in_child(int (*fn)(const char *), const char *arg)
{
    int status;
    pid_t pid = fork();
    if (pid < 0)
        return errno;
    if (pid == 0)
        _exit(fn(arg));
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return errno;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
}

static int try_userns(const char *unused)
{
    (void)unused;
    return become_root_alone();
}

int needs_userns(struct err *e)
{
    int code = geteuid() == 0 ? 0 : in_child(try_userns, NULL);
    if (code == 0)
        return 0;
    return reason_userns(code, e);
}

int needs_subids(struct err *e)
{
    static const char *const kinds[] = {"uid", "gid"};
    for (int i = 0; i < 2 && geteuid() != 0; i++)
        if (reason_count_subids(kinds[i]) == 0)
            return reason_subids(kinds[i], e);
    return 0;
}

int needs_newuidmap(struct err *e)
{
    return geteuid() == 0 ||
                   (reason_mapper("newuidmap", e) == 0 && reason_mapper("newgidmap", e) == 0)
               ? 0
               : -1;
}

/* ---- overlay ---- */

/* In the child: an overlay over four fresh directories of the current one. */
static int mount_here(void)
{
    static const char *const dirs[] = {"l", "u", "w", "m"};
    for (int i = 0; i < 4; i++)
        if (mkdir(dirs[i], 0700) < 0)
            return errno;
    if (mount("overlay", "m", "overlay", 0, "lowerdir=l,upperdir=u,workdir=w,userxattr") < 0)
        return errno;
    /* the work directory's modes and whiteouts show here whether the upper side is able */
    return mkdir("m/d", 0700) < 0 || rmdir("m/d") < 0 ? errno : 0;
}

static int try_overlay(const char *dir)
{
    int code = geteuid() == 0 ? (unshare(CLONE_NEWNS) < 0 ? errno : 0) : become_root_alone();
    if (code != 0)
        return code;
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return errno;
    if (!dir && mount("tmpfs", "/tmp", "tmpfs", 0, NULL) < 0)
        return errno;
    return chdir(dir ? dir : "/tmp") < 0 ? errno : mount_here();
}

static int native_overlay(const char *dir)
{
    if (!dir)
        return in_child(try_overlay, NULL);
    cleanup_free char *path = xasprintf("%s/.pod-doctor-XXXXXX", dir);
    if (!mkdtemp(path))
        return errno;
    int code = in_child(try_overlay, path);
    rmtree(AT_FDCWD, path);
    return code;
}

int needs_overlay(const char *dir, bool *ret_native, struct err *e)
{
    int code = native_overlay(dir);
    const char *no_fuse = code ? reason_no_fuse() : NULL;
    if (no_fuse)
        return reason_overlay(code == REASON_NO_RIGHTS ? EPERM : code, no_fuse, e);
    if (ret_native)
        *ret_native = code == 0;
    return 0;
}
