#include "layer.h"

#include "plain/fdio.h"
#include "plain/str.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WH     ".wh."
#define WHMETA ".wh..wh."
#define OPQ    ".wh..wh..opq"

/* Tells the split that the node exists; what came again by alias or merge has a line already. */
static void listed(struct layer *l, const struct place *at)
{
    if (!at->in->linked)
        split_file(l->split, l->tar->entry.name.s, l->path, 0, 0);
}

/* No engine looks at what an archive says of it: an image's root is the store's. */
static int root(struct layer *l, struct err *e)
{
    const struct tar_entry *en = &l->tar->entry;
    if (en->type != '5')
        return err_set(e, 0, "the layer's root directory is listed as something else");
    if (!l->root_seen)
        split_file(l->split, en->name.s, "", 0, 0);
    l->root_seen = true;
    return 0;
}

/* An existing directory is merged: 1. A whiteout of the same name means an opaque one. */
static int dir_in_the_way(struct layer *l, const struct place *at, struct err *e)
{
    struct stat st;
    if (fstatat(at->in->fd, at->base, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
        return 1;
    int was = layer_vacate(l, at, e);
    if (was < 0)
        return -1;
    if (mkdirat(at->in->fd, at->base, l->tar->entry.mode & 01777) < 0)
        return path_error(e, "mkdir", l->path);
    return was ? dir_set_opaque(at->in->fd, at->base, l->path, e) : 0;
}

static int directory(struct layer *l, const struct place *at, struct err *e)
{
    int merged = 0;
    if (mkdirat(at->in->fd, at->base, l->tar->entry.mode & 01777) < 0) {
        if (errno != EEXIST)
            return path_error(e, "mkdir", l->path);
        merged = dir_in_the_way(l, at, e);
        if (merged < 0)
            return -1;
    }
    if (!merged)
        listed(l, at);
    return layer_own_dir(l, at->in->fd, at->base, !merged && !at->in->setgid, e);
}

static int node(struct layer *l, const struct place *at)
{
    const struct tar_entry *en = &l->tar->entry;
    if (en->type == '2')
        return symlinkat(buf_str(&en->link), at->in->fd, at->base);
    return mknodat(at->in->fd, at->base, S_IFIFO | (en->mode & 01777), 0);
}

static int link_or_fifo(struct layer *l, const struct place *at, struct err *e)
{
    const char *what = l->tar->entry.type == '2' ? "symlink" : "mkfifo";
    if (node(l, at) < 0) {
        if (errno != EEXIST)
            return path_error(e, what, l->path);
        if (layer_vacate(l, at, e) < 0)
            return -1;
        if (node(l, at) < 0)
            return path_error(e, what, l->path);
    }
    listed(l, at);
    return layer_own_name(l, at, e) < 0 ? -1 : layer_remember(l, at, l->vacated, e);
}

static bool same_node(int d1, const char *n1, int d2, const char *n2)
{
    struct stat a, b;
    return fstatat(d1, n1, &a, AT_SYMLINK_NOFOLLOW) == 0 &&
           fstatat(d2, n2, &b, AT_SYMLINK_NOFOLLOW) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

/*
 * The target's directory is opened by path from the root: the chain of dirs stays where the entry
 * is, and the next one mostly goes there too.
 */
static int hardlink(struct layer *l, const struct place *at, struct err *e)
{
    char target[PATH_MAX];
    size_t len;
    if (layer_clean(buf_str(&l->tar->entry.link), target, &len, e))
        return -1;
    const char *from;
    cleanup_fd int top = dirs_parent(len ? target : ".", &from);
    if (top < 0)
        return path_error(e, "link", l->path);
    if (linkat(top, from, at->in->fd, at->base, 0) < 0) {
        if (errno != EEXIST)
            return path_error(e, "link", l->path);
        if (same_node(top, from, at->in->fd, at->base))
            return layer_own_link(l, at, e);
        struct stat st;
        if (fstatat(top, from, &st, AT_SYMLINK_NOFOLLOW) < 0 || S_ISDIR(st.st_mode))
            return path_error(e, "link", l->path);
        if (layer_vacate(l, at, e) < 0)
            return -1;
        if (linkat(top, from, at->in->fd, at->base, 0) < 0)
            return path_error(e, "link", l->path);
    }
    listed(l, at);
    return layer_own_link(l, at, e);
}

/* Whatever its type: the name alone says what it is. */
static int whiteout(struct layer *l, struct place *at, struct err *e)
{
    if (strcmp(at->base, OPQ) == 0)
        return dir_set_opaque(at->in->fd, ".", l->path, e);
    at->base += strlen(WH);
    if (strcmp(at->base, "") == 0 || strcmp(at->base, ".") == 0 || strcmp(at->base, "..") == 0)
        return err_set(e, 0, "%s: path climbs out of the layer", shown(l->path));
    struct stat st;
    if (mknodat(at->in->fd, at->base, S_IFCHR, 0) < 0) {
        if (errno != EEXIST || fstatat(at->in->fd, at->base, &st, AT_SYMLINK_NOFOLLOW) < 0)
            return path_error(e, "mknod", l->path);
        return S_ISDIR(st.st_mode) ? dir_set_opaque(at->in->fd, at->base, l->path, e) : 0;
    }
    return layer_own_name(l, at, e);
}

/* Below something that is a whiteout by its name: nothing that an overlay could show. */
static bool hidden(const char *path, const char *base)
{
    for (const char *c = path; c < base; c = strchr(c, '/') + 1)
        if (str_starts(c, WH))
            return true;
    return str_starts(base, WHMETA) && strcmp(base, OPQ) != 0;
}

static int make(struct layer *l, struct place *at, struct err *e)
{
    struct stat st;
    switch (l->tar->entry.type) {
    case '0':
        return layer_file(l, at, e);
    case '1':
        return hardlink(l, at, e);
    case '2':
    case '6':
        return link_or_fifo(l, at, e);
    case '5':
        return directory(l, at, e);
    default: /* a device; one that replaces something takes it away */
        if (fstatat(at->in->fd, at->base, &st, AT_SYMLINK_NOFOLLOW) < 0)
            return 0;
        return layer_vacate(l, at, e) < 0 ? -1 : 0;
    }
}

static int one(struct layer *l, struct err *e)
{
    struct tar_entry *en = &l->tar->entry;
    if (l->owned) {
        en->uid = l->owner[0];
        en->gid = l->owner[1];
    } else if (l->shift.n && en->uid >= 0 && en->gid >= 0 && en->uid < UINT32_MAX &&
               en->gid < UINT32_MAX) {
        en->uid = idshift_out(&l->shift, 'u', (uint32_t)en->uid);
        en->gid = idshift_out(&l->shift, 'g', (uint32_t)en->gid);
    }
    if (en->type == 'g')
        return 0;
    if (en->type < '0' || en->type > '6')
        return err_set(e, 0, "unhandled tar header type %d", en->type);
    if (layer_clean(buf_str(&en->name), l->path, &l->len, e))
        return -1;
    if (l->len == 0)
        return root(l, e);
    char *slash = memrchr(l->path, '/', l->len);
    struct place at = {.base = slash ? slash + 1 : l->path};
    bool wh = !l->plain && str_starts(at.base, WH);
    if (!l->plain && hidden(l->path, at.base))
        return 0;
    bool owned = wh ? strcmp(at.base, OPQ) != 0 : !strchr("34", en->type);
    if (owned && layer_ids_ok(l, !wh, e))
        return -1;
    int r = dirs_enter(&l->dirs, l->path, slash ? (size_t)(slash - l->path) : 0, !wh, &at.in, e);
    if (r)
        return r < 0 ? -1 : 0;
    return wh ? whiteout(l, &at, e) : make(l, &at, e);
}

int layer_unpack(struct layer *l, struct err *e)
{
    if (dirs_init(&l->dirs, e))
        return -1;
    int r;
    while ((r = tar_next(l->tar, e)) > 0)
        if (one(l, e) || layer_skip(l, e))
            break;
    l->malformed = r != 0 && e->sys == 0;
    if (r != 0 || tar_rest(l->tar, e))
        return -1;
    later_apply(&l->later);
    return 0;
}
