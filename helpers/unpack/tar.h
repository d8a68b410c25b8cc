/*
 * A streaming tar reader that agrees with Go's archive/tar on what an archive says, because that
 * is what every other tool of this store unpacks with: v7, ustar, star, GNU and PAX.
 *
 * As there: PAX global headers are checked and then ignored; links, directories, devices and fifos
 * never have a payload; a truncated or senseless header is an error, a missing trailer is not.
 * It works on the caller's buffers, and every byte that is not payload also goes to on_raw.
 */
#ifndef UNPACK_TAR_H
#define UNPACK_TAR_H

#include "plain/buf.h"
#include "plain/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TAR_BLOCK 512
/* Most that one extension header may hold, as Go has it. */
#define TAR_SPECIAL_MAX ((size_t)1 << 20)
#define TAR_EXTENTS_MAX ((size_t)1 << 17)

struct tar_xattr {
    char *name;
    char *value;
    size_t len;
    bool weak; /* from LIBARCHIVE.xattr.: a SCHILY.xattr. of the same name replaces it */
};

struct tar_extent {
    uint64_t at, len;
};

struct tar_entry {
    char type;             /* '0'…'6' or 'g'; contiguous, sparse and v7 files are '0' */
    struct buf name, link; /* as in the archive, never with a NUL inside */
    uint64_t size;         /* of the file; the payload is shorter when sparse */
    int64_t uid, gid, mode;
    int64_t mtime;
    long mtime_ns;
    struct tar_xattr *xattrs;
    size_t nxattrs;
    bool sparse;
    struct tar_extent *extents;
    size_t nextents;
};

struct tar {
    /* more: the next run of bytes, valid until asked again. 1, 0 at the end, -1 with *e. */
    int (*more)(void *ctx, const char **p, size_t *n, struct err *e);
    void (*on_raw)(void *ctx, const char *p, size_t n); /* may be NULL */
    void *ctx;
    struct tar_entry entry;
    /* working */
    const char *p;
    size_t left;
    uint64_t todo, pad; /* payload not read yet, and the padding behind it */
    unsigned char blk[TAR_BLOCK];
    struct buf special;
};

/* The next entry into t->entry, valid until the next call. 1, 0 at the end of the archive, -1. */
int tar_next(struct tar *t, struct err *e);
/* The next run of the entry's payload. 1, 0 at its end, -1. */
int tar_data(struct tar *t, const char **ret, size_t *ret_n, struct err *e);
/* Gives everything behind the trailer to on_raw. */
int tar_rest(struct tar *t, struct err *e);
void tar_release(struct tar *t);

/* Between tar.c, header.c, pax.c and sparse.c. */
int tar_invalid(struct err *e);
int tar_block(struct tar *t, struct err *e); /* the next block into t->blk: 1, 0, -1 */
bool tar_number(const unsigned char *field, size_t n, int64_t *ret);

/* A text field, which ends with a NUL or its own end. */
void tar_field(struct buf *to, const unsigned char *field, size_t n);
/* The block b, without its extensions. *ret_size: what follows it in the archive. */
int tar_header(struct tar_entry *en, const unsigned char *b, int64_t *ret_size, struct err *e);

#endif
