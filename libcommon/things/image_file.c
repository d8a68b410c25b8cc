/* A file of an image, read through its layers without a mount. */
#include "disk/at.h"
#include "disk/opaque.h"
#include "plain/fdio.h"
#include "things/image.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum answer {
    IN_LAYER, /* here it is */
    BELOW,    /* this layer says nothing: ask the next one */
    NOWHERE,  /* this layer hides it, or it is no plain file */
};

/* A deletion: a character device 0:0, or the file .wh.NAME where fuse-overlayfs filled the store.
 */
static bool is_whiteout(int dir, const char *name)
{
    struct stat st;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0);
    char wh[NAME_MAX + 8];
    snprintf(wh, sizeof wh, ".wh.%s", name);
    return at_exists(dir, wh);
}

static enum answer missing(int dir, const char *name, bool opaque)
{
    return is_whiteout(dir, name) || opaque ? NOWHERE : BELOW;
}

static enum answer read_plain(int dir, const char *name, bool opaque, size_t max, struct buf *b,
                              int *failed)
{
    struct stat st;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return missing(dir, name, opaque);
    if (!b)
        return IN_LAYER;
    cleanup_fd int fd = S_ISREG(st.st_mode)
                            ? openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
                            : -1;
    if (fd >= 0 && fd_read_all(fd, max, b) == 0)
        return IN_LAYER;
    *failed = S_ISREG(st.st_mode) ? errno : ENOENT;
    return NOWHERE;
}

static enum answer look_in_layer(int layer, char *path, size_t max, struct buf *b, int *failed)
{
    cleanup_fd int dir = fcntl(layer, F_DUPFD_CLOEXEC, 3);
    bool opaque = false;
    char *save = NULL, *name = strtok_r(path, "/", &save), *next;
    for (; name && (next = strtok_r(NULL, "/", &save)); name = next) {
        if (strcmp(name, "..") == 0)
            return NOWHERE;
        cleanup_fd int sub = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (sub < 0 && errno == ENOENT)
            return missing(dir, name, opaque);
        if (sub < 0) {
            *failed = errno == EACCES ? EACCES : b ? ENOENT : ELOOP;
            return NOWHERE;
        }
        opaque = opaque || opaque_is(sub);
        int old = dir;
        dir = fd_take(&sub);
        sub = old;
    }
    return name && strcmp(name, "..") != 0 ? read_plain(dir, name, opaque, max, b, failed)
                                           : NOWHERE;
}

int image_read_file(const struct roots *r, const struct strv *lowers, const char *path, size_t max,
                    struct buf *b)
{
    cleanup_fd int overlay = at_open_dir(r->graph, "overlay");
    if (overlay < 0)
        return -1;
    int failed = ENOENT;
    for (size_t i = 0; i < lowers->n; i++) {
        cleanup_free char *copy = xstrdup(path);
        cleanup_fd int layer = at_open_dir(overlay, lowers->v[i]);
        if (layer < 0)
            return -1;
        switch (look_in_layer(layer, copy, max, b, &failed)) {
        case IN_LAYER:
            return 0;
        case BELOW:
            continue;
        case NOWHERE:
            errno = failed;
            return -1;
        }
    }
    errno = failed;
    return -1;
}

bool image_lacks(const struct roots *r, const struct strv *lowers, const char *path)
{
    return path[strspn(path, "/")] && !strstr(path, "..") &&
           image_read_file(r, lowers, path, 0, NULL) < 0 && errno == ENOENT;
}
