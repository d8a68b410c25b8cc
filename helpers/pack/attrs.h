/* What of a file is in attributes beside it, on its way into an archive. */
#ifndef PACK_ATTRS_H
#define PACK_ATTRS_H

#include "disk/owners.h"
#include "plain/buf.h"

#include <sys/stat.h>

/* Those that belong to the file, not to the store, as pax records. */
void attrs_pax(int fd, struct buf *pax);
/*
 * Put the owner that single-id mode remembers into st; where there is none, and no lower layer had
 * the file, made_by. Of a regular file or a directory, and of name in dir, anything else.
 */
void attrs_owner(const struct owner *made_by, int fd, struct stat *st);
void attrs_owner_beside(const struct owner *made_by, const struct owners *beside, int dir,
                        const char *name, struct stat *st);

#endif
