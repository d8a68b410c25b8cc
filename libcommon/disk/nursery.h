/*
 * Directories that come and go by the thousand, each with a dozen files.
 *
 * ext4 takes a new inode from the block group of the directory that it is made in, and looks there
 * at every inode deleted in the last minutes before it takes one. A directory made in a nursery
 * begins in one of eight groups far from each other, and what is made in it stays in that group.
 * Elsewhere this does neither good nor harm.
 */
#ifndef POD_DISK_NURSERY_H
#define POD_DISK_NURSERY_H

#include <stddef.h>
#include <sys/types.h>

/* mkdirat(own, path): by way of a nursery, which are made when missing. 0, or -1 with errno. */
int nursery_mkdir(int own, const char *path, mode_t mode);
/* Removes what killed callers have left, empty directories; how many there were. */
size_t nursery_sweep(int own);

#endif
