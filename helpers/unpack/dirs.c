#include "dirs.h"

#include "disk/inside.h"
#include "plain/fdio.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define OPAQUE "user.overlay.opaque"

const char *shown(const char *path)
{
    static char text[2][400];
    static int turn;
    char *out = text[turn ^= 1];
    size_t n = 0;
    out[n++] = '/';
    for (const unsigned char *c = (const unsigned char *)path; *c && n < sizeof text[0] - 8; c++) {
        if (*c < ' ' || *c == 0x7f)
            n += (size_t)snprintf(out + n, 8, "\\%03o", *c);
        else
            out[n++] = (char)*c;
    }
    out[n] = '\0';
    return out;
}

int path_error(struct err *e, const char *what, const char *path)
{
    int sys = errno;
    char why[160];
    snprintf(why, sizeof why, "%s", strerror(sys));
    why[0] = (char)tolower((unsigned char)why[0]);
    err_set(e, 0, "%s %s: %s", what, shown(path), why);
    e->sys = sys;
    if (sys == ENOSPC || sys == EDQUOT)
        err_hint(e, "free some space where images are kept and try again");
    return -1;
}

bool is_whiteout(int dir, const char *name)
{
    struct stat st;
    return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISCHR(st.st_mode) &&
           st.st_rdev == 0;
}

int dir_set_opaque(int dir, const char *name, const char *path, struct err *e)
{
    cleanup_fd int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fsetxattr(fd, OPAQUE, "y", 1, 0) < 0) {
        path_error(e, "mark as opaque", path);
        if (e->sys == ENOTSUP)
            err_hint(e, "the filesystem that images are kept on needs user extended attributes");
        return -1;
    }
    return 0;
}

int mode_set(int dir, const char *name, mode_t mode)
{
    cleanup_fd int fd =
        openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    return fd < 0 ? -1 : fchmod(fd, mode);
}

static int make_level(struct dirs *d, int dir, const char *name, bool setgid, bool opaque,
                      struct err *e)
{
    if (mkdirat(dir, name, 0755) < 0 ||
        (setgid && fchownat(dir, name, 0, 0, AT_SYMLINK_NOFOLLOW) < 0) ||
        (setgid && mode_set(dir, name, 0755) < 0))
        return path_error(e, "mkdir", d->path);
    return opaque ? dir_set_opaque(dir, name, d->path, e) : 0;
}

#define OPEN_FLAGS (O_PATH | O_DIRECTORY | O_CLOEXEC)

/* What to do about a component that is no directory. 0: try again, 1: as dirs_enter, -1. */
static int not_a_directory(struct dirs *d, struct level *lv, const struct level *up,
                           const char *name, bool over, struct err *e)
{
    struct stat st;
    if (fstatat(up->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return path_error(e, "stat", d->path);
    if (S_ISLNK(st.st_mode)) {
        lv->linked = true;
        lv->fd = inside_open_below(d->at[0].fd, d->path, OPEN_FLAGS);
        return lv->fd < 0 ? path_error(e, "open", d->path) : 0;
    }
    if (!S_ISCHR(st.st_mode) || st.st_rdev != 0) {
        errno = ENOTDIR;
        return path_error(e, "open", d->path);
    }
    if (!over)
        return 1;
    if (unlinkat(up->fd, name, 0) < 0)
        return path_error(e, "remove", d->path);
    return make_level(d, up->fd, name, up->setgid, true, e);
}

/* d->path ends with the component name. */
static int open_level(struct dirs *d, const struct level *up, const char *name, bool over,
                      struct level *ret, struct err *e)
{
    struct level lv = {.linked = up->linked};
    int r = 0;
    lv.fd = openat(up->fd, name, OPEN_FLAGS | O_NOFOLLOW);
    if (lv.fd < 0 && errno == ENOENT)
        r = make_level(d, up->fd, name, up->setgid, false, e);
    else if (lv.fd < 0 && (errno == ENOTDIR || errno == ELOOP))
        r = not_a_directory(d, &lv, up, name, over, e);
    if (r)
        return r;
    if (lv.fd < 0)
        lv.fd = openat(up->fd, name, OPEN_FLAGS | O_NOFOLLOW);
    struct stat st;
    if (lv.fd < 0 || fstat(lv.fd, &st) < 0)
        return path_error(e, "open", d->path);
    lv.setgid = st.st_mode & S_ISGID;
    lv.end = strlen(d->path);
    *ret = lv;
    return 0;
}

int dirs_init(struct dirs *d, struct err *e)
{
    struct stat st;
    d->path[0] = '\0';
    d->at[0] = (struct level){.fd = open(".", OPEN_FLAGS)};
    if (d->at[0].fd < 0 || fstat(d->at[0].fd, &st) < 0)
        return path_error(e, "open", "");
    d->at[0].setgid = st.st_mode & S_ISGID;
    d->n = 1;
    return 0;
}

/* Leaves what path is not below of. */
static void leave(struct dirs *d, const char *path, size_t len)
{
    while (d->n > 1) {
        size_t end = d->at[d->n - 1].end;
        if (end <= len && memcmp(d->path, path, end) == 0 && (end == len || path[end] == '/'))
            return;
        close(d->at[--d->n].fd);
    }
}

int dirs_enter(struct dirs *d, const char *path, size_t len, bool over, const struct level **ret,
               struct err *e)
{
    leave(d, path, len);
    struct level *top = &d->at[d->n - 1];
    size_t at = top->end;
    while (at < len) {
        size_t start = at + (at > 0);
        const char *slash = memchr(path + start, '/', len - start);
        at = slash ? (size_t)(slash - path) : len;
        memcpy(d->path, path, at);
        d->path[at] = '\0';
        struct level lv;
        int r = open_level(d, top, d->path + start, over, &lv, e);
        if (r)
            return r;
        if (d->n == DIRS_KEPT)
            close(top->fd); /* the deepest stands for several components */
        else
            top = &d->at[d->n++];
        *top = lv;
    }
    *ret = top;
    return 0;
}

int dirs_parent(const char *path, const char **ret_base)
{
    char dir[PATH_MAX] = ".";
    const char *slash = strrchr(path, '/');
    *ret_base = slash ? slash + 1 : path;
    if (slash) {
        memcpy(dir, path, (size_t)(slash - path));
        dir[slash - path] = '\0';
    }
    return inside_open_below(AT_FDCWD, dir, OPEN_FLAGS);
}
