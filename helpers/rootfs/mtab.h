/* /etc/mtab, which old programs read for what is mounted. */
#ifndef POD_ROOTFS_MTAB_H
#define POD_ROOTFS_MTAB_H

/* A link to /proc/mounts in the root filesystem on target, where /etc has none. May fail. */
void mtab_link(const char *target);

#endif
