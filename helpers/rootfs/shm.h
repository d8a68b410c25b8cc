/* Another container's /dev/shm. */
#ifndef POD_ROOTFS_SHM_H
#define POD_ROOTFS_SHM_H

#include "plain/err.h"

/* What process `pid` (as text) sees on /dev/shm is on dir as well, in our mount namespace. */
int shm_join(const char *pid, const char *dir, struct err *e);

#endif
