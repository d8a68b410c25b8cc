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
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define DEPTH_MAX  1000
#define CAPABILITY "security.capability"
#define CAPS_MAX   64
#define BITS       OWNERS_FILE ".begun"
#define REST       OWNERS_FILE ".rest"

/* Of the layer, container or volume that is walked through. */
static struct owners beside;
static int thing = -1, rest = -1; /* its directory; those who stay remembered */
static bool skipped;              /* some of it is too deep: there all stays remembered */

/*
 * A change of owner takes set-id bits and capabilities away. They are put back; until then they are
 * in a file beside the tree, where no container can write, for whoever goes on with our work.
 */
struct bits {
    struct owners_key key;
    uint32_t mode, ncaps;
    char caps[CAPS_MAX];
};
static struct bits
    begun; /* by one before us, in this layer, container or volume; key.ino 0: none */

static void read_begun(void)
{
    cleanup_fd int fd = openat(thing, BITS, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || read(fd, &begun, sizeof begun) != sizeof begun || begun.ncaps > CAPS_MAX)
        begun = (struct bits){.ncaps = 0};
}

static bool is_begun(const struct owners_key *k)
{
    return begun.key.ino && k->ino == begun.key.ino && k->handle == begun.key.handle &&
           k->born.tv_sec == begun.key.born.tv_sec && k->born.tv_nsec == begun.key.born.tv_nsec;
}

static void bits_of(int fd, const struct stat *st, struct bits *b)
{
    ssize_t n = S_ISREG(st->st_mode) ? fgetxattr(fd, CAPABILITY, b->caps, CAPS_MAX) : -1;
    b->mode = st->st_mode & 07777;
    b->ncaps = n > 0 ? (uint32_t)n : 0;
}

static int write_begun(const struct bits *b)
{
    cleanup_fd int fd =
        openat(thing, BITS, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    return fd < 0 || write(fd, b, sizeof *b) != sizeof *b ? -1 : fdatasync(fd);
}

static int put_back(int fd, const struct bits *b)
{
    if (b->mode & 06000 && fchmod(fd, b->mode & 07777) < 0)
        return -1;
    return b->ncaps ? fsetxattr(fd, CAPABILITY, b->caps, b->ncaps, 0) : 0;
}

static bool is_given(int fd, const struct owner *o)
{
    struct stat now;
    return fstat(fd, &now) == 0 && (o->uid == OWNER_SAME || now.st_uid == o->uid) &&
           (o->gid == OWNER_SAME || now.st_gid == o->gid);
}

static int give(int fd, const struct stat *st, const struct owner *o)
{
    struct bits b = {.mode = 0};
    uid_t uid = o->uid == OWNER_SAME ? (uid_t)-1 : o->uid;
    gid_t gid = o->gid == OWNER_SAME ? (gid_t)-1 : o->gid;
    if (owners_key(fd, "", &b.key) < 0)
        return -1;
    bool again = is_begun(&b.key);
    if (!again && (st->st_uid || st->st_gid))
        return 0; /* whose it really is counts */
    if (again)
        b = begun;
    else
        bits_of(fd, st, &b);
    bool has = b.mode & 06000 || b.ncaps;
    if (has && !again && write_begun(&b) < 0)
        return -1;
    if (fchown(fd, uid, gid) < 0 && errno != EINVAL)
        return -1; /* EINVAL: an id that nobody has given the user; it stays remembered */
    if (put_back(fd, &b) < 0 || (is_given(fd, o) && owner_write(fd, (struct owner){0, 0}) < 0))
        return -1;
    return has ? unlinkat(thing, BITS, 0) : 0;
}

/* Likewise with what is remembered beside the tree; what stays so is written down anew. */
static int give_link(int dir, const char *name)
{
    struct owner o;
    struct owners_key k;
    if (owners_key(dir, name, &k) < 0 || !owners_find(&beside, &k, &o))
        return 0;
    uid_t uid = o.uid == OWNER_SAME ? (uid_t)-1 : o.uid;
    gid_t gid = o.gid == OWNER_SAME ? (gid_t)-1 : o.gid;
    if (fchownat(dir, name, uid, gid, AT_SYMLINK_NOFOLLOW) == 0)
        return 0;
    if (errno != EINVAL)
        return -1;
    if (rest < 0)
        rest = owners_open(thing, REST);
    return rest < 0 ? -1 : owners_add(rest, &k, o);
}

static int give_file(int fd)
{
    struct stat st;
    struct owner o;
    return fstat(fd, &st) == 0 && owner_read(fd, &o) ? give(fd, &st, &o) : 0;
}

/* ---- trees ---- */

/* What is one file's trouble is no reason to keep all others, and every start, waiting. */
static int passed(int r)
{
    static const int grave[] = {ENOSPC, EDQUOT, EIO, EROFS, ENOMEM, EMFILE, ENFILE};
    for (size_t i = 0; r < 0 && i < sizeof grave / sizeof *grave; i++)
        if (errno == grave[i])
            return -1;
    return 0;
}

static int names_in(int dir, struct strv *ret)
{
    cleanup_fd int again = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = again < 0 ? NULL : fdopendir(again);
    struct dirent *de;
    if (!d)
        return -1;
    fd_take(&again);
    while ((de = readdir(d)))
        if (strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0)
            strv_add(ret, de->d_name);
    closedir(d);
    return 0;
}

static int walk(int *dir, int depth);

static int moved(void)
{
    errno = EBUSY;
    return -1;
}

/* Trees may be deeper than descriptors suffice: *dir is closed meanwhile, and found again. */
static int into(int *dir, int child, int depth)
{
    struct stat here, back;
    bool given = passed(give_file(child)) == 0 && fstat(*dir, &here) == 0;
    if (!given || depth == DEPTH_MAX) {
        close(child);
        skipped = true;
        return given ? 0 : -1;
    }
    close(*dir);
    int r = walk(&child, depth + 1);
    *dir = child < 0 ? -1 : openat(child, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (child >= 0)
        close(child);
    if (*dir < 0 || fstat(*dir, &back) < 0 || back.st_ino != here.st_ino ||
        back.st_dev != here.st_dev)
        return moved();
    return r;
}

static int one(int *dir, const char *name, int depth)
{
    struct stat st;
    if (fstatat(*dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return passed(-1);
    if (S_ISLNK(st.st_mode) || S_ISFIFO(st.st_mode))
        return passed(give_link(*dir, name));
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return 0;
    int fd = openat(*dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return passed(-1);
    if (S_ISDIR(st.st_mode))
        return into(dir, fd, depth);
    int r = passed(give_file(fd));
    close(fd);
    return r;
}

static int walk(int *dir, int depth)
{
    cleanup(strv_free) struct strv names = STRV_INIT;
    int r = passed(names_in(*dir, &names));
    for (size_t i = 0; r == 0 && i < names.n; i++)
        r = one(dir, names.v[i], depth);
    return r;
}

/* A layer, a container or a volume. */
static int all_of(int tree, const char *name)
{
    cleanup_fd int dir = openat(tree, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0)
        return passed(-1);
    thing = openat(tree, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    skipped = false;
    (void)unlinkat(thing, REST, 0);
    read_begun();
    int r = owners_read(&beside, thing, OWNERS_FILE);
    if (r == 0)
        r = walk(&dir, 0);
    if (r == 0 && rest >= 0 && !skipped)
        r = renameat(thing, REST, thing, OWNERS_FILE);
    else if (r == 0 && !skipped && unlinkat(thing, OWNERS_FILE, 0) < 0 && errno != ENOENT)
        r = -1;
    if (r == 0)
        (void)unlinkat(thing, BITS, 0);
    if (rest >= 0)
        close(rest);
    close(thing);
    rest = -1;
    owners_free(&beside);
    return r;
}

static int all_in(const char *path)
{
    cleanup(strv_free) struct strv names = STRV_INIT;
    cleanup_fd int tree = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (tree < 0)
        return errno == ENOENT ? 0 : -1;
    int r = names_in(tree, &names);
    for (size_t i = 0; r == 0 && i < names.n; i++)
        r = all_of(tree, names.v[i]);
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
