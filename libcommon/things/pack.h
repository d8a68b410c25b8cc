/* tar archives of trees, by pod-pack as root of the user's namespace. */
#ifndef POD_THINGS_PACK_H
#define POD_THINGS_PACK_H

#include "plain/err.h"
#include "plain/str.h"

/* file: opened for writing; NULL or "-": standard output, *ret_fd is SPAWN_INHERIT then. */
int pack_output(const char *file, int *ret_fd, struct err *e);
/* line: how pod-pack is started (start_add_userns, or a view's), which is extended. */
int pack_tree(struct strv *line, const char *dir, int out, struct err *e);

#endif
