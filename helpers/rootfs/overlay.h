/* A container's root filesystem: layers, and a directory for what is written. */
#ifndef POD_ROOTFS_OVERLAY_H
#define POD_ROOTFS_OVERLAY_H

#include "plain/err.h"

#include <stdbool.h>

struct overlay {
    const char *target, *base; /* where it goes; what the names of lower count from */
    const char *lower;         /* A:B:…, the topmost first */
    const char *upper, *work;  /* NULL: nothing can be written */
    const char *map_ids; /* fuse-overlayfs' uidmapping=…,gidmapping=…; NULL: ids as they are */
    bool is_volatile;    /* never synchronized: it is not to outlast the machine */
    bool fuse;           /* not by the kernel; set where the kernel could not */
};

int overlay_mount(struct overlay *o, struct err *e);

#endif
