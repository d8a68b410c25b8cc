#include "fill.h"

#include "disk/inside.h"
#include "disk/rmtree.h"
#include "plain/fdio.h"
#include "plain/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * The marker "fresh" beside _data says how far it is: empty, nothing was done; 'c', files are being
 * moved in, so that what is there is ours; 'o', it has its owner and waits for something to copy.
 */
#define MOVING 'c'
#define OWNED  'o'

/* The image's directory: links in it lead nowhere but into it. */
static int open_dest(const char *target, const char *dest)
{
    cleanup_fd int root = open(target, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return root < 0 ? -1 : inside_open_below(root, dest, O_RDONLY | O_DIRECTORY);
}

static bool is_empty(int dir)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *de;
    size_t n = 0;
    while (d && (de = readdir(d)))
        n += strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0;
    if (d)
        closedir(d);
    else if (fd >= 0)
        close(fd);
    return n == 0;
}

/* Two descriptors of ours, or -1, are the program's as well. */
static int run(char *const *line, int a, int b)
{
    pid_t pid = fork();
    if (pid == 0) {
        fd_cloexec(a, false);
        fd_cloexec(b, false);
        execvp(line[0], line);
        _exit(127);
    }
    int status = -1;
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

/*
 * A container that has the volume mounted already could put links in cp's way: it works beside
 * _data, where containers do not come, and what it made is moved in entry by entry. Descriptors are
 * all that the command names.
 */
static int copy(int volume, int from, int *ret_made)
{
    char source[48], dest[48];
    rmtree(volume, "filling");
    if (mkdirat(volume, "filling", 0700) < 0)
        return -1;
    *ret_made = openat(volume, "filling", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*ret_made < 0)
        return -1;
    snprintf(source, sizeof source, "/proc/self/fd/%d/.", from);
    snprintf(dest, sizeof dest, "/proc/self/fd/%d/", *ret_made);
    char *const line[] = {"cp", "-a", "--reflink=auto", source, dest, NULL};
    return run(line, from, *ret_made);
}

/* What is there already stays. */
static int move_in(int made, int data)
{
    int fd = openat(made, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *de;
    int res = d ? 0 : -1;
    while (res == 0 && (de = readdir(d)))
        if (strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0 &&
            syscall(SYS_renameat2, made, de->d_name, data, de->d_name, 1 /* no replacing */) < 0 &&
            errno != EEXIST)
            res = -1;
    if (d)
        closedir(d);
    return res;
}

static int mark(int marker, char state)
{
    return pwrite(marker, &state, 1, 0) == 1 ? 0 : -1;
}

static int own(int data, int from, char *const value[FILL_VALUES])
{
    struct stat st;
    if (!strchr(value[4], 'o') || from < 0)
        return fchown(data, (uid_t)atoll(value[2]), (gid_t)atoll(value[3]));
    if (fstat(from, &st) < 0 || fchown(data, st.st_uid, st.st_gid) < 0)
        return -1;
    const struct timespec times[] = {st.st_atim, st.st_mtim};
    return fchmod(data, st.st_mode & 07777) < 0 ? -1 : futimens(data, times);
}

/* Copying waits for a mount over something: "fresh" stays until then. */
static int fill(int volume, int marker, const char *target, char *const value[FILL_VALUES],
                struct err *e)
{
    char state = 0;
    cleanup_fd int data = openat(volume, "_data", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    cleanup_fd int from = open_dest(target, value[1]);
    if (data < 0 || pread(marker, &state, 1, 0) < 0)
        return err_sys(e, "cannot open volume \"%s\"", value[0]);
    bool pending = state == MOVING || is_empty(data);
    bool copies = pending && strchr(value[4], 'c') && from >= 0 && !is_empty(from);
    cleanup_fd int made = -1;
    if (copies && (copy(volume, from, &made) < 0 || mark(marker, MOVING) < 0 ||
                   move_in(made, data) < 0 || rmtree(volume, "filling") < 0))
        return err_set(e, 0, "cannot copy the image's \"%s\" into the volume on it", value[1]);
    if ((copies || state != OWNED) && own(data, from, value) < 0)
        return err_sys(e, "cannot give volume \"%s\" its owner", value[0]);
    if (pending && !copies)
        return mark(marker, OWNED) < 0 ? err_sys(e, "cannot use volume \"%s\"", value[0]) : 0;
    unlinkat(volume, "fresh", 0);
    return 0;
}

int own_tree(const char *dir, const char *uid, const char *gid, struct err *e)
{
    struct stat st;
    cleanup_free char *owner = xasprintf("%s:%s", uid, gid);
    if (stat(dir, &st) == 0 && st.st_uid == (uid_t)atoll(uid) && st.st_gid == (gid_t)atoll(gid))
        return 0;
    if (lstat(dir, &st) == 0 && !S_ISDIR(st.st_mode)) /* there is one name to it, and no way in */
        return fchownat(AT_FDCWD, dir, (uid_t)atoll(uid), (gid_t)atoll(gid), AT_SYMLINK_NOFOLLOW) <
                       0
                   ? err_sys(e, "cannot give \"%s\" to user %s", dir, owner)
                   : 0;
    char *const line[] = {"chown", "-hR", "--", owner, (char *)dir, NULL};
    return run(line, -1, -1) < 0 ? err_set(e, 0, "cannot give \"%s\" to user %s", dir, owner) : 0;
}

int fill_volume(const char *target, char *const value[FILL_VALUES], struct err *e)
{
    struct stat st;
    cleanup_fd int volume = open(value[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_fd int marker =
        volume < 0 ? -1 : openat(volume, "fresh", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (marker < 0)
        return volume < 0 ? err_sys(e, "cannot open volume \"%s\"", value[0]) : 0;
    if (flock(marker, LOCK_EX) < 0 || fstat(marker, &st) < 0)
        return err_sys(e, "cannot lock volume \"%s\"", value[0]);
    return st.st_nlink ? fill(volume, marker, target, value, e) : 0; /* another was faster */
}
