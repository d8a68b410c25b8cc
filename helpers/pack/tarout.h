/*
 * Writing a tar archive: POSIX.1-2017 pax format (pax, «pax Interchange Format»), which is ustar
 * where the fields suffice. Times are whole seconds, as other engines write them into layers.
 */
#ifndef PACK_TAROUT_H
#define PACK_TAROUT_H

#include "plain/buf.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct tarout {
    int fd;
    size_t n;
    char held[1 << 17];
};

struct tarout_entry {
    const char *name;      /* no slash before or behind */
    const char *link;      /* target of '1' and '2'; NULL for others */
    char type;             /* ustar typeflag */
    const struct stat *st; /* mode, ids, time, device numbers; the size counts for '0' only */
    struct buf pax;        /* further records (tarout_pax) */
};

/* All return 0, or -1 with errno. */
void tarout_pax(struct buf *b, const char *key, const void *value, size_t len);
int tarout_header(struct tarout *t, const struct tarout_entry *en);
/*
 * size bytes from fd, filled up with zeros where there are fewer: a file can shrink while it is
 * read.
 */
int tarout_file(struct tarout *t, int fd, uint64_t size);
int tarout_end(struct tarout *t);

#endif
