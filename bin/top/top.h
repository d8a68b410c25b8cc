/* pod-top: processes of a container, as /proc shows them from outside. */
#ifndef POD_BIN_TOP_H
#define POD_BIN_TOP_H

#include "things/ctr.h"

struct proc {
    pid_t pid, ppid, pgid, in_ctr, parent_in_ctr; /* the last two: as the container numbers them */
    unsigned uid, euid, gid, egid;
    char state, comm[64];
    long nice;
    int tty;
    uint64_t start, ticks; /* clock ticks since boot; used */
    uint64_t vsz, rss;     /* KiB */
};

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

/* proc.c: those of the container, by their start. The caller frees *ret. */
int procs_of(pid_t first, struct proc **ret, size_t *ret_n, struct err *e);

#endif
