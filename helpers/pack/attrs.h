/* What of a file is in attributes beside it, on its way into an archive. */
#ifndef PACK_ATTRS_H
#define PACK_ATTRS_H

#include "disk/owner.h"
#include "plain/buf.h"

#include <sys/stat.h>

/* Those that belong to the file, not to the store, as pax records. */
void attrs_pax(int fd, struct buf *pax);
/*
 * Puts the owner that single-id mode remembers into st; where there is none, and no lower layer had
 * the file, made_by. fd: -1 for what cannot have attributes.
 */
void attrs_owner(const struct owner *made_by, int fd, struct stat *st);

#endif
