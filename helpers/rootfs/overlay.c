#include "overlay.h"

#include "plain/buf.h"
#include "plain/fdio.h"
#include "plain/str.h"
#include "words/reasons.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FUSE_WAIT_MS 10000

static char *options_of(const struct overlay *o)
{
    struct buf b = BUF_INIT;
    buf_addf(&b, "lowerdir=%s", o->lower);
    if (o->upper)
        buf_addf(&b, ",upperdir=%s,workdir=%s", o->upper, o->work);
    return buf_take(&b);
}

/*
 * What the last mount has left in its work directory the kernel would remove first, while somebody
 * waits, and on some disks waits for the block to be discarded: the monitor does that later.
 */
static void put_work_aside(const struct overlay *o)
{
    cleanup_free char *from = xasprintf("%s/work", o->work), *to = xasprintf("%s/old", o->work);
    (void)rename(from, to);
}

/* Layers are named relative to base (l/ID), so that hundreds of them fit into one page. */
static int mount_native(const struct overlay *o)
{
    if (o->upper)
        put_work_aside(o);
    cleanup_free char *common = options_of(o);
    cleanup_free char *options =
        xasprintf("%s,userxattr%s", common, o->is_volatile && o->upper ? ",volatile" : "");
    return mount("overlay", o->target, "overlay", 0, options);
}

static bool is_fuse(const char *path, dev_t before)
{
    struct stat st;
    return stat(path, &st) == 0 && st.st_dev != before;
}

/*
 * fuse-overlayfs in the foreground, as a child that outlives us: our parent (the monitor) is the
 * subreaper and reaps it. It ends by itself once the filesystem is mounted nowhere: finish_fuse()
 * takes the mount out of this namespace as soon as the container's own namespace has its copy.
 */
static int mount_fuse(const struct overlay *o, int kernel_errno, struct err *e)
{
    cleanup_free char *common = options_of(o);
    cleanup_free char *options =
        o->map_ids ? xasprintf("%s,%s", common, o->map_ids) : xstrdup(common);
    struct stat st;
    if (stat(o->target, &st) < 0)
        return err_sys(e, "cannot find \"%s\"", o->target);
    pid_t pid = fork();
    if (pid < 0)
        return err_sys(e, "cannot fork");
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);
        for (int fd = 0; fd < 3; fd++)
            dup2(null, fd);
        fd_close_from(3, NULL, 0);
        setsid();
        execlp("fuse-overlayfs", "fuse-overlayfs", "-f", "-o", options, o->target, (char *)NULL);
        _exit(errno == ENOENT ? 127 : 126);
    }
    for (int ms = 0; ms < FUSE_WAIT_MS; ms += 2) {
        int status;
        if (is_fuse(o->target, st.st_dev))
            return 0;
        if (waitpid(pid, &status, WNOHANG) == pid) {
            const char *why = reason_no_fuse();
            return reason_overlay(kernel_errno, why ? why : "failed", e);
        }
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
    kill(pid, SIGKILL);
    return reason_overlay(kernel_errno, "did not mount in time", e);
}

int overlay_mount(struct overlay *o, struct err *e)
{
    const char *forced = getenv("POD_ROOTFS");
    cleanup_fd int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int kernel_errno = 0;
    o->fuse = o->fuse || o->map_ids || (forced && strcmp(forced, "fuse") == 0);
    if (o->base && chdir(o->base) < 0)
        return err_sys(e, "cannot enter \"%s\"", o->base);
    if (!o->fuse && mount_native(o) < 0) {
        kernel_errno = errno;
        if (kernel_errno == ENOENT || kernel_errno == ENOSPC || kernel_errno == ELOOP)
            return err_sys(e, "cannot mount the root filesystem on \"%s\"", o->target);
        o->fuse = true;
    }
    if (o->fuse && mount_fuse(o, kernel_errno, e) < 0)
        return -1;
    if (here >= 0 && fchdir(here) < 0)
        return err_sys(e, "cannot return to the working directory");
    return 0;
}
