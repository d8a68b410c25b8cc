/* What is mounted, as the kernel says it in /proc/self/mountinfo. */
#ifndef POD_DISK_MOUNTS_H
#define POD_DISK_MOUNTS_H

#include "plain/err.h"
#include "plain/str.h"

/* Paths on which something is mounted here, in the order of the mounts. */
int mounts_list(struct strv *ret, struct err *e);

#endif
