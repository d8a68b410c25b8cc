/* tar archives of trees, by pod-pack as root of the user's namespace. */
#ifndef POD_THINGS_PACK_H
#define POD_THINGS_PACK_H

#include "plain/err.h"
#include "plain/str.h"

#include <stdbool.h>
#include <sys/types.h>

/* file: opened for writing; NULL or "-": standard output, *ret_fd is SPAWN_INHERIT then. */
int pack_output(const char *file, int *ret_fd, struct err *e);
/* line: pod-pack's with its options (after start_add_userns, or a view's), which is extended. */
int pack_tree(struct strv *line, const char *dir, int out, struct err *e);

/* line is pod-pack's; *ret_report is for pack_end, which waits. */
int pack_start(const struct strv *line, int out, pid_t *ret, int *ret_report, struct err *e);
/* What it says of its end; *ret_unread: it ended because nobody read what it wrote. */
int pack_end(pid_t pid, int report, bool *ret_unread, struct err *e);
/*
 * Gives what pod-pack writes to pod-unpack, both by their command lines, and takes the latter's
 * answer. Of two failures the one that caused the other is said.
 */
int pack_through(const struct strv *pack, const struct strv *unpack, char *answer, size_t size,
                 struct err *e);

#endif
