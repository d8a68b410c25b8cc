/*
 * The directory that entries are made in: archives list a directory's files together, so the chain
 * of open directories down to the last one is kept and mostly just used again.
 *
 * A symbolic link on the way is followed, as Go's unpackers do inside their chroot. Ours
 * (confine.h) is no wall to who holds a directory that was moved out of it: links are followed from
 * the root, never from where we are.
 */
#ifndef UNPACK_DIRS_H
#define UNPACK_DIRS_H

#include "plain/err.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define DIRS_KEPT 64

struct level {
    int fd;      /* O_PATH */
    size_t end;  /* of this directory's path in dirs.path */
    bool linked; /* reached through a symbolic link */
    bool setgid; /* what is made here gets its group */
};

struct dirs {
    struct level at[DIRS_KEPT];
    size_t n;
    char path[PATH_MAX];
};

int dirs_init(struct dirs *d, struct err *e); /* in the working directory */
/*
 * Opens path (cleaned, "" is the root), making what is missing as 0755 of root. A whiteout on the
 * way becomes an opaque directory when over is set. 0 and the level, valid until the next call;
 * 1 when there is a whiteout and over is not set; -1.
 */
int dirs_enter(struct dirs *d, const char *path, size_t len, bool over, const struct level **ret,
               struct err *e);

/*
 * The directory that path (from the root, the working directory) is in, O_PATH, and its name there:
 * also where directories are moved about meanwhile. -1 with errno.
 */
int dirs_parent(const char *path, const char **ret_base);

/* "user.overlay.opaque" on the directory name below dir. */
int dir_set_opaque(int dir, const char *name, const char *path, struct err *e);
/* chmod of a file or directory itself, whatever takes its place meanwhile. 0 or -1 with errno. */
int mode_set(int dir, const char *name, mode_t mode);
bool is_whiteout(int dir, const char *name);

/* A path as messages show it: absolute, control characters escaped. Two may be used at once. */
const char *shown(const char *path);
/* "what path: why" in Go's words, of errno. */
int path_error(struct err *e, const char *what, const char *path);

#endif
