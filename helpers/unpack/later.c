#include "later.h"

#include "dirs.h"
#include "plain/fdio.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define NAMES_MAX ((size_t)12 << 20)
#define DIRS_MAX  ((size_t)256 << 10)

void later_add(struct later *l, const char *path, struct timespec mtime)
{
    if (l->n == DIRS_MAX || l->names.len > NAMES_MAX)
        later_apply(l);
    if ((l->n & (l->n - 1)) == 0)
        l->v = xrealloc(l->v, (l->n ? 2 * l->n : 1) * sizeof *l->v);
    l->v[l->n++] = (struct later_dir){l->names.len, mtime};
    buf_add(&l->names, path, strlen(path) + 1);
}

static bool is_below(const char *path, const char *top)
{
    size_t n = strlen(top);
    return strncmp(path, top, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

void later_drop(struct later *l, const char *path)
{
    size_t keep = 0;
    for (size_t i = 0; i < l->n; i++)
        if (!is_below(l->names.s + l->v[i].at, path))
            l->v[keep++] = l->v[i];
    l->n = keep;
}

static void set_time(const struct later *l, const char *path, struct timespec mtime)
{
    const struct timespec ts[2] = {mtime, mtime};
    const char *base = *path ? path : ".";
    cleanup_fd int dir = l->shared ? dirs_parent(base, &base) : -1;
    if (dir >= 0 || !l->shared)
        utimensat(l->shared ? dir : AT_FDCWD, base, ts, AT_SYMLINK_NOFOLLOW);
}

void later_apply(struct later *l)
{
    for (size_t i = 0; i < l->n; i++)
        set_time(l, l->names.s + l->v[i].at, l->v[i].mtime);
    l->n = 0;
    buf_clear(&l->names);
    free(l->v);
    l->v = NULL;
}
