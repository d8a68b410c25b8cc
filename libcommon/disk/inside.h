/* Files as a process in another mount namespace, or rooted in some directory, sees them. */
#ifndef POD_DISK_INSIDE_H
#define POD_DISK_INSIDE_H

#include "plain/buf.h"

#include <stddef.h>
#include <sys/types.h>

/*
 * Opens path below the directory root (open(2)'s flags; O_CLOEXEC is added). Links, absolute and
 * upward ones too, lead nowhere out of it. A descriptor, or -1 with errno.
 */
int inside_open_below(int root, const char *path, int flags);
/* Likewise below pid's root directory. */
int inside_open(pid_t pid, const char *path, int flags);
/* The whole file at the end of b; nothing is added, and -1 returned, when that cannot be. */
int inside_read(pid_t pid, const char *path, size_t max, struct buf *b);

#endif
