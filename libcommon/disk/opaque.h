/* Overlay's opaque directories: what lower layers have in them is hidden. */
#ifndef POD_DISK_OPAQUE_H
#define POD_DISK_OPAQUE_H

#include <stdbool.h>

/* By an attribute of the kernel's (user.* or trusted.*) or of fuse-overlayfs. */
bool opaque_marked(int dir);
/* Likewise, or by a file in it, which fuse-overlayfs makes where it can set no attribute. */
bool opaque_is(int dir);

#endif
