#include "mtab.h"

#include "disk/inside.h"
#include "plain/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

void mtab_link(const char *target)
{
    cleanup_fd int root = open(target, O_PATH | O_DIRECTORY | O_CLOEXEC);
    cleanup_fd int there = root < 0 ? -1 : inside_open_below(root, "etc/mtab", O_PATH | O_NOFOLLOW);
    if (root < 0 || there >= 0 || errno != ENOENT)
        return;
    cleanup_fd int etc = inside_open_below(root, "etc", O_PATH | O_DIRECTORY);
    if (etc >= 0)
        (void)symlinkat("/proc/mounts", etc, "mtab");
}
