/*
 * pod-rootfs: a mount namespace of its own with a container's root filesystem in it, then exec.
 *
 *   pod-rootfs [--enter] [--target DIR] [--base DIR --lower l/A:l/B] [--upper DIR --work DIR]
 *              [--volatile] [--fuse] [--map-ids SPEC] [--shm-of PID --shm DIR] [--seal]
 *              [--preserve-fds N --preserve-at FD]
 *              [--fill VOLUME DEST UID GID HOW]... [--own DIR UID GID]... -- COMMAND [ARG...]
 *
 * Runs as uid 0 of the user's namespace, or with --enter becomes that first. The mount lives in the
 * new namespace only: when the last process that uses it goes, it goes, and there is nothing to
 * unmount and nothing to leak. Native overlay first; fuse-overlayfs where the kernel refuses, or
 * with --fuse (or the environment POD_ROOTFS=fuse). With --map-ids (fuse-overlayfs' uidmapping= and
 * gidmapping= values, joined by a comma) ids are mapped on the fly instead of copying the image.
 * With --shm-of the /dev/shm of process PID, another container's, is on DIR as well. With --seal
 * the directory of COMMAND is read-only in the new namespace: a container that gets hold of the
 * runtime through /proc/self/exe cannot write to it, though it belongs to the same user. With
 * --preserve-fds COMMAND has N descriptors from FD up as its 3, 4, …, and no report. --fill is
 * for volumes that have had no container yet, --own for mounts with option U (rootfs/fill.h).
 */
#include "fail.h"

#include "disk/report.h"
#include "disk/roots.h"
#include "plain/fdio.h"
#include "plain/str.h"
#include "rootfs/fill.h"
#include "rootfs/mtab.h"
#include "rootfs/overlay.h"
#include "rootfs/shm.h"
#include "words/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#define OWN_VALUES 3

struct rootfs {
    struct overlay root; /* where it has a lower */
    const char *shm_of, *shm;
    const char *preserve, *preserve_at; /* NULL: none */
    bool enter, seal;
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
        "[--seal] [--preserve-fds N --preserve-at FD] [--fill VOLUME DEST UID GID HOW] [--own DIR "
        "UID GID] -- COMMAND");
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
    } values[] = {{"--target", &r->root.target},    {"--base", &r->root.base},
                  {"--lower", &r->root.lower},      {"--upper", &r->root.upper},
                  {"--work", &r->root.work},        {"--map-ids", &r->root.map_ids},
                  {"--shm-of", &r->shm_of},         {"--shm", &r->shm},
                  {"--preserve-fds", &r->preserve}, {"--preserve-at", &r->preserve_at}};
    for (argv++; *argv && strcmp(*argv, "--") != 0; argv++) {
        size_t i, n = sizeof values / sizeof *values;
        for (i = 0; i < n && strcmp(*argv, values[i].name) != 0; i++)
            ;
        if (i < n && argv[1])
            *values[i].at = *++argv;
        else if (strcmp(*argv, "--enter") == 0)
            r->enter = true;
        else if (strcmp(*argv, "--volatile") == 0)
            r->root.is_volatile = true;
        else if (strcmp(*argv, "--fuse") == 0)
            r->root.fuse = true;
        else if (strcmp(*argv, "--seal") == 0)
            r->seal = true;
        else if (strcmp(*argv, "--fill") == 0 && take(&argv, &r->fill, FILL_VALUES))
            continue;
        else if (strcmp(*argv, "--own") == 0 && take(&argv, &r->own, OWN_VALUES))
            continue;
        else
            return usage(e);
    }
    if (!*argv || !argv[1] || (r->root.lower && !r->root.target) || (r->shm_of && !r->shm) ||
        (r->preserve && !r->preserve_at))
        return usage(e);
    r->command = argv + 1;
    return 0;
}

/* Returns when it cannot, and can say so still. */
static void become_command(const struct rootfs *r)
{
    int n = r->preserve ? atoi(r->preserve) : 0, at = n ? atoi(r->preserve_at) : 0;
    int report = n ? fcntl(REPORT_FD, F_DUPFD_CLOEXEC, at + n) : -1;
    int null = n ? fd_move_up(open("/dev/null", O_RDWR | O_CLOEXEC), at + n) : -1;
    for (int i = 0; i < n; i++) { /* a restart has none: nothing else must be there */
        if (dup2(at + i, 3 + i) < 0)
            dup2(null, 3 + i);
        close(at + i);
    }
    execvp(r->command[0], r->command);
    int saved = errno;
    if (report >= 0)
        dup2(report, REPORT_FD);
    errno = saved;
}

/* COMMAND as a child, then the mount leaves this namespace. Exit code is COMMAND's. */
static int finish_fuse(const struct rootfs *r)
{
    pid_t pid = fork();
    if (pid == 0) {
        become_command(r);
        _exit(errno == ENOENT ? 127 : 126);
    }
    close(REPORT_FD); /* the command's alone: its end of file must mean its end */
    int status = 0;
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    umount2(r->root.target, MNT_DETACH);
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
        if (fill_volume(r->root.target, r->fill.v[i], e) < 0)
            return -1;
    for (size_t i = 0; i < r->own.n; i++)
        if (own_tree(r->own.v[i][0], r->own.v[i][1], r->own.v[i][2], e) < 0)
            return -1;
    if (r->root.upper) /* the last: no volume begins with it */
        mtab_link(r->root.target);
    return 0;
}

int main(int argc, char **argv)
{
    (void)argc;
    struct err e = ERR_INIT;
    struct rootfs r = {0};
    if (parse(argv, &r, &e) < 0 || enter_namespaces(&r, &e) < 0 ||
        (r.shm_of && shm_join(r.shm_of, r.shm, &e) < 0) ||
        (r.root.lower && overlay_mount(&r.root, &e) < 0) || fill_all(&r, &e) < 0 ||
        seal(&r, &e) < 0)
        return helper_fail(&e);
    if (r.root.lower && r.root.fuse)
        return finish_fuse(&r);
    become_command(&r);
    bool missing = errno == ENOENT;
    if (missing && !strchr(r.command[0], '/'))
        err_set(&e, 127, "exec: \"%s\": executable file not found in $PATH", r.command[0]);
    else
        err_sys(&e, "cannot run \"%s\"", r.command[0]);
    e.code = missing ? 127 : 126;
    return helper_fail(&e);
}
