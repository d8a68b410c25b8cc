#include "disk/nursery.h"

#include "disk/at.h"
#include "plain/fdio.h"
#include "plain/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define NURSERY "nursery"
#define COUNT   8

static void name_of(char out[32], unsigned i)
{
    snprintf(out, 32, NURSERY "/%u", i);
}

/* The flag tells ext4 that what is made in there has nothing to do with each other. */
static int make_all(int own)
{
    char name[32];
    unsigned flags = 0;
    if (mkdirat(own, NURSERY, 0700) < 0 && errno != EEXIST)
        return -1;
    cleanup_fd int dir = at_open_dir(own, NURSERY);
    if (dir >= 0 && ioctl(dir, FS_IOC_GETFLAGS, &flags) == 0) {
        flags |= FS_TOPDIR_FL;
        (void)ioctl(dir, FS_IOC_SETFLAGS, &flags);
    }
    for (unsigned i = 0; i < COUNT; i++) {
        name_of(name, i);
        if (mkdirat(own, name, 0700) < 0 && errno != EEXIST)
            return -1;
    }
    return 0;
}

int nursery_mkdir(int own, const char *path, mode_t mode)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    unsigned sum = 0;
    char born[320];
    for (const char *p = base; *p; p++)
        sum += (unsigned char)*p;
    int n = snprintf(born, sizeof born, NURSERY "/%u/%s", sum % COUNT, base);
    if (n < 0 || (size_t)n >= sizeof born)
        return mkdirat(own, path, mode);
    if (mkdirat(own, born, mode) < 0 &&
        (errno != ENOENT || make_all(own) < 0 || mkdirat(own, born, mode) < 0))
        return mkdirat(own, path, mode);
    if (renameat(own, born, own, path) == 0)
        return 0;
    int why = errno;
    (void)unlinkat(own, born, AT_REMOVEDIR);
    errno = why;
    return -1;
}

size_t nursery_sweep(int own)
{
    size_t swept = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        char name[32];
        name_of(name, i);
        int fd = at_open_dir(own, name);
        DIR *d = fd < 0 ? NULL : fdopendir(fd);
        if (!d && fd >= 0)
            close(fd);
        for (struct dirent *de; d && (de = readdir(d));)
            swept += unlinkat(dirfd(d), de->d_name, AT_REMOVEDIR) == 0;
        if (d)
            closedir(d);
    }
    return swept;
}
