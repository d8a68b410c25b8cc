/* What a directory has for an archive. */
#ifndef PACK_NAMES_H
#define PACK_NAMES_H

#include "plain/str.h"

#include <stdbool.h>

/*
 * The names in it, sorted, so that the same tree is the same archive; without that under which
 * fuse-overlayfs marks an opaque directory; none of a file system that is the kernel's. -1 with
 * errno.
 */
int names_sorted(int dir, bool layer, struct strv *ret);

#endif
