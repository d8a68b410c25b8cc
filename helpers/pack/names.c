#include "names.h"

#include <dirent.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#ifndef MQUEUE_MAGIC
#define MQUEUE_MAGIC 0x19800202
#endif

/* Of a layer the directory says that it is opaque; of any other tree the name may be a file's. */
static bool is_mark(int dir, const char *name, bool layer)
{
    return strcmp(name, ".wh..wh..opq") == 0 &&
           (layer || fgetxattr(dir, "user.fuseoverlayfs.opaque", NULL, 0) >= 0);
}

/* The kernel's own, which no copy could be of: the mount point is all that is packed. */
static bool is_kernels(int dir)
{
    static const unsigned long kinds[] = {PROC_SUPER_MAGIC,   SYSFS_MAGIC,
                                          CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC,
                                          DEVPTS_SUPER_MAGIC, MQUEUE_MAGIC};
    struct statfs fs;
    for (size_t i = 0; fstatfs(dir, &fs) == 0 && i < sizeof kinds / sizeof *kinds; i++)
        if ((unsigned long)fs.f_type == kinds[i])
            return true;
    return false;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int names_sorted(int dir, bool layer, struct strv *ret)
{
    int fd = dup(dir);
    DIR *d = fdopendir(fd);
    struct dirent *de;
    if (!d)
        return -1;
    bool none = is_kernels(dir);
    while (!none && (de = readdir(d)))
        if (strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0 &&
            !is_mark(dir, de->d_name, layer))
            strv_add(ret, de->d_name);
    int r = closedir(d);
    if (ret->n)
        qsort(ret->v, ret->n, sizeof *ret->v, by_bytes);
    return r;
}
