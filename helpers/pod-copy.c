/*
 * pod-copy: finds a place in a container's tree, for programs that read or write there.
 *
 *   pod-copy (--pid PID | --root DIR [--bind SOURCE DEST ro|rw]...) stat PATH
 *   pod-copy (…) enter PATH -- COMMAND [ARG...]
 *
 * With --pid it is the tree that process sees, all its mounts included; with --root the root
 * filesystem of a container that does not run, and what --bind names is mounted in it, in the
 * namespace that pod-rootfs made. Paths are resolved by the kernel with that root: links, absolute
 * ones and `..` too, lead nowhere out of it, whatever changes meanwhile.
 *
 * stat answers on descriptor 3 «KIND PATH»: d a directory, f anything else, n nothing yet, x not
 * even the directory it would lie in; PATH is where a link at the end leads, and never ends in
 * `..`. enter starts COMMAND with the first {} in it replaced by a path to the directory PATH, and
 * {root} before it by one to the root, descriptors of its own; names that follow may be anything.
 *
 * Runs as uid 0 of the user's namespace.
 */
#include "disk/inside.h"
#include "disk/report.h"
#include "plain/buf.h"
#include "plain/err.h"
#include "plain/fdio.h"
#include "plain/mountcalls.h"
#include "plain/str.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LINKS_MAX 40
#define FD_FIRST  10 /* what is opened lies above what the command expects */

static int open_in(int root, const char *path, int flags)
{
    int fd = inside_open_below(root, path, flags);
    return fd < 0 ? -1 : fd_move_up(fd, FD_FIRST);
}

/* path without its last name, which *ret_base points to; "" where that is not a name. */
static char *split(const char *path, const char **ret_base)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    if (strcmp(base, ".") == 0 || strcmp(base, "..") == 0)
        base = "";
    *ret_base = base;
    return *base ? xstrndup(path, (size_t)(base - path)) : xstrdup(path);
}

/* ---- mounts of a container that does not run ---- */

/* mkdir -p below root, as the runtime would do it. */
static int make_dirs(int root, const char *path)
{
    for (const char *end = strchrnul(path + 1, '/');; end = strchrnul(end + 1, '/')) {
        const char *base;
        cleanup_free char *one = xstrndup(path, (size_t)(end - path));
        cleanup_free char *dir = split(one, &base);
        cleanup_fd int parent = open_in(root, dir, O_PATH | O_DIRECTORY);
        if (parent < 0 || (*base && mkdirat(parent, base, 0755) < 0 && errno != EEXIST))
            return -1;
        if (!*end)
            return 0;
    }
}

static int bind(int root, char *const words[3], struct err *e)
{
    char at[64];
    struct mount_attr ro = {.attr_set = MOUNT_ATTR_RDONLY};
    struct stat st;
    if (stat(words[0], &st) < 0)
        return 0; /* as good as empty */
    if (S_ISDIR(st.st_mode) && make_dirs(root, words[1]) < 0 && errno != EROFS)
        return err_sys(e, "cannot make \"%s\" in the container", words[1]);
    cleanup_fd int fd = open_in(root, words[1], O_PATH);
    if (fd < 0)
        return 0;
    snprintf(at, sizeof at, "/proc/self/fd/%d", fd);
    if (mount(words[0], at, NULL, MS_BIND | MS_REC, NULL) < 0)
        return err_sys(e, "cannot mount \"%s\" on \"%s\"", words[0], words[1]);
    cleanup_fd int top = open_in(root, words[1], O_PATH);
    if (strcmp(words[2], "ro") == 0 && top >= 0 && tree_setattr(top, &ro, AT_RECURSIVE) < 0)
        return err_sys(e, "cannot make \"%s\" read-only", words[1]);
    return 0;
}

/* ---- places ---- */

/* Follows a link at the end of *path by putting its target there: 1; 0: there is none. */
static int follow(int parent, const char *dir, const char *base, char **path)
{
    char target[PATH_MAX];
    ssize_t n = readlinkat(parent, base, target, sizeof target - 1);
    if (n <= 0)
        return 0;
    while (n > 1 && target[n - 1] == '/')
        n--;
    target[n] = '\0';
    char *next = xasprintf("%s%s", target[0] == '/' ? "" : dir, target);
    free(*path);
    *path = next;
    return 1;
}

/* The kind of what *path names, and *path where links at its end lead. */
static char settle(int root, char **path)
{
    for (int i = 0; i < LINKS_MAX; i++) {
        const char *base;
        struct stat st;
        cleanup_free char *dir = split(*path, &base);
        cleanup_fd int parent = open_in(root, *dir ? dir : "/", O_PATH | O_DIRECTORY);
        if (parent < 0)
            return 'x';
        if (!*base) {
            char *whole = xasprintf("%s%s.", *path, str_ends(*path, "/") ? "" : "/");
            free(*path);
            *path = whole;
            return 'd';
        }
        if (fstatat(parent, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
            return 'n';
        if (!S_ISLNK(st.st_mode))
            return S_ISDIR(st.st_mode) ? 'd' : 'f';
        if (!follow(parent, dir, base, path))
            return 'x';
    }
    return 'x';
}

static void answer(int root, const char *path)
{
    char *place = xstrdup(path);
    char kind = settle(root, &place);
    cleanup_free char *text = xasprintf("%c %s", kind, place);
    report_ok(text);
    free(place);
}

static int enter(int root, const char *path, char **command, struct err *e)
{
    int dir = open_in(root, path, O_RDONLY | O_DIRECTORY);
    if (dir < 0)
        return err_sys(e, "cannot open \"%s\" in the container", path);
    cleanup_free char *name = xasprintf("/proc/self/fd/%d", dir);
    cleanup_free char *top = xasprintf("/proc/self/fd/%d", root);
    char **word = command;
    for (; *word && strcmp(*word, "{}") != 0; word++)
        if (strcmp(*word, "{root}") == 0)
            *word = top;
    if (*word)
        *word = name;
    fd_cloexec(dir, false);
    fd_cloexec(root, false);
    execv(command[0], command);
    return err_sys(e, "cannot run \"%s\"", command[0]);
}

/* ---- command line ---- */

static int open_root(char ***argv, struct err *e)
{
    char **a = *argv;
    cleanup_free char *path = NULL;
    if (*a && a[1] && strcmp(*a, "--pid") == 0)
        path = xasprintf("/proc/%s/root", a[1]);
    else if (*a && a[1] && strcmp(*a, "--root") == 0)
        path = xstrdup(a[1]);
    else
        return err_set(e, 0, "pod-copy needs --pid or --root");
    int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return err_sys(e, "cannot open the container's files at \"%s\"", path);
    root = fd_move_up(root, FD_FIRST);
    for (a += 2; *a && strcmp(*a, "--bind") == 0; a += 4)
        if (!a[1] || !a[2] || !a[3] || bind(root, a + 1, e) < 0)
            return e->msg[0] ? -1 : err_set(e, 0, "--bind has three values");
    *argv = a;
    return root;
}

static int run(char **argv, struct err *e)
{
    int root = open_root(&argv, e);
    if (root < 0)
        return -1;
    if (argv[0] && argv[1] && strcmp(argv[0], "stat") == 0 && !argv[2]) {
        answer(root, argv[1]);
        return 0;
    }
    if (argv[0] && argv[1] && argv[2] && argv[3] && strcmp(argv[0], "enter") == 0)
        return enter(root, argv[1], argv + 3, e);
    return err_set(e, 0, "usage: pod-copy (--pid PID | --root DIR) stat|enter PATH");
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    if (argc > 1 && run(argv + 1, &e) == 0)
        return 0;
    report_err(&e);
    fprintf(stderr, "Error: %s\n", e.msg);
    return 125;
}
