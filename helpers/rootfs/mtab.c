#include "mtab.h"

#include "plain/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Links of the image lead nowhere out of it. */
static int open_in(int root, const char *path, uint64_t flags)
{
    struct open_how how = {.flags = flags | O_PATH | O_CLOEXEC,
                           .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
    return (int)syscall(SYS_openat2, root, path, &how, sizeof how);
}

void mtab_link(const char *target)
{
    cleanup_fd int root = open(target, O_PATH | O_DIRECTORY | O_CLOEXEC);
    cleanup_fd int there = root < 0 ? -1 : open_in(root, "etc/mtab", O_NOFOLLOW);
    if (root < 0 || there >= 0 || errno != ENOENT)
        return;
    cleanup_fd int etc = open_in(root, "etc", O_DIRECTORY);
    if (etc >= 0)
        (void)symlinkat("/proc/mounts", etc, "mtab");
}
