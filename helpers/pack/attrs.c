#include "attrs.h"

#include "plain/str.h"
#include "tarout.h"

#include <string.h>
#include <sys/xattr.h>

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

/* Copied up from a layer below. */
static bool has_origin(int fd)
{
    return fgetxattr(fd, "user.overlay.origin", NULL, 0) >= 0 ||
           fgetxattr(fd, "user.fuseoverlayfs.origin", NULL, 0) >= 0;
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
    if (owner_read(fd, &o))
        put(&o, st);
    else if (!has_origin(fd))
        put(made_by, st);
}

void attrs_owner_beside(const struct owner *made_by, const struct owners *beside, int dir,
                        const char *name, struct stat *st)
{
    struct owners_key k;
    struct owner o = *made_by;
    if (owners_key(dir, name, &k) == 0)
        (void)owners_find(beside, &k, &o);
    put(&o, st);
}
