#include "layer.h"

#include "disk/owners.h"
#include "plain/fdio.h"
#include "plain/str.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define MODE_BITS 07777

int layer_ids_ok(struct layer *l, bool count, struct err *e)
{
    const struct tar_entry *en = &l->tar->entry;
    bool uid = idmap_has(&l->uid_map, en->uid), gid = idmap_has(&l->gid_map, en->gid);
    bool remembered =
        l->single && en->uid >= 0 && en->gid >= 0 && en->uid < UINT32_MAX && en->gid < UINT32_MAX;
    if ((uid && gid) || remembered) {
        if (count) {
            idset_add(&l->uids, (uint32_t)en->uid);
            idset_add(&l->gids, (uint32_t)en->gid);
        }
        return 0;
    }
    err_set(e, 0,
            "potentially insufficient UIDs or GIDs available in user namespace (requested "
            "%lld:%lld for %s): Check /etc/subuid and /etc/subgid if configured locally and run "
            "the command below: lchown %s: invalid argument",
            (long long)en->uid, (long long)en->gid, shown(l->path), shown(l->path));
    if (en->uid < 0 || en->gid < 0)
        return -1; /* no range helps */
    int64_t most = en->uid > en->gid ? en->uid : en->gid;
    uint32_t first = idmap_next(uid ? &l->gid_map : &l->uid_map);
    int64_t last = most >= UINT32_MAX ? INT64_MAX : first + (most / 65536 + 1) * 65536 - 1;
    if (last < UINT32_MAX)
        err_hint(e, "sudo usermod --add-subuids %u-%lld --add-subgids %u-%lld $USER", first,
                 (long long)last, first, (long long)last);
    return -1;
}

/*
 * The store's own words must not come from an archive (a redirect or an opaque mark would let a
 * layer name files outside itself); trusted.* and labels are not ours to set.
 */
static bool wanted(const char *name)
{
    return !str_starts(name, "user.overlay.") && !str_starts(name, "user.fuseoverlayfs.") &&
           strcmp(name, OWNER_XATTR) != 0 && !str_starts(name, "trusted.") &&
           strcmp(name, "security.selinux") != 0;
}

static int set_xattrs(struct layer *l, int fd, struct err *e)
{
    const struct tar_entry *en = &l->tar->entry;
    for (size_t i = 0; i < en->nxattrs; i++) {
        const struct tar_xattr *a = &en->xattrs[i];
        if (!wanted(a->name))
            continue;
        if (strcmp(a->name, "system.posix_acl_default") == 0)
            l->acl = true;
        if (fsetxattr(fd, a->name, a->value, a->len, 0) == 0)
            continue;
        if (errno == ENOTSUP || errno == EPERM)
            continue; /* as containers/storage in a user namespace */
        int sys = errno;
        char name[80];
        str_copy(name, sizeof name, "too long a name");
        if (strlen(a->name) < sizeof name)
            str_copy(name, sizeof name, shown(a->name) + 1);
        errno = sys;
        path_error(e, "setxattr", l->path);
        if (sys == ENOSPC || sys == E2BIG || sys == ERANGE)
            return err_set(e, 0, "setxattr %s: \"%s\" (%zu bytes) does not fit the filesystem",
                           shown(l->path), name, a->len);
        return -1;
    }
    return 0;
}

/* Before 1970 is 1970, as containers/storage has it. */
static void times(const struct tar_entry *en, struct timespec ts[2])
{
    ts[0] = ts[1] = (struct timespec){0};
    if (en->mtime >= 0)
        ts[0] = ts[1] = (struct timespec){.tv_sec = en->mtime, .tv_nsec = en->mtime_ns};
}

/* In single-id mode everything is root's, and what the archive says is remembered beside it. */
static bool changes_owner(const struct layer *l, const struct place *at)
{
    const struct tar_entry *en = &l->tar->entry;
    return at->in->setgid || (!l->single && (en->uid || en->gid));
}

static uid_t uid_of(const struct layer *l)
{
    return l->single ? 0 : (uid_t)l->tar->entry.uid;
}

static gid_t gid_of(const struct layer *l)
{
    return l->single ? 0 : (gid_t)l->tar->entry.gid;
}

/* had: a file that may have one remembered already. */
static int remember(const struct layer *l, int fd, bool had, struct err *e)
{
    const struct tar_entry *en = &l->tar->entry;
    const struct owner o = {(uint32_t)en->uid, (uint32_t)en->gid};
    if (!l->single || (!had && !en->uid && !en->gid))
        return 0;
    return owner_write(fd, o) < 0 && errno != ENOTSUP ? path_error(e, "setxattr", l->path) : 0;
}

static int remember_at(const struct layer *l, int dir, const char *base, struct err *e)
{
    if (!l->single)
        return 0;
    cleanup_fd int fd = openat(dir, base, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    return fd < 0 ? path_error(e, "open", l->path) : remember(l, fd, true, e);
}

int layer_remember(struct layer *l, const struct place *at, bool had, struct err *e)
{
    const struct tar_entry *en = &l->tar->entry;
    const struct owner o = {(uint32_t)en->uid, (uint32_t)en->gid};
    struct owners_key k;
    struct owner was;
    if (l->owners < 0 || (!had && !en->uid && !en->gid))
        return 0;
    if (owners_key(at->in->fd, at->base, &k) < 0)
        return path_error(e, "stat", l->path);
    if (had && owners_find(&l->linked, &k, &was) && was.uid == o.uid && was.gid == o.gid)
        return 0;
    if (had)
        owners_put(&l->linked, &k, o);
    return owners_add(l->owners, &k, o) < 0 ? path_error(e, "remember the owner of", l->path) : 0;
}

/* Owner before mode, mode before capabilities: each may clear the next. */
int layer_own_fd(struct layer *l, const struct place *at, int fd, struct err *e)
{
    const struct tar_entry *en = &l->tar->entry;
    if (changes_owner(l, at) && fchown(fd, uid_of(l), gid_of(l)) < 0)
        return path_error(e, "lchown", l->path);
    if (remember(l, fd, false, e) < 0)
        return -1;
    if (((en->mode & 06000) || l->acl) && fchmod(fd, en->mode & MODE_BITS) < 0)
        return path_error(e, "chmod", l->path);
    if (en->nxattrs && set_xattrs(l, fd, e))
        return -1;
    struct timespec ts[2];
    times(en, ts);
    if (futimens(fd, ts) < 0)
        return path_error(e, "chtimes", l->path);
    return 0;
}

/* Symbolic links, fifos and whiteouts: no descriptor, and no attribute that they could have. */
int layer_own_name(struct layer *l, const struct place *at, struct err *e)
{
    const struct tar_entry *en = &l->tar->entry;
    if (changes_owner(l, at) &&
        fchownat(at->in->fd, at->base, uid_of(l), gid_of(l), AT_SYMLINK_NOFOLLOW) < 0)
        return path_error(e, "lchown", l->path);
    struct timespec ts[2];
    times(en, ts);
    if (utimensat(at->in->fd, at->base, ts, AT_SYMLINK_NOFOLLOW) < 0)
        return path_error(e, "chtimes", l->path);
    return 0;
}

/* A whiteout cannot be opened, but nobody else is where there are any. */
static int link_mode(const struct layer *l, const struct place *at, const struct stat *st,
                     mode_t mode)
{
    if (S_ISREG(st->st_mode) || S_ISFIFO(st->st_mode))
        return mode_set(at->in->fd, at->base, mode);
    return l->plain || !S_ISCHR(st->st_mode) ? 0 : fchmodat(at->in->fd, at->base, mode, 0);
}

/* Changed only where it differs: a change of owner takes set-id bits and capabilities away. */
int layer_own_link(struct layer *l, const struct place *at, struct err *e)
{
    const struct tar_entry *en = &l->tar->entry;
    struct stat st;
    if (fstatat(at->in->fd, at->base, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return path_error(e, "stat", l->path);
    bool chown = st.st_uid != uid_of(l) || st.st_gid != gid_of(l);
    if (chown && fchownat(at->in->fd, at->base, uid_of(l), gid_of(l), AT_SYMLINK_NOFOLLOW) < 0)
        return path_error(e, "lchown", l->path);
    if (S_ISREG(st.st_mode) && remember_at(l, at->in->fd, at->base, e) < 0)
        return -1;
    mode_t mode = en->mode & MODE_BITS;
    bool moded = chown || (st.st_mode & MODE_BITS) != mode;
    if (moded && link_mode(l, at, &st, mode) < 0)
        return path_error(e, "chmod", l->path);
    struct timespec ts[2];
    times(en, ts);
    if (utimensat(at->in->fd, at->base, ts, AT_SYMLINK_NOFOLLOW) < 0)
        return path_error(e, "chtimes", l->path);
    return S_ISREG(st.st_mode) ? 0 : layer_remember(l, at, true, e);
}

int layer_own_dir(struct layer *l, int dir, const char *base, bool fresh, struct err *e)
{
    const struct tar_entry *en = &l->tar->entry;
    mode_t mode = en->mode & MODE_BITS;
    if ((!fresh || uid_of(l) || gid_of(l)) &&
        fchownat(dir, base, uid_of(l), gid_of(l), AT_SYMLINK_NOFOLLOW) < 0)
        return path_error(e, "lchown", l->path);
    if ((!fresh || en->uid || en->gid) && remember_at(l, dir, base, e) < 0)
        return -1;
    if ((!fresh || l->acl || mode & 06000) && mode_set(dir, base, mode) < 0)
        return path_error(e, "chmod", l->path);
    if (en->nxattrs) {
        cleanup_fd int fd = openat(dir, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            return path_error(e, "open", l->path);
        if (set_xattrs(l, fd, e))
            return -1;
    }
    struct timespec ts[2];
    times(en, ts);
    later_add(&l->later, l->path, ts[0]);
    return 0;
}
