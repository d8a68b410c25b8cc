/* Volumes that no container has mounted yet. */
#ifndef POD_ROOTFS_FILL_H
#define POD_ROOTFS_FILL_H

#include "plain/err.h"

#define FILL_VALUES 5 /* of --fill: VOLUME DEST UID GID HOW */

/*
 * Gives the volume in directory value[0] what a fresh one gets from its first container: with "c"
 * in HOW the files that the root filesystem on target has at DEST, with "o" the owner and mode of
 * DEST; UID and GID (-1: as it is) where there is no DEST, and without "o". A volume that is not
 * fresh is left alone. Killed in the middle it goes on the next time; only one does it at a time.
 */
int fill_volume(const char *target, char *const value[FILL_VALUES], struct err *e);

/* Mount option U: dir and all below it to that user, unless dir is his. */
int own_tree(const char *dir, const char *uid, const char *gid, struct err *e);

#endif
