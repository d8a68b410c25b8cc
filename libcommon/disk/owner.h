/*
 * The owner that a file would have if its ids were mapped: what single-id mode (words/userns.h)
 * remembers of layers and of chown(2), and `commit` writes into the next layer.
 *
 * It is in the extended attribute user.rootlesscontainers, the protobuf message of
 * rootlesscontaine.rs {uint32 uid = 1; uint32 gid = 2;}, which umoci and PRoot use too. Regular
 * files and directories can have it; the kernel allows it on nothing else (disk/owners.h).
 */
#ifndef POD_DISK_OWNER_H
#define POD_DISK_OWNER_H

#include <stdbool.h>
#include <stdint.h>

#define OWNER_XATTR "user.rootlesscontainers"
#define OWNER_SAME  UINT32_MAX /* this one of the two is as stat(2) says */

struct owner {
    uint32_t uid, gid;
};

/* False: nothing is remembered. */
bool owner_read(int fd, struct owner *ret);
/* 0:0 is what it has anyway, and takes the attribute away. 0 or -1 with errno. */
int owner_write(int fd, struct owner o);
/* The same by name, following links; even_roots: 0:0 too is written, as no attribute means another.
 */
bool owner_read_path(const char *path, struct owner *ret);
int owner_write_path(const char *path, struct owner o, bool even_roots);
/* Did an overlay copy it up from a layer below? So it says of regular files and directories. */
bool owner_came_up(int fd);
bool owner_came_up_path(const char *path);

#endif
