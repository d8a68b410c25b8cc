/*
 * tar-split: all of an archive but the files' contents, so that it can be put together again byte
 * for byte from the unpacked tree. Lines of JSON, gzip'd: type 2 are raw bytes in base64, type 1
 * stands for the contents of one file, named as in the archive and checked by CRC-64/ISO.
 *
 * Readers refuse a name that comes twice, and what an entry replaced is gone from the tree. So a
 * replaced file's contents are kept aside, and the finished text is rewritten with them in place
 * of the line that named it. All functions take NULL: nothing is recorded then.
 */
#ifndef UNPACK_SPLIT_H
#define UNPACK_SPLIT_H

#include "plain/err.h"

#include <stddef.h>
#include <stdint.h>

struct split;
struct split *split_new(int fd); /* open for reading and writing, empty; stays the caller's */
void split_raw(struct split *s, const void *p, size_t n);
/* The entry at the cleaned path, called name in the archive; size 0: nothing of it is left out. */
void split_file(struct split *s, const char *name, const char *path, uint64_t size, uint64_t crc);
uint64_t split_crc(uint64_t crc, const void *p, size_t n);
/* What was unpacked to path is about to be removed; fd reads its contents, -1: it has none. */
int split_forget(struct split *s, const char *path, int fd, struct err *e);
/* Completes the file and frees s in every case. */
int split_end(struct split *s, struct err *e);

/* splitfix.c */
struct forgotten {
    uint64_t line;    /* which of the type 1 lines */
    uint64_t at, len; /* its contents in the stash */
};
struct gzout;
void split_segment(struct gzout *z, const void *p, size_t n, uint64_t position);
/* f is sorted by line. */
int split_rewrite(int fd, int stash, const struct forgotten *f, size_t n, struct err *e);

#endif
