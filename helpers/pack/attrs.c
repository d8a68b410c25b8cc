#include "attrs.h"

#include "plain/str.h"
#include "tarout.h"

#include <fcntl.h>
#include <linux/stat.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#define XATTRS_MAX (64 << 10)

static bool xattr_wanted(const char *name)
{
    if (strcmp(name, "security.capability") == 0)
        return true;
    return str_starts(name, "user.") && !str_starts(name, "user.overlay.") &&
           !str_starts(name, "user.fuseoverlayfs.") && !str_starts(name, "user.containers.") &&
           strcmp(name, OWNER_XATTR) != 0;
}

void attrs_pax(int fd, struct buf *pax)
{
    static char names[XATTRS_MAX], value[XATTRS_MAX];
    ssize_t len = flistxattr(fd, names, sizeof names);
    for (char *n = names; len > 0 && n < names + len; n += strlen(n) + 1) {
        ssize_t got = xattr_wanted(n) ? fgetxattr(fd, n, value, sizeof value) : -1;
        if (got < 0)
            continue;
        cleanup_free char *key = xasprintf("SCHILY.xattr.%s", n);
        tarout_pax(pax, key, value, (size_t)got);
    }
}

/* What really is somebody's was given to him when there were ids for that. */
static bool is_roots(const struct stat *st)
{
    return st->st_uid == 0 && st->st_gid == 0;
}

static void put(const struct owner *o, struct stat *st)
{
    if (o->uid != OWNER_SAME)
        st->st_uid = o->uid;
    if (o->gid != OWNER_SAME)
        st->st_gid = o->gid;
}

void attrs_owner(const struct owner *made_by, int fd, struct stat *st)
{
    struct owner o;
    if (is_roots(st) && owner_read(fd, &o))
        put(&o, st);
    else if (!owner_came_up(fd))
        put(made_by, st);
}

void attrs_owner_beside(const struct owner *made_by, struct owners_layers *layers, const char *path,
                        struct stat *st)
{
    struct owners_key k;
    struct owner o;
    const struct owners_layer *l = path && is_roots(st) ? owners_layers_at(layers, path, &k) : NULL;
    put(l && owners_find(&l->owners, &k, &o) ? &o : made_by, st);
}

uint64_t attrs_mount(int dir, const char *name)
{
    struct statx st;
    int flags = AT_SYMLINK_NOFOLLOW | (*name ? 0 : AT_EMPTY_PATH);
    if (syscall(SYS_statx, dir, name, flags, STATX_MNT_ID, &st) < 0 ||
        !(st.stx_mask & STATX_MNT_ID))
        return 0;
    return st.stx_mnt_id;
}
