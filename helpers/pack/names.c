#include "names.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Of a layer the directory says that it is opaque; of any other tree the name may be a file's. */
static bool is_mark(int dir, const char *name, bool layer)
{
    return strcmp(name, ".wh..wh..opq") == 0 &&
           (layer || fgetxattr(dir, "user.fuseoverlayfs.opaque", NULL, 0) >= 0);
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
    while ((de = readdir(d)))
        if (strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0 &&
            !is_mark(dir, de->d_name, layer))
            strv_add(ret, de->d_name);
    int r = closedir(d);
    if (ret->n)
        qsort(ret->v, ret->n, sizeof *ret->v, by_bytes);
    return r;
}
