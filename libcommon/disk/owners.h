/*
 * Owners of what the kernel gives no attribute (disk/owner.h): the symbolic links and FIFOs of a
 * tree in single-id mode.
 *
 * They are in a file beside the tree's top directory (overlay/LAYER/owners,
 * pod/containers/ID/owners), and are moved and removed with it. A line is one of them,
 *
 *   INODE BORN UID:GID [HANDLE]     1234 1795951440.123456789 33:33 8d1c0f44a9be5273
 *
 * and the last of an inode counts. When a file is gone its number is given to another: HANDLE is
 * the 64-bit FNV-1a hash of the file handle (name_to_handle_at(2)), which no other file gets. Where
 * there is none, BORN tells them apart: the time of birth of the file that is meant; no younger one
 * is.
 *
 * An overlay shows other numbers than its layers have, and fuse-overlayfs no times of birth:
 * whoever sees a file through one asks by its path, and is answered of the topmost layer that has
 * it.
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
    struct timespec born; /* 0: the file system does not say; such a one is as old as any */
    uint64_t handle;      /* 0: likewise, nor does an overlay */
};
/* Of name in dir, or of the descriptor dir itself when it is "". 0 or -1 with errno. */
int owners_key(int dir, const char *name, struct owners_key *ret);

bool owners_later(const struct timespec *a, const struct timespec *b); /* is a after b? */

/* What one of the files says. */
struct owners {
    void *tree;
};
/* Adds what path in dir says; no such file says nothing. 0 or -1 with errno. */
int owners_read(struct owners *o, int dir, const char *path);
void owners_put(struct owners *o, const struct owners_key *k, struct owner owner);
bool owners_find(const struct owners *o, const struct owners_key *k, struct owner *ret);
void owners_free(struct owners *o);

/* Layers, the topmost first, and what is beside each of them. */
struct owners_layers {
    struct owners_layer {
        char *path;
        int top; /* -1: not opened yet */
        struct owners owners;
    } * v;
    size_t n;
};
void owners_layers_add(struct owners_layers *l, const char *top);
/* Opens and reads them, the first time. A layer that is not there has nothing. 0 or -1 with errno.
 */
int owners_layers_open(struct owners_layers *l);
/* Is anybody remembered in one of them? */
bool owners_layers_any(const struct owners_layers *l);
/* The topmost one that has path, and the file there; NULL: none has. */
struct owners_layer *owners_layers_at(struct owners_layers *l, const char *path,
                                      struct owners_key *ret);

/* The file, to be added to; made when there is none. A descriptor, or -1 with errno. */
int owners_open(int dir, const char *path);
/* The whole line or, when the disk is full, none. 0 or -1 with errno. */
int owners_add(int file, const struct owners_key *k, struct owner owner);

#endif
