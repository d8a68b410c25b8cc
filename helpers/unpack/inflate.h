/*
 * The blob's way in: read and decompressed into the ring. Runs in a thread.
 *
 * The compression is told by the first bytes, never by a media type. gzip may have many members
 * and zstd many frames, skippable ones too; what follows the last must be nothing.
 */
#ifndef UNPACK_INFLATE_H
#define UNPACK_INFLATE_H

#include "plain/err.h"
#include "ring.h"
#include "words/digest.h"

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
    /* results */
    enum compression compression;
    uint64_t blob_size, diff_size;
    size_t memory; /* that zstd took, mostly its window */
    struct err err;
    /* working */
    struct ring_slot *slot;
    unsigned char *buf; /* what was read last, in a slot */
    size_t at, have;
    bool eof, too_large;
};

/*
 * Ends the ring in every case; err says what broke. The blob is pushed to its last byte where its
 * digest may explain that; its size is checked.
 */
void pump_run(struct pump *p);
/* After the run: whether the blob, which hashed to got, is the one that was wanted; else err. */
int pump_check(struct pump *p, const struct digest *got);

#endif
