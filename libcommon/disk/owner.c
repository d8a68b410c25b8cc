#include "disk/owner.h"

#include <errno.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/xattr.h>

#define TAG_UID     0x08 /* field 1, varint */
#define TAG_GID     0x10
#define ORIGIN      "user.overlay.origin"
#define FUSE_ORIGIN "user.fuseoverlayfs.origin"
#define BYTES_MAX   64 /* a message of others may say more than ours do */

/* ---- protobuf's varints ---- */

static size_t put(unsigned char *to, unsigned char tag, uint32_t v)
{
    size_t n = 0;
    if (!v)
        return 0;
    to[n++] = tag;
    for (; v > 0x7f; v >>= 7)
        to[n++] = (unsigned char)(v | 0x80);
    to[n++] = (unsigned char)v;
    return n;
}

/* Moves *p behind the number; false at the message's end or past 64 bits. */
static bool get(const unsigned char **p, const unsigned char *end, uint64_t *ret)
{
    uint64_t v = 0;
    for (unsigned shift = 0; *p < end && shift < 64; shift += 7) {
        unsigned char c = *(*p)++;
        v |= (uint64_t)(c & 0x7f) << shift;
        if (!(c & 0x80)) {
            *ret = v;
            return true;
        }
    }
    return false;
}

static bool decode(const unsigned char *p, ssize_t n, struct owner *ret)
{
    const unsigned char *end = p + (n > 0 ? n : 0);
    struct owner o = {0, 0};
    uint64_t tag, v;
    if (n < 0)
        return false;
    while (p < end) {
        if (!get(&p, end, &tag) || (tag & 7) != 0 || !get(&p, end, &v) || v > UINT32_MAX)
            return false;
        if (tag == TAG_UID)
            o.uid = (uint32_t)v;
        else if (tag == TAG_GID)
            o.gid = (uint32_t)v;
    }
    *ret = o;
    return true;
}

static size_t encode(unsigned char *to, struct owner o)
{
    size_t n = put(to, TAG_UID, o.uid);
    return n + put(to + n, TAG_GID, o.gid);
}

/* ---- the attribute ---- */

static int gone(int r)
{
    return r < 0 && errno != ENODATA ? -1 : 0;
}

bool owner_read(int fd, struct owner *ret)
{
    unsigned char b[BYTES_MAX];
    return decode(b, fgetxattr(fd, OWNER_XATTR, b, sizeof b), ret);
}

bool owner_read_path(const char *path, struct owner *ret)
{
    unsigned char b[BYTES_MAX];
    return decode(b, getxattr(path, OWNER_XATTR, b, sizeof b), ret);
}

int owner_write(int fd, struct owner o)
{
    unsigned char b[BYTES_MAX];
    size_t n = encode(b, o);
    return n ? fsetxattr(fd, OWNER_XATTR, b, n, 0) : gone(fremovexattr(fd, OWNER_XATTR));
}

int owner_write_path(const char *path, struct owner o, bool even_roots)
{
    unsigned char b[BYTES_MAX];
    size_t n = encode(b, o);
    return n || even_roots ? setxattr(path, OWNER_XATTR, b, n, 0)
                           : gone(removexattr(path, OWNER_XATTR));
}

bool owner_came_up(int fd)
{
    return fgetxattr(fd, ORIGIN, NULL, 0) >= 0 || fgetxattr(fd, FUSE_ORIGIN, NULL, 0) >= 0;
}

bool owner_came_up_path(const char *path)
{
    return getxattr(path, ORIGIN, NULL, 0) >= 0 || getxattr(path, FUSE_ORIGIN, NULL, 0) >= 0;
}
