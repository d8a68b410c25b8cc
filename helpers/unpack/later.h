/*
 * Times of directories: entries made inside change them, so they are set when all is there. Held
 * back only up to a bound; then they are set early, and a directory that is entered again after
 * that has a newer time than the archive says.
 */
#ifndef UNPACK_LATER_H
#define UNPACK_LATER_H

#include "plain/buf.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct later_dir {
    size_t at; /* of its path in names */
    struct timespec mtime;
};

struct later {
    struct buf names;
    struct later_dir *v;
    size_t n;
    bool shared; /* somebody else may move directories about meanwhile */
};

void later_add(struct later *l, const char *path, struct timespec mtime);
/* The path is going to be something else: neither it nor what is below is meant any more. */
void later_drop(struct later *l, const char *path);
void later_apply(struct later *l);

#endif
