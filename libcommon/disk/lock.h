/*
 * Whole-file locks that end with their holder.
 *
 * Open-file-description locks (F_OFD_*): they conflict with the POSIX record locks that the Go
 * tools take on the same files (containers/storage), belong to the description and so survive
 * fork and exec on purpose, and are gone when the last copy of the descriptor is closed.
 */
#ifndef POD_DISK_LOCK_H
#define POD_DISK_LOCK_H

#include <stdbool.h>

enum lock_mode { LOCK_SHARED, LOCK_EXCLUSIVE };

/* Opens (creating, 0644) and locks; waits. Returns the descriptor that is the lock, or -1. */
int lock_wait(int dir, const char *path, enum lock_mode mode);
/* As lock_wait, but -1 with EAGAIN when somebody holds it in a conflicting mode. */
int lock_try(int dir, const char *path, enum lock_mode mode);
/* Changes the mode of a lock held on fd without waiting; -1 with EAGAIN. */
int lock_change(int fd, enum lock_mode mode);
/* Is somebody holding it? Never waits, never creates the file. */
bool lock_is_held(int dir, const char *path);
/* Give up a lock before every copy of its descriptor is closed. */
int lock_release(int fd);

#endif
