/*
 * pod-reown DIR...: gives the files below each DIR to whom single-id mode has remembered as their
 * owners (disk/owner.h), once there are ids for that.
 *
 * Runs as uid 0 of the user's namespace, while no container does. Started anew after it was ended
 * in the middle, it goes on: what is remembered of a file goes last.
 */
#include "disk/owner.h"
#include "disk/report.h"
#include "plain/err.h"
#include "plain/fdio.h"

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

static int one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    struct owner o;
    (void)where;
    if (kind != FTW_F && kind != FTW_D && kind != FTW_DP)
        return 0;
    if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode))
        return 0;
    cleanup_fd int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : -1;
    return owner_read(fd, &o) ? give(fd, st, &o) : 0;
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    for (int i = 1; i < argc; i++) {
        if (nftw(argv[i], one, DIRS_OPEN, FTW_PHYS) == 0 || errno == ENOENT)
            continue;
        err_sys(&e, "cannot give the files in \"%s\" to their owners", argv[i]);
        report_err(&e);
        return 1;
    }
    report_ok(NULL);
    return 0;
}
