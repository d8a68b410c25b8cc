/*
 * The blob's way in: read, hashed as it came, decompressed into the ring. Runs in a thread.
 *
 * The compression is told by the first bytes, never by a media type. gzip may have many members
 * and zstd many frames, skippable ones too; what follows the last must be nothing.
 */
#ifndef UNPACK_INFLATE_H
#define UNPACK_INFLATE_H

#include "plain/err.h"
#include "ring.h"
#include "words/sha256.h"

#include <stdint.h>

/* As in containers/storage's layers.json. */
enum compression { COMP_NONE = 0, COMP_BZIP2 = 1, COMP_GZIP = 2, COMP_XZ = 3, COMP_ZSTD = 4 };

struct pump {
    /* to be set before the run */
    int in;
    uint64_t limit;    /* read no more than this; UINT64_MAX: to the end of file */
    int64_t want_size; /* of the blob; -1: unknown */
    const char *want;  /* its digest; NULL: unknown */
    struct ring *ring;
    struct sha256 *hash; /* made by the caller, before it gives up its rights */
    /* results */
    enum compression compression;
    uint64_t blob_size, diff_size;
    size_t memory; /* that zstd took, mostly its window */
    struct digest blob;
    bool ok;
    struct err err;
    /* working */
    unsigned char *buf;
    size_t at, have;
    bool eof;
    char *slot;
    size_t fill;
};

/* Ends the ring in every case; err says what broke, and blob digest and size are checked. */
void pump_run(struct pump *p);

#endif
