/* The records of one PAX extended header, pax(1) «pax Extended Header». */
#ifndef UNPACK_PAX_H
#define UNPACK_PAX_H

#include "tar.h"

struct pax {
    struct buf path, link, sparse_name; /* empty: not given */
    bool has_size, has_uid, has_gid, has_mtime, has_real;
    int64_t size, uid, gid, mtime, real;
    long mtime_ns;
    int64_t major, minor; /* GNU.sparse version; -1: not given */
    bool has_map;
    struct buf map; /* "offset,length,…" of versions 0.0 and 0.1 */
    struct tar_xattr *xattrs;
    size_t nxattrs;
};

void pax_clear(struct pax *x);
int pax_parse(struct pax *x, const char *p, size_t n, struct err *e);
/* Lets the records override what the header said; hands over the xattrs. */
int pax_apply(struct pax *x, struct tar_entry *entry, struct err *e);

/* sparse.c: finds the map of a sparse file; hdr is its header block. */
int sparse_read(struct tar *t, struct pax *x, const unsigned char *hdr, struct err *e);

#endif
