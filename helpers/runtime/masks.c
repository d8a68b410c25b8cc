/* maskedPaths and readonlyPaths: by descriptor all along, so that nothing moves in between. */
#include "rt.h"

#include "plain/fdio.h"
#include "plain/mountcalls.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool is_absent(void)
{
    return errno == ENOENT || errno == ENOTDIR || errno == EACCES;
}

static int mask_one(const char *path, int rootfd, struct err *e)
{
    struct stat st;
    cleanup_fd int fd = path_in_root(rootfd, path);
    if (fd < 0)
        return is_absent() ? 0 : err_sys(e, "cannot mask \"%s\"", path);
    if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
        return bind_node("/dev/null", fd, MOUNT_ATTR_RDONLY) < 0
                   ? err_sys(e, "cannot mask \"%s\"", path)
                   : 0;
    int r = mount("tmpfs", fd_path(fd).s, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
                  "size=0k,mode=755");
    return r < 0 ? err_sys(e, "cannot mask \"%s\"", path) : 0;
}

/* A copy of what is there, read-only and with all else as it was, put on top. */
static int readonly_one(const char *path, int rootfd, struct err *e)
{
    struct mount_attr a = {.attr_set = MOUNT_ATTR_RDONLY};
    cleanup_fd int fd = path_in_root(rootfd, path);
    if (fd < 0)
        return is_absent() ? 0 : err_sys(e, "cannot protect \"%s\"", path);
    cleanup_fd int tree = tree_clone(fd, "", AT_EMPTY_PATH | AT_RECURSIVE);
    if (tree < 0 || tree_setattr(tree, &a, AT_RECURSIVE) < 0 || tree_attach(tree, fd) < 0)
        return err_sys(e, "cannot protect \"%s\"", path);
    return 0;
}

int mounts_masks(const struct rt *rt, int rootfd, struct err *e)
{
    const json_t *l = json_object_get(rt->spec, "linux"), *p;
    size_t i;
    json_array_foreach(json_object_get(l, "readonlyPaths"), i, p)
    {
        if (readonly_one(json_string_value(p), rootfd, e) < 0)
            return -1;
    }
    json_array_foreach(json_object_get(l, "maskedPaths"), i, p)
    {
        if (mask_one(json_string_value(p), rootfd, e) < 0)
            return -1;
    }
    return 0;
}
