/*
 * A container's log as one stream of lines, though it lies in several files: NAME, which is written
 * to, and before it NAME.1, NAME.2 and so on. They are renamed while they are read: a file is known
 * by its inode, and the one after it by the name below the one that it has now.
 */
#ifndef POD_BIN_LOGS_FILES_H
#define POD_BIN_LOGS_FILES_H

#include <stdint.h>
#include <stdio.h>

struct logfiles {
    char *path; /* NAME; owned */
    FILE *f;    /* NULL: nothing was written yet */
    char *line;
    size_t size;
};

/* At the oldest line, or tail lines (>= 0) before the end. Takes path. */
void logfiles_open(struct logfiles *l, char *path, int64_t tail);
/* The next whole line without its newline, valid until the next call; NULL: not there yet. */
char *logfiles_next(struct logfiles *l);

#endif
