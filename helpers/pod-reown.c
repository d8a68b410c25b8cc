/*
 * pod-reown DIR...: gives the files below each DIR to whom single-id mode has remembered as their
 * owners (disk/owner.h, disk/owners.h), once there are ids for that. What is in DIR are layers,
 * containers or volumes.
 *
 * Runs as uid 0 of the user's namespace, while no container does. Started anew after it was ended
 * in the middle, it goes on: what is remembered of a file goes last.
 */
#include "disk/owners.h"
#include "disk/report.h"
#include "plain/err.h"
#include "plain/fdio.h"
#include "plain/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define DIRS_OPEN  64
#define CAPABILITY "security.capability"
#define CAPS_MAX   64
#define REST       OWNERS_FILE ".rest"

/* Of the layer, container or volume that is walked through. */
static struct owners beside;
static int entry = -1, rest = -1; /* its directory; those who stay remembered */

/* A change of owner takes set-id bits and capabilities away: they are put back. */
static int give(int fd, const struct stat *st, const struct owner *o)
{
    char caps[CAPS_MAX];
    ssize_t n = S_ISREG(st->st_mode) ? fgetxattr(fd, CAPABILITY, caps, sizeof caps) : -1;
    uid_t uid = o->uid == OWNER_SAME ? (uid_t)-1 : o->uid;
    gid_t gid = o->gid == OWNER_SAME ? (gid_t)-1 : o->gid;
    if (fchown(fd, uid, gid) < 0 && errno != EINVAL)
        return -1; /* EINVAL: an id that nobody has given the user; it stays remembered */
    if (st->st_mode & 06000 && fchmod(fd, st->st_mode & 07777) < 0)
        return -1;
    if (n > 0 && fsetxattr(fd, CAPABILITY, caps, (size_t)n, 0) < 0)
        return -1;
    struct stat now;
    bool done = fstat(fd, &now) == 0 && (o->uid == OWNER_SAME || now.st_uid == o->uid) &&
                (o->gid == OWNER_SAME || now.st_gid == o->gid);
    return done ? owner_write(fd, (struct owner){0, 0}) : 0;
}

/* Likewise with what is remembered beside the tree; what stays so is written down anew. */
static int give_link(const char *path, const struct owner *o, const struct owners_key *k)
{
    uid_t uid = o->uid == OWNER_SAME ? (uid_t)-1 : o->uid;
    gid_t gid = o->gid == OWNER_SAME ? (gid_t)-1 : o->gid;
    if (lchown(path, uid, gid) == 0)
        return 0;
    if (errno != EINVAL)
        return -1;
    if (rest < 0)
        rest = owners_open(entry, REST);
    return rest < 0 ? -1 : owners_add(rest, k, *o);
}

static int one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    struct owner o;
    struct owners_key k;
    (void)where;
    if (kind != FTW_F && kind != FTW_D && kind != FTW_DP && kind != FTW_SL)
        return 0;
    if (S_ISLNK(st->st_mode) || S_ISFIFO(st->st_mode))
        return owners_key(AT_FDCWD, path, &k) == 0 && owners_find(&beside, &k, &o)
                   ? give_link(path, &o, &k)
                   : 0;
    if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode))
        return 0;
    cleanup_fd int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : -1;
    return owner_read(fd, &o) ? give(fd, st, &o) : 0;
}

/* A layer, a container or a volume. */
static int thing(const char *path)
{
    cleanup_fd int dir = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0)
        return errno == ENOTDIR || errno == ELOOP || errno == ENOENT ? 0 : -1;
    entry = dir;
    (void)unlinkat(dir, REST, 0);
    int r = owners_read(&beside, dir, OWNERS_FILE);
    if (r == 0)
        r = nftw(path, one, DIRS_OPEN, FTW_PHYS);
    if (r == 0 && rest >= 0)
        r = renameat(dir, REST, dir, OWNERS_FILE);
    else if (r == 0 && unlinkat(dir, OWNERS_FILE, 0) < 0 && errno != ENOENT)
        r = -1;
    if (rest >= 0)
        close(rest);
    rest = -1;
    owners_free(&beside);
    return r;
}

static int all_in(const char *tree)
{
    DIR *d = opendir(tree);
    struct dirent *de;
    int r = 0;
    if (!d)
        return errno == ENOENT ? 0 : -1;
    while (r == 0 && (de = readdir(d))) {
        cleanup_free char *path = xasprintf("%s/%s", tree, de->d_name);
        if (strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0)
            r = thing(path);
    }
    int saved = errno;
    closedir(d);
    errno = saved;
    return r;
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    for (int i = 1; i < argc; i++) {
        if (all_in(argv[i]) == 0)
            continue;
        err_sys(&e, "cannot give the files in \"%s\" to their owners", argv[i]);
        report_err(&e);
        return 1;
    }
    report_ok(NULL);
    return 0;
}
