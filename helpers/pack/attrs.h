/* What of a file is in attributes beside it, on its way into an archive. */
#ifndef PACK_ATTRS_H
#define PACK_ATTRS_H

#include "disk/owners.h"
#include "plain/buf.h"

#include <stdint.h>
#include <sys/stat.h>

/* Those that belong to the file, not to the store, as pax records. */
void attrs_pax(int fd, struct buf *pax);
/*
 * Put the owner that single-id mode remembers into st, which says root's; where there is none, and
 * no lower layer had the file, made_by. Of a regular file or a directory, and of what has no
 * attributes: path is its name in the tree's root; NULL: it is in none of the layers.
 */
void attrs_owner(const struct owner *made_by, int fd, struct stat *st);
void attrs_owner_beside(const struct owner *made_by, struct owners_layers *layers, const char *path,
                        struct stat *st);

/* The mount that name in dir, or dir itself when it is "", is on; 0: unknown. */
uint64_t attrs_mount(int dir, const char *name);

#endif
