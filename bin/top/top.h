/* pod-top: processes of a container, as /proc shows them from outside. */
#ifndef POD_BIN_TOP_H
#define POD_BIN_TOP_H

#include "things/ctr.h"
#include "things/procs.h"

struct view {
    pid_t first;              /* the container's pid 1 on the host */
    struct buf passwd, group; /* the container's, for names */
    struct buf uid_map, gid_map;
};

/* column.c: the names that can be asked for. NULL when there is no such one. */
struct column {
    const char *name, *heading;
    void (*print)(const struct proc *p, const struct view *v, struct buf *out);
};
const struct column *column_find(const char *name);

#endif
