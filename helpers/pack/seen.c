#include "seen.h"

#include "plain/buf.h"

#include <search.h>

struct file {
    dev_t dev;
    ino_t ino;
    char *path;
};

static int by_inode(const void *a, const void *b)
{
    const struct file *x = a, *y = b;
    if (x->dev != y->dev)
        return x->dev < y->dev ? -1 : 1;
    return x->ino == y->ino ? 0 : x->ino < y->ino ? -1 : 1;
}

const char *seen_name(const struct seen *s, const struct stat *st)
{
    const struct file wanted = {st->st_dev, st->st_ino, NULL};
    struct file *const *at =
        st->st_nlink < 2 || S_ISDIR(st->st_mode) ? NULL : tfind(&wanted, &s->tree, by_inode);
    return at ? (*at)->path : NULL;
}

void seen_add(struct seen *s, const struct stat *st, const char *path)
{
    if (st->st_nlink < 2 || S_ISDIR(st->st_mode))
        return;
    struct file *f = xmalloc(sizeof *f);
    *f = (struct file){st->st_dev, st->st_ino, xstrdup(path)};
    (void)tsearch(f, &s->tree, by_inode);
}
