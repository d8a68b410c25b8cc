/* A container's log in systemd's journal, as the lines that a k8s-file log would have. */
#ifndef POD_BIN_LOGS_JOURNAL_H
#define POD_BIN_LOGS_JOURNAL_H

#include "plain/buf.h"
#include "plain/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct journal {
    int fd; /* what journalctl writes; -1: it has ended */
    pid_t pid;
    struct buf in, line; /* JSON not taken yet; the line given last */
    struct buf cursor;   /* the journal's own name of that line's place; empty: none yet */
};

/* tail: so many of the last lines; -1: all. follow: go on when it has written what there is. */
int journal_open(struct journal *j, const char *id, int64_t tail, bool follow, struct err *e);
/*
 * The next «TIME STREAM F|P TEXT», valid until the next call; NULL: none yet, or, without follow,
 * no more. Waits up to wait_ms for it, or (-1) until there is one or the end.
 */
char *journal_next(struct journal *j, int wait_ms);
/*
 * After the container's end: from here on journal_next gives what is behind the last line, waits
 * for it with -1, and comes to an end.
 */
int journal_rest(struct journal *j, const char *id, int64_t tail, struct err *e);
void journal_close(struct journal *j);

#endif
