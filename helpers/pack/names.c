#include "names.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_mark(const char *name, bool layer)
{
    return layer ? strcmp(name, ".wh..wh..opq") == 0 : str_starts(name, ".wh.");
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
            !is_mark(de->d_name, layer))
            strv_add(ret, de->d_name);
    int r = closedir(d);
    if (ret->n)
        qsort(ret->v, ret->n, sizeof *ret->v, by_bytes);
    return r;
}
