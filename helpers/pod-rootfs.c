/*
 * pod-rootfs: a mount namespace of its own with a container's root filesystem in it, then exec.
 *
 *   pod-rootfs [--enter] [--target DIR] [--base DIR --lower l/A:l/B] [--upper DIR --work DIR]
 *              [--volatile] [--fuse] [--map-ids SPEC] [--shm-of PID --shm DIR] [--seal]
 *              [--fill VOLUME DEST UID GID HOW]... [--own DIR UID GID]... -- COMMAND [ARG...]
 *
 * Runs as uid 0 of the user's namespace, or with --enter becomes that first. The mount lives in the
 * new namespace only: when the last process that uses it goes, it goes, and there is nothing to
 * unmount and nothing to leak. Native overlay first; fuse-overlayfs where the kernel refuses, or
 * with --fuse (or the environment POD_ROOTFS=fuse). With --map-ids (fuse-overlayfs' uidmapping= and
 * gidmapping= values, joined by a comma) ids are mapped on the fly instead of copying the image.
 * With --shm-of the /dev/shm of process PID, another container's, is on DIR as well. With --seal
 * the directory of COMMAND is read-only in the new namespace: a container that gets hold of the
 * runtime through /proc/self/exe cannot write to it, though it belongs to the same user. --fill is
 * for volumes that have had no container yet, --own for mounts with option U (rootfs/fill.h).
 */
#include "fail.h"

#include "disk/report.h"
#include "disk/roots.h"
#include "plain/buf.h"
#include "plain/fdio.h"
#include "plain/str.h"
#include "rootfs/fill.h"
#include "rootfs/mtab.h"
#include "rootfs/shm.h"
#include "words/reasons.h"
#include "words/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FUSE_SUPER_MAGIC 0x65735546
#define FUSE_WAIT_MS     10000
#define OWN_VALUES       3

struct rootfs {
    const char *target, *base, *lower, *upper, *work, *map_ids, *shm_of, *shm;
    bool enter, is_volatile, fuse, seal;
    struct args {
        char ***v;
        size_t n;
    } fill, own; /* FILL_VALUES and OWN_VALUES each */
    char **command;
};

static int usage(struct err *e)
{
    return err_set(
        e, 0,
        "usage: pod-rootfs [--enter] [--target DIR] [--base DIR --lower LIST] [--upper DIR "
        "--work DIR] [--volatile] [--fuse] [--map-ids SPEC] [--shm-of PID --shm DIR] "
        "[--seal] [--fill VOLUME DEST UID GID HOW] [--own DIR UID GID] -- COMMAND");
}

static bool take(char ***argv, struct args *a, size_t values)
{
    for (size_t i = 1; i <= values; i++)
        if (!(*argv)[i])
            return false;
    a->v = xrealloc(a->v, (a->n + 1) * sizeof *a->v);
    a->v[a->n++] = *argv + 1;
    *argv += values;
    return true;
}

static int parse(char **argv, struct rootfs *r, struct err *e)
{
    const struct {
        const char *name;
        const char **at;
    } values[] = {{"--target", &r->target}, {"--base", &r->base}, {"--lower", &r->lower},
                  {"--upper", &r->upper},   {"--work", &r->work}, {"--map-ids", &r->map_ids},
                  {"--shm-of", &r->shm_of}, {"--shm", &r->shm}};
    for (argv++; *argv && strcmp(*argv, "--") != 0; argv++) {
        size_t i, n = sizeof values / sizeof *values;
        for (i = 0; i < n && strcmp(*argv, values[i].name) != 0; i++)
            ;
        if (i < n && argv[1])
            *values[i].at = *++argv;
        else if (strcmp(*argv, "--enter") == 0)
            r->enter = true;
        else if (strcmp(*argv, "--volatile") == 0)
            r->is_volatile = true;
        else if (strcmp(*argv, "--fuse") == 0)
            r->fuse = true;
        else if (strcmp(*argv, "--seal") == 0)
            r->seal = true;
        else if (strcmp(*argv, "--fill") == 0 && take(&argv, &r->fill, FILL_VALUES))
            continue;
        else if (strcmp(*argv, "--own") == 0 && take(&argv, &r->own, OWN_VALUES))
            continue;
        else
            return usage(e);
    }
    if (!*argv || !argv[1] || (r->lower && !r->target) || (r->shm_of && !r->shm))
        return usage(e);
    r->command = argv + 1;
    return 0;
}

static char *overlay_options(const struct rootfs *r)
{
    struct buf b = BUF_INIT;
    buf_addf(&b, "lowerdir=%s", r->lower);
    if (r->upper)
        buf_addf(&b, ",upperdir=%s,workdir=%s", r->upper, r->work);
    return buf_take(&b);
}

/*
 * What the last mount has left in its work directory the kernel would remove first, while somebody
 * waits, and on some disks waits for the block to be discarded: the monitor does that later.
 */
static void put_work_aside(const struct rootfs *r)
{
    cleanup_free char *from = xasprintf("%s/work", r->work), *to = xasprintf("%s/old", r->work);
    (void)rename(from, to);
}

/* Layers are named relative to base (l/ID), so that hundreds of them fit into one page. */
static int mount_native(const struct rootfs *r)
{
    if (r->upper)
        put_work_aside(r);
    cleanup_free char *common = overlay_options(r);
    cleanup_free char *options =
        xasprintf("%s,userxattr%s", common, r->is_volatile && r->upper ? ",volatile" : "");
    return mount("overlay", r->target, "overlay", 0, options);
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
static int mount_fuse(const struct rootfs *r, int kernel_errno, struct err *e)
{
    cleanup_free char *common = overlay_options(r);
    cleanup_free char *options =
        r->map_ids ? xasprintf("%s,%s", common, r->map_ids) : xstrdup(common);
    struct stat st;
    if (stat(r->target, &st) < 0)
        return err_sys(e, "cannot find \"%s\"", r->target);
    pid_t pid = fork();
    if (pid < 0)
        return err_sys(e, "cannot fork");
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);
        for (int fd = 0; fd < 3; fd++)
            dup2(null, fd);
        fd_close_from(3, NULL, 0);
        setsid();
        execlp("fuse-overlayfs", "fuse-overlayfs", "-f", "-o", options, r->target, (char *)NULL);
        _exit(errno == ENOENT ? 127 : 126);
    }
    for (int ms = 0; ms < FUSE_WAIT_MS; ms += 2) {
        int status;
        if (is_fuse(r->target, st.st_dev))
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

/* COMMAND as a child, then the mount leaves this namespace. Exit code is COMMAND's. */
static int finish_fuse(const struct rootfs *r)
{
    pid_t pid = fork();
    if (pid == 0) {
        execvp(r->command[0], r->command);
        _exit(errno == ENOENT ? 127 : 126);
    }
    close(REPORT_FD); /* the command's alone: its end of file must mean its end */
    int status = 0;
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    umount2(r->target, MNT_DETACH);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int seal(const struct rootfs *r, struct err *e)
{
    const char *command = r->command[0], *slash = strrchr(command, '/');
    if (!r->seal || command[0] != '/')
        return 0;
    cleanup_free char *dir = xstrndup(command, (size_t)(slash - command));
    if (mount(dir, dir, NULL, MS_BIND, NULL) < 0 ||
        (mount(NULL, dir, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) < 0 &&
         mount(NULL, dir, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) < 0))
        return err_sys(e, "cannot protect \"%s\"", dir);
    return 0;
}

static int enter_namespaces(const struct rootfs *r, struct err *e)
{
    cleanup_free char *run = NULL;
    if (r->enter && (roots_run_path(&run, e) < 0 || userns_enter(run, e) < 0))
        return -1;
    if (unshare(CLONE_NEWNS) < 0)
        return err_sys(e, "cannot make a mount namespace");
    if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
        return err_sys(e, "cannot make mounts private");
    return 0;
}

static int fill_all(const struct rootfs *r, struct err *e)
{
    for (size_t i = 0; i < r->fill.n; i++)
        if (fill_volume(r->target, r->fill.v[i], e) < 0)
            return -1;
    for (size_t i = 0; i < r->own.n; i++)
        if (own_tree(r->own.v[i][0], r->own.v[i][1], r->own.v[i][2], e) < 0)
            return -1;
    if (r->upper) /* the last: no volume begins with it */
        mtab_link(r->target);
    return 0;
}

static int mount_root(struct rootfs *r, struct err *e)
{
    const char *forced = getenv("POD_ROOTFS");
    cleanup_fd int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int kernel_errno = 0;
    r->fuse = r->fuse || r->map_ids || (forced && strcmp(forced, "fuse") == 0);
    if (r->base && chdir(r->base) < 0)
        return err_sys(e, "cannot enter \"%s\"", r->base);
    if (!r->fuse && mount_native(r) < 0) {
        kernel_errno = errno;
        if (kernel_errno == ENOENT || kernel_errno == ENOSPC || kernel_errno == ELOOP)
            return err_sys(e, "cannot mount the root filesystem on \"%s\"", r->target);
        r->fuse = true;
    }
    if (r->fuse && mount_fuse(r, kernel_errno, e) < 0)
        return -1;
    if (here >= 0 && fchdir(here) < 0)
        return err_sys(e, "cannot return to the working directory");
    return 0;
}

int main(int argc, char **argv)
{
    (void)argc;
    struct err e = ERR_INIT;
    struct rootfs r = {0};
    if (parse(argv, &r, &e) < 0 || enter_namespaces(&r, &e) < 0 ||
        (r.shm_of && shm_join(r.shm_of, r.shm, &e) < 0) || (r.lower && mount_root(&r, &e) < 0) ||
        fill_all(&r, &e) < 0 || seal(&r, &e) < 0)
        return helper_fail(&e);
    if (r.lower && r.fuse)
        return finish_fuse(&r);
    execvp(r.command[0], r.command);
    bool missing = errno == ENOENT;
    if (missing && !strchr(r.command[0], '/'))
        err_set(&e, 127, "exec: \"%s\": executable file not found in $PATH", r.command[0]);
    else
        err_sys(&e, "cannot run \"%s\"", r.command[0]);
    e.code = missing ? 127 : 126;
    return helper_fail(&e);
}
