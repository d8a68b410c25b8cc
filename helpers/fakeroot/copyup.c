/*
 * System calls before which an overlay copies a file from the layer that has it: of a link and a
 * FIFO nothing tells afterwards what the copy is one of. They are the kernel's to do, but by then
 * the owner is written down. Who changes the path in between loses an owner, and nothing else.
 */
#include "fakeroot.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <string.h>

#define NONE (-1)

static const struct copyup {
    const char *name;
    int dirfd, path; /* which argument that is; NONE: the working directory, the descriptor */
    int flags;       /* likewise; NONE: no such */
    bool follows;    /* a link at the end, where no flag says otherwise */
} calls[] = {
    {"rename", NONE, 0, NONE, false}, {"renameat", 0, 1, NONE, false},
    {"renameat2", 0, 1, NONE, false}, {"link", NONE, 0, NONE, false},
    {"linkat", 0, 1, 4, false},       {"chmod", NONE, 0, NONE, true},
    {"fchmod", 0, NONE, NONE, true},  {"fchmodat", 0, 1, NONE, true},
    {"fchmodat2", 0, 1, 3, true},     {"utime", NONE, 0, NONE, true},
    {"utimes", NONE, 0, NONE, true},  {"futimesat", 0, 1, NONE, true},
    {"utimensat", 0, 1, 3, true},     {"utimensat_time64", 0, 1, 3, true},
};

const struct copyup *copyup_of(const char *name)
{
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (strcmp(calls[i].name, name) == 0)
            return &calls[i];
    return NULL;
}

static void prepare(const struct caller *c, const struct copyup *call, const uint64_t *a)
{
    char path[PATH_MAX];
    struct name n = {.dirfd = call->dirfd == NONE ? AT_FDCWD : (int)a[call->dirfd]};
    int flags = call->flags == NONE ? 0 : (int)a[call->flags];
    bool follows = call->follows ? !(flags & AT_SYMLINK_NOFOLLOW) : flags & AT_SYMLINK_FOLLOW;
    n.flags = follows ? 0 : AT_SYMLINK_NOFOLLOW;
    if (call->path != NONE && a[call->path]) { /* futimens(3) has no path */
        if (caller_string(c, a[call->path], path, sizeof path) < 0)
            return;
        n.path = *path || !(flags & AT_EMPTY_PATH) ? path : NULL;
    }
    target_keep(c, &n);
}

void copyup_prepare(const struct caller *c, const struct copyup *call, const uint64_t *a)
{
    prepare(c, call, a);
    if (strcmp(call->name, "renameat2") == 0 && a[4] & RENAME_EXCHANGE)
        prepare(c, call, a + 2);
}
