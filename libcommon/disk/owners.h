/*
 * Owners of what the kernel gives no attribute (disk/owner.h): the symbolic links and FIFOs of a
 * tree in single-id mode.
 *
 * They are in a file beside the tree's top directory (overlay/LAYER/owners,
 * pod/containers/ID/owners), and are moved and removed with it. A line is one of them,
 *
 *   INODE BORN UID:GID [MTIME LOOK]     1234 1795951440.123456789 33:33
 *
 * and the last of an inode counts. When a file is gone its number is given to another: BORN is
 * the time of birth of the file that is meant, and no younger one is.
 *
 * An overlay that changes a file of a layer below copies it, and of a link no sign is left of where
 * it came from; but the copy has its time and target. So has no other file, but by intent. LOOK is
 * the 64-bit FNV-1a hash of the type's letter («l» or «p») and the target.
 */
#ifndef POD_DISK_OWNERS_H
#define POD_DISK_OWNERS_H

#include "disk/owner.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define OWNERS_FILE   "owners"
#define OWNERS_BESIDE "../" OWNERS_FILE /* from the top directory */

struct owners_key {
    uint64_t ino;
    struct timespec born; /* of an unknown one 0, which is of any */
    struct timespec mtime;
    uint64_t look; /* 0: copies of it are not to be known again */
};
/* Of name in dir, or of the descriptor dir itself when it is "". 0 or -1 with errno. */
int owners_key(int dir, const char *name, struct owners_key *ret);

/* What several of the files say. */
struct owners {
    void *by_inode, *by_look;
};
/* Adds what path in dir says; no such file says nothing. 0 or -1 with errno. */
int owners_read(struct owners *o, int dir, const char *path);
void owners_put(struct owners *o, const struct owners_key *k, struct owner owner);
/* The file's own, else that of the one it is a copy of. */
bool owners_find(const struct owners *o, const struct owners_key *k, struct owner *ret);
void owners_free(struct owners *o);

/* The file, to be added to; made when there is none. A descriptor, or -1 with errno. */
int owners_open(int dir, const char *path);
/* The whole line or, when the disk is full, none. 0 or -1 with errno. */
int owners_add(int file, const struct owners_key *k, struct owner owner);

#endif
