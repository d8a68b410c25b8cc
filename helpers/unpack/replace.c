/* Making room for an entry that comes again as something else. */
#include "layer.h"
#include "plain/fdio.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Links can make a tree deeper than any path; nobody needs such a one replaced. */
#define DEPTH_MAX 512

static int clear_at(struct layer *l, int dir, const char *base, struct buf *path, int depth,
                    struct err *e);

static int clear_children(struct layer *l, DIR *d, struct buf *path, int depth, struct err *e)
{
    size_t len = path->len;
    struct dirent *de;
    while ((errno = 0, de = readdir(d))) {
        if (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0)
            continue;
        buf_addf(path, "/%s", de->d_name);
        int r = clear_at(l, dirfd(d), de->d_name, path, depth + 1, e);
        path->len = len;
        path->s[len] = '\0';
        if (r)
            return -1;
    }
    return errno ? path_error(e, "read", path->s) : 0;
}

static int clear_dir(struct layer *l, int dir, const char *base, struct buf *path, int depth,
                     struct err *e)
{
    if (depth == DEPTH_MAX)
        return err_set(e, 0, "remove %s: directories are too deep", shown(path->s));
    int fd = openat(dir, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d)
        return path_error(e, "open", path->s);
    int r = clear_children(l, d, path, depth, e);
    closedir(d);
    return r;
}

/* Removes base; before that the split hears what it loses. */
static int clear_at(struct layer *l, int dir, const char *base, struct buf *path, int depth,
                    struct err *e)
{
    struct stat st;
    if (fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return path_error(e, "stat", path->s);
    bool is_dir = S_ISDIR(st.st_mode);
    if (is_dir && clear_dir(l, dir, base, path, depth, e))
        return -1;
    cleanup_fd int fd = -1;
    if (l->split && S_ISREG(st.st_mode) && st.st_size > 0) {
        fd = openat(dir, base, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            return path_error(e, "open", path->s);
    }
    if (split_forget(l->split, path->s, fd, e))
        return -1;
    if (unlinkat(dir, base, is_dir ? AT_REMOVEDIR : 0) < 0)
        return path_error(e, "remove", path->s);
    return 0;
}

static int may_go(struct layer *l, const struct place *at, struct err *e)
{
    struct stat st;
    if (!l->keep || fstatat(at->in->fd, at->base, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        S_ISDIR(st.st_mode) == (l->tar->entry.type == '5'))
        return 0;
    return err_set(e, 0, "error creating \"%s\": open %s: file exists", shown(l->path),
                   shown(l->path));
}

int layer_vacate(struct layer *l, const struct place *at, struct err *e)
{
    if (may_go(l, at, e) < 0)
        return -1;
    if (is_whiteout(at->in->fd, at->base))
        return unlinkat(at->in->fd, at->base, 0) < 0 ? path_error(e, "remove", l->path) : 1;
    if (l->split && at->in->linked)
        return err_set(e, 0, "%s: replaces another entry by way of a symbolic link",
                       shown(l->path));
    cleanup(buf_free) struct buf path = BUF_INIT;
    buf_add(&path, l->path, l->len);
    later_drop(&l->later, l->path);
    l->vacated = true;
    return clear_at(l, at->in->fd, at->base, &path, 0, e);
}
