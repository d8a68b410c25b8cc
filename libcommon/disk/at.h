/*
 * Files by directory descriptor: whole reads, whole-or-nothing writes. errno tells what failed.
 */
#ifndef POD_DISK_AT_H
#define POD_DISK_AT_H

#include "plain/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Appends the file's bytes to b; EFBIG above max bytes. */
int at_read(int dir, const char *path, size_t max, struct buf *b);

/* mkdir -p below dir; directories that exist already keep their mode. */
int at_mkdirs(int dir, const char *path, mode_t mode);

/* A directory descriptor (O_PATH is not used: it can be fsynced and listed). -1 with errno. */
int at_open_dir(int dir, const char *path);

bool at_exists(int dir, const char *path);

enum at_write {
    AT_PLAIN = 0,   /* atomic by rename, left to the kernel to write back */
    AT_DURABLE = 1, /* fdatasync before the rename */
};
/*
 * A new file of these bytes, written in place: where nobody looks before all is there, in a
 * directory of our own. What cannot be written whole is removed again.
 */
int at_create(int dir, const char *path, const void *p, size_t n, mode_t mode);
/*
 * Makes path hold exactly these bytes: written beside under a random name, then renamed over.
 * A reader, or a power cut with AT_DURABLE, sees the old file or the new one. O_EXCL on the
 * temporary name: what a killed writer left is never reused.
 */
int at_write(int dir, const char *path, const void *p, size_t n, mode_t mode, enum at_write how);

/* A name nobody has: base followed by 12 random hex digits. */
void at_temp_name(char *out, size_t size, const char *base);

#endif
